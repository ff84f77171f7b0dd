"""The order of plans follows a beamline's taste, among those that are about as good."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from planner import service
from planner.feedback.aspects import ASPECTS
from planner.feedback.head import trained
from planner.feedback.memory import Memory, Taste
from planner.feedback.plan_aspects import PlanAspects, plan_aspects
from planner.feedback.reranking import WITHIN, by_taste, reranked
from planner.plan import Interval
from planner.search import Candidate
from tests.planner.situations import FixedCosts, situation
from toolbox.recipe import Recipe, Step

PLAIN: Recipe = (Step("flat_field"), Step("minus_log"), Step("center_consensus"), Step("fbp"))
SMOOTH: Recipe = (*PLAIN, Step("denoise_nlm"))
SHARP: Recipe = (*PLAIN[:-1], Step("fbp", {"filter": "ramp"}))


def candidate(recipe: Recipe, quality: float, seconds: float = 10.0) -> Candidate:
    return Candidate(recipe, Interval(quality, quality, quality),
                     Interval(seconds, seconds, seconds))  # fmt: skip


def taste(aspect: str, count: int = 37) -> Taste:
    """Of fifty choices that were all about one aspect."""
    head = trained()
    better = np.tile(head.middle, (50, 1))
    worse = better.copy()
    at = ASPECTS.index(aspect)
    more = 1 if aspect == "sharpness" else -1
    better[:, at] += more * 2 * head.within[at]
    return Taste("here", head.tuned(better, worse), 50, dict.fromkeys(ASPECTS, 0) | {aspect: count})


def chosen(second: Recipe, quality: float) -> list[Candidate]:
    return [candidate(PLAIN, 0.8), candidate(second, quality)]


def test_a_plan_as_good_goes_first_where_it_is_liked_and_the_reason_is_said() -> None:
    found = by_taste(chosen(SMOOTH, 0.8), 10.0, situation(), taste("noise"), trained(),
                     plan_aspects())  # fmt: skip
    assert [c.recipe for c in found.candidates] == [SMOOTH, PLAIN]
    assert found.reason is not None
    assert "preferred less noise in 37 of 50 choices" in found.reason.text("en")
    assert "50 次选择中有 37 次" in found.reason.text("zh")


def test_a_plan_that_is_worse_for_the_request_stays_behind() -> None:
    found = by_taste(chosen(SMOOTH, 0.8 - 2 * WITHIN), 10.0, situation(), taste("noise"),
                     trained(), plan_aspects())  # fmt: skip
    assert [c.recipe for c in found.candidates] == [PLAIN, SMOOTH]
    assert found.reason is None


def test_predicted_aspects_know_that_denoising_takes_noise_and_ramp_leaves_it() -> None:
    noise = plan_aspects().of([PLAIN, SMOOTH, SHARP])[:, ASPECTS.index("noise")]
    assert noise[1] < noise[0] < noise[2]


def test_a_tool_that_was_never_seen_adds_nothing() -> None:
    effects = PlanAspects(("fbp",), np.ones((1, len(ASPECTS))))
    found = effects.of([(Step("fbp"),), (Step("fbp"), Step("stripe_mean"))])
    assert (found[0] == found[1]).all()


def test_few_choices_change_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path))
    monkeypatch.delenv("TOMOPLAN_BEAMLINE", raising=False)
    before = chosen(SMOOTH, 0.8)
    assert reranked(before, 10.0, situation()).candidates == tuple(before)  # there is no store
    with Memory() as memory:
        few = taste("noise")
        memory.keep(Taste("here", few.prompt, 9, few.better))
    assert reranked(before, 10.0, situation()).candidates == tuple(before)
    with Memory() as memory:
        memory.keep(few)
    assert reranked(before, 10.0, situation()).candidates == tuple(before[::-1])
    monkeypatch.setenv("TOMOPLAN_BEAMLINE", "I98")
    assert reranked(before, 10.0, situation()).candidates == tuple(before)


def test_plans_of_the_service_name_the_preference(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path))
    monkeypatch.delenv("TOMOPLAN_BEAMLINE", raising=False)
    monkeypatch.setattr("planner.feedback.reranking.WITHIN", 1.0)
    costs = FixedCosts()
    before = service.propose_plans(situation(), costs=costs)
    quick = taste("seconds")
    with Memory() as memory:
        memory.keep(quick)
    after = service.propose_plans(situation(), costs=costs)
    pipelines = [[str(p.pipeline.to_json()) for p in plans] for plans in (before, after)]
    assert sorted(pipelines[0]) == sorted(pipelines[1])  # the same plans, in another order
    told = [r for p in after for r in p.reasons if "this beamline" in r]
    assert len(told) == (pipelines[0][0] != pipelines[1][0])
