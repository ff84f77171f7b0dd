"""Pictures, captions and the image-text network before it is trained."""

from __future__ import annotations

import dataclasses
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import Scan
from planner.inspection import inspect_scan
from planner.perception import conditions
from planner.perception.captions import LANGUAGES, caption, claims, meaning, plain
from planner.perception.conditions import APART, MAKERS, Combination, draw, draw_one
from planner.perception.examples import example, gathered
from planner.perception.gauges import SIDE
from planner.perception.measuring import (
    Retrieval,
    auroc,
    linear_probe,
    logistic,
    pairs_in_order,
)
from planner.perception.pictures import MARGIN, PANELS, Pictures, middle, spots, squeezed
from planner.perception.scenes import pictures_of
from planner.perception.shown import SHOWN, VISIBLE
from planner.perception.traits import score_of, scores
from planner.task import Condition
from simulators import World, simulate

FAMILIES = ("alloy", "foam", "wood", "cell", "rock", "seed")
OPTIONS: dict[str, Any] = {
    "seed": 3, "workers": 1, "probability": 0.3, "families": ["foam", "alloy"],
    "held_out": ["rock"], "apart": [["foam", "rings"], ["alloy", "low_dose"]],
    "train": 4, "validation": 3, "test": 4, "new": 2,
}  # fmt: skip


