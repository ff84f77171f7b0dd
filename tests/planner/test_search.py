"""What is proposed differs: the front is not a row of plans that cost the same."""

from __future__ import annotations

import itertools
from typing import Any

import pytest

from planner.graph_network.scorer import GraphScorer
from planner.plan import Interval
from planner.scoring import RuleScorer
from planner.search import Candidate, clearly_cheaper, front, mends, propose, same_cost
from planner.service import propose_plans
from planner.situation import Situation
from planner.task import Condition, Device, Goal, Intent, Priority, Task
from tests.planner.situations import FixedCosts, situation
from toolbox.recipe import Step


def candidate(quality: float, seconds: float, *tools: str) -> Candidate:
    steps = tuple(Step(tool) for tool in ("minus_log", *tools))
    return Candidate(steps, *(Interval(v, v, v) for v in (quality, seconds)))


NEARLY = [
    candidate(0.806, 20.33, "fbp", "denoise_nlm"),
    candidate(0.800, 20.30, "zingers", "fbp", "denoise_nlm"),
    candidate(0.790, 20.30, "stripe_sorting", "fbp", "denoise_nlm"),
    candidate(0.773, 20.23, "zingers", "stripe_sorting", "fbp", "denoise_nlm"),
    candidate(0.700, 3.0, "fbp"),
    candidate(0.650, 2.9, "zingers", "fbp"),
    candidate(0.815, 60.0, "tv"),
]


def test_costs_that_are_nearly_the_same_do_not_make_a_front() -> None:
    assert [c.seconds for c in front(NEARLY)] == [60.0, 20.33, 3.0]
    assert same_cost(candidate(0.5, 0.2), candidate(0.5, 0.45))
    chain = [candidate(0.8 - 0.001 * i, 20 * 0.97**i) for i in range(40)]
    assert front(chain)[-1].seconds < 7  # each is nearly as dear as the next, the last is not


def test_proposals_differ_in_cost_or_in_method() -> None:
    chosen = propose(NEARLY, situation())
    assert 3 <= len(chosen) <= 5
    assert any(clearly_cheaper(c, chosen[0]) for c in chosen[1:]) or chosen[0].seconds == 3.0
    for one, other in itertools.combinations(chosen, 2):
        assert not same_cost(one, other) or one.recipe != other.recipe
    assert 20.23 not in [c.seconds for c in chosen]


@pytest.mark.parametrize("language", ["en", "zh"])
def test_reasons_name_no_difference_that_rounds_to_none(language: str) -> None:
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), conditions=(Condition.JITTER,),
                language=language)  # fmt: skip
    of = situation(task, noise=0.05, rings=8.0, jitter=0.01)
    said = " ".join(r for p in propose_plans(of, costs=FixedCosts(tv=9.0)) for r in p.reasons)
    for nothing in ("1.0×", "(1×", "1.0 倍", "（1 倍", "0.0 px", "0.0 像素", "-0.000"):
        assert nothing not in said


def test_the_quality_that_is_told_of_a_pipeline_does_not_hang_on_what_was_asked() -> None:
    wishes: list[dict[str, Any]] = [
        *({"priority": p} for p in Priority), {"max_seconds": 60.0, "device": Device.CPU},
    ]  # fmt: skip
    told: dict[tuple[str, ...], set[float]] = {}
    for wish in wishes:
        of = situation(Task(Intent.PLAN, (Goal.RECONSTRUCT,), **wish), noise=0.2, rings=8.0)
        for plan in propose_plans(of, GraphScorer(), FixedCosts(tv=9.0)):
            steps = tuple(n.tool for n in plan.pipeline.nodes)
            told.setdefault(steps, set()).add(round(plan.prediction.quality.value, 6))
    assert [(steps, seen) for steps, seen in told.items() if len(seen) > 1] == []


@pytest.mark.parametrize("limit", [0.5, 12.0])
def test_a_time_that_cannot_be_kept_puts_the_fastest_first(limit: float) -> None:
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), max_seconds=limit)
    costs = FixedCosts(fbp=10.0, tv=300.0, tvconvnet=310.0, cgls=30.0, sirt=60.0, mbir=300.0,
                       denoise_tv=4.0, denoise_nlm=3.0, denoise_bm3d=8.0, fbpconvnet=2.0,
                       tomogan=3.0)  # fmt: skip
    of = situation(task, noise=0.2, rings=8.0, view_sufficiency=0.2)
    chosen = propose_plans(of, RuleScorer(), costs)
    seconds = [p.prediction.seconds.value for p in chosen]
    assert seconds[0] == min(seconds)
    assert seconds[0] < 12.0
    unlimited = propose_plans(
        situation(noise=0.2, rings=8.0, view_sufficiency=0.2), RuleScorer(), costs
    )
    assert unlimited[0].prediction.seconds.value > 12.0


def test_rings_are_mended_by_what_is_known_to_take_them_in_the_time_allowed() -> None:
    def mended(tool: str, of: Situation) -> bool:
        return mends(candidate(0.5, 6.0, tool, "fbp"), of)

    ringed, hurried = (
        situation(Task(Intent.PLAN, (Goal.RECONSTRUCT,), max_seconds=limit), rings=12.0)
        for limit in (None, 5.0)
    )
    assert mended("stripe_differences", ringed)
    assert not mended("stripe_dead", ringed)
    assert not mended("stripe_differences", hurried)
    assert mended("stripe_dead", situation(rings=0.2))


@pytest.mark.parametrize(
    ("priority", "tool"),
    [(Priority.SPEED, "fbp"), (Priority.BALANCED, "cgls"), (Priority.QUALITY, "tv")],
)
def test_speed_and_quality_get_what_surely_differs(priority: Priority, tool: str) -> None:
    of = situation(Task(Intent.PLAN, (Goal.RECONSTRUCT,), priority=priority))
    apart = [candidate(0.55, 1.0, "fbp"), candidate(0.75, 20.0, "cgls"),
             candidate(0.86, 2000.0, "tv")]  # fmt: skip
    assert propose(apart, of)[0].recipe[-1].tool == tool
    near = [candidate(0.70, 5.0, "fbp"), candidate(0.75, 20.0, "cgls"),
            candidate(0.80, 900.0, "tv")]  # fmt: skip
    first = propose(near, of)[0]
    balanced = propose(near, situation(Task(Intent.PLAN, (Goal.RECONSTRUCT,))))[0]
    assert first == balanced
    # what it costs less or gives more stays in sight
    assert {c.recipe[-1].tool for c in propose(near, of)} == {"fbp", "cgls", "tv"}
