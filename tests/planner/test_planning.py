"""What the request says and what the scan shows both change the plan, for a stated reason."""

from __future__ import annotations

from typing import Any

import pytest

from metadata.scan_info import GreyState
from planner.grammar import recipes, slots
from planner.plan import Plan
from planner.refusals import refusal
from planner.scoring import RuleScorer
from planner.service import propose_plans
from planner.situation import Situation
from planner.task import Condition, Goal, Intent, Priority, Task
from tests.planner.situations import FixedCosts, scan_info, situation

COSTS = FixedCosts(tv=60.0, tvconvnet=62.0, sirt=40.0, cgls=20.0, mbir=100.0, denoise_nlm=5.0,
                   denoise_bm3d=8.0, fbpconvnet=4.0, tomogan=5.0)  # fmt: skip


def task(*goals: Goal, **changes: Any) -> Task:
    return Task(Intent.PLAN, goals or (Goal.RECONSTRUCT,), **changes)


def plans(of: Situation) -> list[Plan]:
    return propose_plans(of, costs=COSTS)


def tools(plan: Plan) -> list[str]:
    return [n.tool for n in plan.pipeline.nodes]


def stages(plan: Plan) -> set[str]:
    from toolbox.registry import known_tools

    return {known_tools()[t].card.stage.value for t in tools(plan) if t != "scan"}


def test_three_to_five_valid_plans_on_the_front() -> None:
    found = plans(situation(noise=0.1, rings=6.0))
    assert 3 <= len(found) <= 5
    assert [p.rank for p in found] == list(range(1, len(found) + 1))
    for plan in found:
        assert plan.pipeline.validate() == []
        assert 0 <= plan.prediction.quality.low <= plan.prediction.quality.value <= 1
        assert len(plan.reasons) >= 2


def test_rings_in_the_data_bring_ring_removal_with_the_reason() -> None:
    calm, ringed = situation(rings=0.2), situation(rings=12.0)
    assert "destripe" in stages(plans(ringed)[0])
    assert "destripe" not in stages(plans(calm)[0])
    assert any("12.0" in reason for reason in plans(ringed)[0].reasons)


def test_jitter_in_the_data_brings_alignment() -> None:
    assert "align" in stages(plans(situation(jitter=4.0))[0])
    assert "align" not in stages(plans(situation())[0])


def test_speed_and_quality_choose_differently() -> None:
    hard = {"noise": 0.4, "view_sufficiency": 0.05}
    # By the rules: what the network makes of so odd a scan changes with every training
    costs = FixedCosts(**COSTS.each | {"denoise_tv": 30.0, "denoise_gaussian": 30.0,
                                       "denoise_median": 30.0})  # fmt: skip
    fast, good = (
        propose_plans(situation(task(priority=p), **hard), RuleScorer(), costs)[0]
        for p in (Priority.SPEED, Priority.QUALITY)
    )
    assert fast.prediction.seconds.value < good.prediction.seconds.value
    assert fast.prediction.quality.value < good.prediction.quality.value


def test_goals_change_how_far_the_plan_goes() -> None:
    assert "segment" in stages(plans(situation(task(Goal.SEGMENT)))[0])
    counted = stages(plans(situation(task(Goal.QUANTIFY)))[0])
    assert {"segment", "quantify"} <= counted
    axis = stages(plans(situation(task(Goal.CENTER)))[0])
    assert "center" in axis
    assert "reconstruct" not in axis


def test_no_reconstruction_is_heard_in_both_languages() -> None:
    for text in ("align the projections, no reconstruction needed", "把投影对齐，不用重建"):
        of = situation(task(Goal.ALIGN, text=text), jitter=3.0)
        assert "reconstruct" not in stages(plans(of)[0])


def test_said_but_not_seen_is_told_and_the_other_way_round() -> None:
    said = situation(task(conditions=(Condition.RINGS,)), rings=0.1)
    assert any("rings" in m.text("en") for m in said.messages)
    seen = situation(task(), rings=9.0)
    assert seen.conditions[Condition.RINGS] == "data"
    assert any("rings" in m.text("en") for m in seen.messages)
    both = situation(task(conditions=(Condition.RINGS,)), rings=9.0)
    assert both.conditions[Condition.RINGS] == "text and data"
    assert not [m for m in both.messages if "rings" in m.text("en")]


def test_no_alarm_where_the_scan_is_good() -> None:
    assert situation().messages == ()
    assert situation().conditions == {}


def test_reasons_come_in_the_language_of_the_request() -> None:
    chinese = plans(situation(task(language="zh", text="重建"), rings=9.0))[0]
    assert all(any("一" <= c <= "鿿" for c in reason) for reason in chinese.reasons)


def test_two_scans_are_stitched() -> None:
    pair = situation(task(Goal.STITCH, Goal.RECONSTRUCT), [scan_info(), scan_info()])
    best = plans(pair)[0]
    assert best.pipeline.scans == 2
    assert "stitch" in stages(best)


def test_phase_retrieval_needs_its_numbers() -> None:
    known = scan_info(energy_kev=20.0, distance_m=0.1, pixel_size_m=1e-6)
    wanted = task(Goal.PHASE_RETRIEVE, Goal.RECONSTRUCT)
    assert "paganin" in tools(plans(situation(wanted, [known]))[0])
    assert plans(situation(wanted, [scan_info()])) == []


def test_the_grammar_has_many_recipes_and_all_that_are_looked_at_are_valid() -> None:
    from itertools import islice

    from toolbox.recipe import wire

    of = situation(noise=0.1, rings=5.0, jitter=2.0, zingers=1e-3, beam_drift=0.05)
    count = 1
    for slot in slots(of):
        count *= len(slot.steps) + slot.optional
    assert count > 1000
    for recipe in islice(recipes(of), 0, 3000, 97):
        assert wire(recipe).validate() == []


@pytest.mark.parametrize(
    ("changes", "traits", "goals", "words"),
    [
        ({}, {}, (Goal.DEFORM,), "deform"),
        ({}, {}, (Goal.STITCH,), "one scan over half a turn"),
        ({"projections": 7}, {}, (), "7 projections"),
        ({}, {"angular_coverage": 20.0}, (), "20°"),
        ({}, {"center_px": 4.0}, (), "column 4"),
    ],
)
def test_refusals_say_why(
    changes: dict[str, Any], traits: dict[str, float], goals: tuple[Goal, ...], words: str
) -> None:
    found = refusal(situation(task(*goals), [scan_info(**changes)], **traits))
    assert found is not None
    assert words in found.text("en")
    assert found.text("zh") != found.text("en")


def test_nothing_is_refused_without_need() -> None:
    assert refusal(situation()) is None
    assert refusal(situation(task(Goal.STITCH), [scan_info(range_deg=360.0)])) is None


def test_transmission_needs_no_flats() -> None:
    of = situation(task(), [scan_info(state=GreyState.TRANSMISSION, flats=0, darks=0)])
    assert "flat_field" not in tools(plans(of)[0])
    assert "minus_log" in tools(plans(of)[0])


@pytest.mark.parametrize(("before", "offered"), [(None, False), (10, False), (5, True)])
def test_flats_are_interpolated_only_between_some_before_and_some_after(
    before: int | None, offered: bool
) -> None:
    asked = situation(task(Goal.RECONSTRUCT), [scan_info(flats=10, flats_before=before)])
    flat = next(slot for slot in slots(asked) if slot.name == "flat")
    tools = {step.tool for recipe in flat.steps for step in recipe}
    assert ("interpolated_flat_field" in tools) is offered
    assert "flat_field" in tools