@pytest.fixture(scope="module", autouse=True)
def folder(tmp_path_factory: pytest.TempPathFactory) -> Any:
    """Examples are kept here, not with those of the machine."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(tempfile, "tempdir", str(tmp_path_factory.mktemp("examples")))
        yield


def test_squeezing_keeps_the_mean_of_what_divides_evenly() -> None:
    panel = np.random.default_rng(0).normal(size=(2 * SIDE, 3 * SIDE)).astype(np.float32)
    expected = panel.reshape(SIDE, 2, SIDE, 3).mean(axis=(1, 3))
    np.testing.assert_allclose(squeezed(panel), expected, atol=1e-5)


@pytest.mark.parametrize("shape", [(30, 40), (63, 700), (90, 128), (400, 300)])
def test_pictures_of_any_size(shape: tuple[int, int]) -> None:
    found = Pictures.seen(inspect_scan(_scan(*shape)))
    assert found is not None
    assert found.whole.shape == (3, SIDE, SIDE)
    assert found.detail.shape == (3, SIDE + 2 * MARGIN, SIDE + 2 * MARGIN)
    assert found.gauged.shape == (6, SIDE, SIDE)
    assert found.stacked().shape == (len(PANELS) // 3, 3, SIDE, SIDE)
    assert np.isfinite(found.stacked()).all()


def _scan(projections: int, columns: int) -> Scan:
    return simulate(World("foam", rows=2, projections=projections, columns=columns, photons=1e4))


def test_a_wide_scan_is_shown_like_a_narrow_one() -> None:
    worlds = (World("shepp_logan", rows=1, projections=2 * n, columns=n) for n in (150, 600))
    narrow, wide = (Pictures.seen(inspect_scan(simulate(w), seconds=60)) for w in worlds)
    assert narrow is not None
    assert wide is not None
    for panel in (0, 1, 2):
        pair = [p.whole[panel].ravel() for p in (narrow, wide)]
        assert np.corrcoef(*pair)[0, 1] > 0.9


@pytest.mark.parametrize("turn", [1, 2])
def test_the_quick_slice_is_that_of_the_toolbox(turn: int) -> None:
    from planner.perception.quick_slice import QuickSlice
    from toolbox import make_tool
    from toolbox.values import Center

    axis = 63.5 if turn == 1 else 30.0
    scan = simulate(World("shepp_logan", rows=1, projections=200 * turn, columns=128,
                          range_deg=180.0 * turn, center=axis, fill=0.8))  # fmt: skip
    preview = inspect_scan(scan, seconds=60).preview
    assert preview is not None
    sinogram = preview.attenuation
    volume = make_tool("fbp", {"filter": "hann"})(
        sinogram=sinogram, center=Center(axis, axis, axis)
    )
    ours = QuickSlice(sinogram.values[0], np.asarray(scan.info.angles_rad), axis)
    theirs = volume.values[0]
    assert ours.size == len(theirs)
    found = ours.at(1.0, ours.size)
    assert np.corrcoef(found.ravel(), theirs.ravel())[0, 1] > 0.99
    assert found.max() == pytest.approx(theirs.max(), rel=0.1)


def test_looking_loads_neither_torch_nor_scipy() -> None:
    code = ("import sys, planner.perception.recognition, planner.perception.similar; "
            "print({'torch', 'scipy', 'simulators', 'open_clip'} & set(sys.modules))")  # fmt: skip
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "set()"


def test_a_spot_is_kept_when_it_is_squeezed() -> None:
    noise = np.random.default_rng(0).normal(0, 0.01, (300, 250))
    row = (np.linspace(0, 1, 250) + noise).astype(np.float32)
    row[150, 100] -= 0.5
    found = spots(row)
    assert found.shape == (SIDE, SIDE)
    place = [int(i) for i in np.unravel_index(found.argmax(), found.shape)]
    assert place == [150 * SIDE // 300, 100 * SIDE // 250]


def test_the_middle_is_cut_pixel_by_pixel() -> None:
    panel = np.arange(200 * 100, dtype=np.float32).reshape(200, 100)
    np.testing.assert_array_equal(middle(panel), panel[68:132, 18:82])


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
    assert np.abs(one[0, 2] - other[0, 2]).mean() > 0.02  # the slice as a whole


def test_conditions_that_exclude_one_another_do_not_meet() -> None:
    rng = np.random.default_rng(2)
    kept: list[Combination] = [("foam", Condition.RINGS), ("rock", Condition.LOW_DOSE)]
    for _ in range(300):
        drawn = draw(rng, FAMILIES, probability=0.4, without=kept)
        assert not any(pair <= set(drawn.shown) for pair in APART)
        assert not any((drawn.world.specimen, c) in kept for c in drawn.shown)


@pytest.mark.parametrize("condition", SHOWN)
def test_one_condition_alone(condition: Condition) -> None:
    drawn = draw_one(np.random.default_rng(5), ("foam", condition))
    assert set(drawn.shown) == {condition}
    assert drawn.world.specimen == "foam"


def test_every_condition_that_is_shown_can_be_made() -> None:
    assert tuple(MAKERS) == SHOWN
    assert set(VISIBLE) == set(SHOWN) - {Condition.DRIFT}
    assert conditions.MILD < conditions.STRONG


def test_there_are_thousands_of_captions_in_each_language() -> None:
    rng = np.random.default_rng(3)
    for language in LANGUAGES:
        made = set()
        for _ in range(6500):
            drawn = draw(rng, FAMILIES)
            made.add(caption(rng, drawn.world.specimen, drawn.shown, language).text)
        assert len(made) > 2500, language


def test_each_condition_has_words_for_being_there_and_not() -> None:
    for condition in SHOWN:
        there, absent = claims(condition)
        assert len(there) >= 4
        assert len(absent) >= 2
        assert not set(there) & set(absent)


def test_plain_captions_tell_combinations_apart() -> None:
    grid = [(f, c) for f in FAMILIES for c in (None, *SHOWN)]
    for language in LANGUAGES:
        said = [c.text for one in grid for c in plain(one, language)]
        assert len(set(said)) == len(said)


def test_a_caption_means_what_its_clauses_mean() -> None:
    shown = {Condition.RINGS: 2, Condition.JITTER: 1}
    one = caption(np.random.default_rng(1), "foam", shown, "en")
    assert len(one.clauses) >= 3
    assert all(clause in one.text for clause in one.clauses)
    assert np.linalg.norm(one.meaning) == pytest.approx(1, abs=1e-5)
    assert one.meaning @ meaning(one.clauses[1]) > 0.8


def test_area_under_the_curve_and_probe() -> None:
    rng = np.random.default_rng(4)
    there = rng.random(200) < 0.4
    assert auroc(there.astype(float), there) == 1.0
    assert auroc(np.zeros(200), there) == 0.5
    assert np.isnan(auroc(np.zeros(200), there & False))
    known = rng.normal(size=(200, 5)) + 3 * there[:, None]
    assert auroc(linear_probe(known, there[:, None], known)[:, 0], there) > 0.95


def test_odds_made_of_scores_are_right_as_often_as_they_say() -> None:
    rng = np.random.default_rng(6)
    score = rng.normal(size=4000)
    there = rng.random(4000) < 1 / (1 + np.exp(-(3 * score - 1)))
    slope, offset = logistic(score, there)
    assert slope == pytest.approx(3, abs=0.3)
    assert offset == pytest.approx(-1, abs=0.2)


def test_retrieval_counts_captions_specimens_and_conditions() -> None:
    own, specimens, faults = np.array([0, 1, 2]), np.array([0, 0, 1]), np.array([0, 1, 0])
    assert Retrieval.of(np.eye(3), own, specimens, faults) == Retrieval(1, 1, 1, 1)
    moved = Retrieval.of(np.roll(np.eye(3), 1, axis=1), own, specimens, faults)
    assert moved == Retrieval(0.0, 1.0, 1 / 3, 1 / 3)


def test_pairs_of_one_scan() -> None:
    assert pairs_in_order(np.array([0.1, 0.9, 0.5]), [2], [0, 1]) == (1, 2)
    assert pairs_in_order(np.array([0.1, 0.9]), [], [0, 1]) == (0, 0)


def test_traits_score_conditions_by_how_far_they_lie_from_the_planners_limits() -> None:
    world = World("foam", rows=1, columns=128, projections=150, photons=1e4)
    ringed, plain_ = (
        scores(inspect_scan(simulate(dataclasses.replace(world, rings=r))).traits) for r in (1, 0)
    )
    both = np.stack([ringed, plain_])
    ring_scores = score_of(Condition.RINGS, both)
    assert ring_scores[0] > ring_scores[1] + 0.3
    assert (score_of(Condition.HALF_ACQUISITION, both) == 0).all()  # no trait tells it


def test_the_tower_is_the_one_of_open_clip() -> None:
    torch = pytest.importorskip("torch")
    pytest.importorskip("open_clip")
    from planner.perception import network
    from planner.perception.recognition import HEADS
    from planner.perception.tower import Tower

    assert network.HEADS == HEADS
    torch.manual_seed(0)
    theirs: Any = network.network().eval()
    for module in theirs.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.normal_()
            module.running_var.uniform_(0.5, 2)
            module.weight.data.uniform_(0.5, 2)
    ours = Tower({name: w.numpy() for name, w in theirs.state_dict().items()}, HEADS)
    pictures = torch.randn(2, 4, 3, SIDE, SIDE)
    with torch.inference_mode():
        expected = theirs.look(pictures).numpy()
    np.testing.assert_allclose(ours.look(pictures.numpy()), expected, atol=1e-5)


def test_examples_depend_on_their_number_alone_and_are_kept() -> None:
    made = gathered(OPTIONS, "train")
    assert len(made) == 4
    again = example(OPTIONS, "train", 2)
    for name in ("severity", "family"):
        np.testing.assert_array_equal(made[2][name], again[name])
    np.testing.assert_allclose(made[2]["whole"], again["whole"], atol=0.02)
    (kept,) = Path(tempfile.gettempdir()).rglob("train-*.npz")
    first = kept.stat().st_mtime_ns
    assert len(gathered(OPTIONS, "train")) == 4
    assert kept.stat().st_mtime_ns == first


def test_new_combinations_are_those_kept_apart() -> None:
    for number, (family, condition) in enumerate(OPTIONS["apart"]):
        one = example(OPTIONS, "new", number)
        assert str(one["family"]) == family
        assert [c.value for c, s in zip(SHOWN, one["severity"], strict=True) if s] == [condition]


@pytest.fixture(scope="module")
def part(folder: None) -> Any:
    pytest.importorskip("torch")
    pytest.importorskip("open_clip")
    from planner.perception.training import Part

    return Part(OPTIONS)


def test_steps_of_learning_lower_the_loss(part: Any) -> None:
    import torch

    from simulators.training.loop import as_tensors

    rng = np.random.default_rng(6)
    examples = [part.example(rng) for _ in range(6)]
    torch.manual_seed(0)
    network = part.network()
    optimiser = torch.optim.Adam(network.parameters(), 1e-3)
    batch = as_tensors(part.batch(examples, rng), "cpu")
    assert batch["pictures"].shape == (6, 4, 3, SIDE, SIDE)
    losses = []
    for _ in range(6):
        loss = part.loss(network, batch)
        optimiser.zero_grad()
        loss.backward()
        optimiser.step()
        losses.append(float(loss.detach()))
    assert losses[-1] < losses[0]
    assert 0 <= part.validate(network)["score"] <= 1
    assert float(network.directions.abs().sum()) > 0


def test_what_is_measured_is_of_scans_never_trained_on(part: Any) -> None:
    network = part.network()
    part.validate(network)
    found = part.measure(network)
    assert {row["world"] for row in found.worlds} == {c.value for c in SHOWN}
    assert found.metrics["scans"] == OPTIONS["test"]
    assert found.metrics["captions_to_choose_from"] == 2 * (1 + len(VISIBLE))
    for how in (*LANGUAGES, "linear_probe"):
        assert 0 <= found.metrics[f"recall_at_1_{how}"] <= found.metrics[f"recall_at_5_{how}"] <= 1
