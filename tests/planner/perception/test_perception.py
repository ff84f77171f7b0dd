"""Pictures, captions and the image-text network before it is trained."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from planner.perception.captions import LANGUAGES, caption, claims
from planner.perception.conditions import APART, VISIBLE, draw
from planner.perception.measuring import auroc, linear_probe, recall
from planner.perception.pictures import PANELS, SIDE, Pictures, middle, squeezed
from planner.perception.scenes import pictures_of
from planner.task import Condition

FAMILIES = ("alloy", "foam", "wood", "cell", "rock", "seed")


def test_squeezing_keeps_the_mean_of_what_divides_evenly() -> None:
    panel = np.random.default_rng(0).normal(size=(2 * SIDE, 3 * SIDE)).astype(np.float32)
    expected = panel.reshape(SIDE, 2, SIDE, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(squeezed(panel), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(1, 40), (5, 2560), (97, 50), (300, 96)])
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    panel = np.random.default_rng(0).normal(size=shape).astype(np.float32)
    panel[0, 0] = np.nan
    found = Pictures.of(panel, panel, panel).stacked()
    assert found.shape == (2, 3, SIDE, SIDE)
    assert np.isfinite(found).all()


def test_the_middle_is_cut_pixel_by_pixel() -> None:
    panel = np.arange(200 * 100, dtype=np.float32).reshape(200, 100)
    np.testing.assert_array_equal(middle(panel), panel[52:148, 2:98])


def test_the_same_world_gives_the_same_pictures_and_few_views_others() -> None:
    rng = np.random.default_rng(1)
    drawn = draw(rng, FAMILIES, probability=0.0)
    assert drawn.shown == {}
    sparse = dataclasses.replace(drawn.world, projections=20)
    one, same, other = (
        pictures_of(world, np.random.default_rng(5)).stacked()
        for world in (drawn.world, drawn.world, sparse)
    )
    np.testing.assert_allclose(one, same, atol=1e-5)  # threads add up in any order
    slices = PANELS.index("slice")
    assert np.abs(one[0, slices] - other[0, slices]).mean() > 0.02


def test_conditions_that_exclude_one_another_do_not_meet() -> None:
    rng = np.random.default_rng(2)
    kept = frozenset({Condition.RINGS, Condition.LOW_DOSE})
    for _ in range(300):
        shown = set(draw(rng, FAMILIES, probability=0.4, without=[kept]).shown)
        assert not any(pair <= shown for pair in (*APART, kept))


def test_there_are_thousands_of_captions_in_each_language() -> None:
    rng = np.random.default_rng(3)
    for language in LANGUAGES:
        made = set()
        for _ in range(6500):
            drawn = draw(rng, FAMILIES)
            made.add(caption(rng, drawn.world.specimen, drawn.shown, language))
        assert len(made) > 2500, language


def test_each_condition_has_words_for_being_there_and_not() -> None:
    for condition in VISIBLE:
        there, absent = claims(condition)
        assert len(there) >= 4
        assert len(absent) >= 2
        assert not set(there) & set(absent)


def test_area_under_the_curve_probe_and_recall() -> None:
    rng = np.random.default_rng(4)
    there = rng.random(200) < 0.4
    assert auroc(there.astype(float), there) == 1.0
    assert auroc(np.zeros(200), there) == 0.5
    known = rng.normal(size=(200, 5)) + 3 * there[:, None]
    assert auroc(linear_probe(known, there[:, None], known)[:, 0], there) > 0.95
    assert recall(np.eye(6), np.eye(6), 1) == 1.0
    assert recall(np.eye(6), np.roll(np.eye(6), 1, axis=0), 1) == 0.0


def test_the_tower_is_the_one_of_open_clip() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("open_clip")
    from planner.perception.network import image_tower, open_clip_tower

    torch.manual_seed(0)
    theirs, ours = open_clip_tower().eval(), image_tower().eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
    ours.load_state_dict(theirs.state_dict())
    pictures = torch.randn(2, 3, SIDE, SIDE)
    torch.testing.assert_close(ours(pictures), theirs(pictures), atol=1e-4, rtol=1e-4)


def test_a_step_of_learning_lowers_the_loss() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("open_clip")
    from planner.perception.training import Part
    from simulators.training.loop import as_tensors

    options = {"families": ["foam", "alloy"], "held_out": ["rock"],
               "apart": [["rings", "low_dose"]], "validation": 2, "test": 4}  # fmt: skip
    part = Part(options)
    rng = np.random.default_rng(6)
    examples = [part.example(rng) for _ in range(4)]
    torch.manual_seed(0)
    network = part.network()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    batch = as_tensors(part.batch(examples, rng), "cpu")
    losses = []
    for _ in range(6):
        loss = part.loss(network, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert 0 <= part.validate(network)["score"] <= 1
