"""The network with torch-geometric and with NumPy; what it is as shipped."""

from __future__ import annotations

import json
from dataclasses import replace

import numpy as np
import pytest

from metadata import WorkError
from planner.graph_network import inference, scorer
from planner.graph_network.context import SIZE, SUMMARY, context
from planner.graph_network.encoding import Encoder, vocabulary
from planner.graph_network.inference import WEIGHTS, Predictor, trained
from planner.graph_network.measuring import kendall, stretches, winkler
from planner.graph_network.network import OUTPUTS, network
from planner.graph_network.rehearsal import NOTHING, Rehearsal
from planner.graph_network.scorer import GraphScorer
from planner.graph_network.training import GIVEN
from planner.search import search
from planner.task import Priority
from tests.planner.situations import FixedCosts, situation
from toolbox.recipe import Recipe, Step

BEFORE = (Step("flat_field"), Step("minus_log"), Step("center_consensus"))
SOME: list[Recipe] = [BEFORE, (*BEFORE, Step("fbp")), (*BEFORE, Step("fbp"), Step("denoise_nlm")),
                      (Step("flat_field"),)]  # fmt: skip


@pytest.fixture(scope="module")
def untrained() -> Predictor:
    torch = pytest.importorskip("torch")
    pytest.importorskip("torch_geometric")
    torch.manual_seed(3)
    made = network(len(vocabulary())).eval()
    made.stretch.copy_(torch.tensor([1.5, 0.5]))
    for name, value in made.named_buffers():
        if name in ("mean", "spread"):
            value.copy_(torch.rand(value.shape) + 0.1)
    tensors = {n: v.detach().numpy() for n, v in made.state_dict().items()}
    found = Predictor(tensors, vocabulary())
    found.torch = made  # type: ignore[attr-defined]
    return found


def test_numpy_says_what_torch_geometric_says(untrained: Predictor) -> None:
    import torch

    asked = situation(noise=0.3)
    graphs = Encoder(asked, vocabulary()).encode(SOME)
    rng = np.random.default_rng(0)
    about = context(asked, rng.normal(size=128).astype(np.float32))[None]
    scan = np.zeros(len(SOME), np.int64)
    given = graphs | {"context": about, "scan": scan}
    with torch.inference_mode():
        wanted = untrained.torch(*(torch.from_numpy(given[n]) for n in GIVEN))[0]  # type: ignore[attr-defined]
    found = untrained(graphs, about, scan)
    assert found.shape == (len(SOME), OUTPUTS)
    np.testing.assert_allclose(found, wanted.numpy(), atol=2e-5)


def test_a_graph_is_judged_the_same_whatever_is_beside_it(untrained: Predictor) -> None:
    asked = situation(noise=0.3)
    encoder, about = Encoder(asked, vocabulary()), context(asked)[None]
    together = untrained(encoder.encode(SOME), about, np.zeros(len(SOME), np.int64))
    alone = untrained(encoder.encode(SOME[2:3]), about, np.zeros(1, np.int64))
    np.testing.assert_allclose(together[2:3], alone, atol=1e-5)
    assert np.abs(together[1] - together[2]).max() > 1e-3


def test_seconds_are_those_of_the_steps_together(untrained: Predictor) -> None:
    asked = situation()
    found = untrained(Encoder(asked, vocabulary()).encode(SOME), context(asked)[None],
                      np.zeros(len(SOME), np.int64))  # fmt: skip
    assert found[0, 3] < found[1, 3] < found[2, 3]
    assert found[0, 4] <= found[1, 4] <= found[2, 4]


def test_the_context_holds_what_was_tried() -> None:
    asked = situation()
    tried = Rehearsal({}, np.arange(len(NOTHING.slice), dtype=np.float32))
    vector = context(asked, None, tried)
    assert vector.shape == (SIZE,)
    np.testing.assert_array_equal(vector[SUMMARY], tried.slice)
    assert not np.array_equal(context(situation(rings=30.0)), context(asked))


def test_a_scorer_asked_at_once_says_what_it_says_one_by_one(untrained: Predictor) -> None:
    asked = situation()
    one, many = GraphScorer(untrained), GraphScorer(untrained)
    many.ahead(SOME, asked)
    for recipe in SOME:
        found = many.quality(recipe, asked)
        assert found.value == pytest.approx(one.quality(recipe, asked).value, abs=1e-5)
        assert 0 <= found.low <= found.value <= found.high <= 1
    assert many.reasons(SOME[1], asked, "en")


def test_another_request_on_the_same_scan_does_not_look_again(
    untrained: Predictor, monkeypatch: pytest.MonkeyPatch
) -> None:
    looks = []

    def look(*given: object) -> tuple[Rehearsal, None]:
        looks.append(given)
        return NOTHING, None

    monkeypatch.setattr(scorer, "looked", look)
    asked, of = situation(), GraphScorer(untrained)
    hurried = replace(asked, task=replace(asked.task, priority=Priority.SPEED))
    of.quality(SOME[0], asked)
    of.quality(SOME[0], hurried)
    assert len(looks) == 1
    of.quality(SOME[0], situation())
    assert len(looks) == 2


def test_the_search_takes_it_for_a_scorer(untrained: Predictor) -> None:
    asked = situation(rings=15.0)
    candidates = search(asked, GraphScorer(untrained), FixedCosts())
    assert len({c.recipe for c in candidates}) > 20


def test_kendall_passes_over_pairs_that_hardly_differ() -> None:
    quality = np.array([0.500, 0.505, 0.9])
    assert kendall(np.array([2.0, 1.0, 3.0]), quality) == 1
    assert kendall(np.array([3.0, 2.0, 1.0]), quality) == -1
    assert np.isnan(kendall(quality[:2], quality[:2]))


def test_intervals_hold_on_a_further_scan() -> None:
    """Where the errors of a scan's pipelines are alike, as many scans as there are count."""
    rng, holds = np.random.default_rng(2), []
    for _ in range(300):
        errors = rng.normal(size=(20, 1)) + 0.05 * rng.normal(size=(20, 30))
        known = [(np.tile([0.0, 1.0, 1.0], (30, 1)), {"quality": 1 / (1 + np.exp(-e))})
                 for e in errors[:19]]  # fmt: skip
        low, high = stretches(known)
        holds.append(((errors[19] > -low) & (errors[19] < high)).mean())
    assert 0.88 < np.mean(holds) < 0.95


def test_an_interval_is_charged_for_its_width_and_ten_or_more_times_for_what_it_misses() -> None:
    zero, value = np.zeros(2), np.array([0.5, 1.5])
    assert winkler(zero, zero + 1, value) == pytest.approx((1 + 1 + 20 * 0.5) / 2)


@pytest.mark.skipif(not WEIGHTS.exists(), reason="no weights in this checkout")
def test_weights_and_code_give_the_reference_of_the_card() -> None:
    from safetensors.numpy import load_file

    kept = load_file(WEIGHTS.with_name("graph_network.reference.safetensors"))
    found = trained()(kept, kept["context"], kept["scan"])
    np.testing.assert_allclose(found, kept["output"], atol=2e-3)
    card = json.loads(WEIGHTS.with_suffix(".json").read_text("utf-8"))
    assert card["tools"]
    assert WEIGHTS.stat().st_size < 4_000_000


def test_missing_weights_say_how_to_train_them() -> None:
    with pytest.raises(WorkError, match="tomoplan train graph_network"):
        inference.trained(WEIGHTS.with_name("none.safetensors"))
