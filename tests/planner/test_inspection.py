"""Traits are measured: more of a fault in the world, more of it in its trait; and what the data
shows changes the plan that the same words get."""

from __future__ import annotations

from dataclasses import replace

import pytest

from planner.grammar import slots
from planner.inspection import Inspection, inspect_scan
from planner.service import propose_plans
from planner.situation import assess
from planner.task import Condition, Goal, Intent, Task
from simulators import World, simulate
from tests.planner.situations import FixedCosts

CALM = World("foam", columns=128, rows=3, projections=200, photons=5e4, flats=200)


def seen(**changes: object) -> Inspection:
    # not hurried: on a busy machine a short look sees few views, and stripes stand out less
    return inspect_scan(simulate(replace(CALM, **changes)), seconds=60.0)  # type: ignore[arg-type]


@pytest.fixture(scope="module")
def calm() -> Inspection:
    return seen()


@pytest.mark.parametrize(
    ("trait", "changes", "least"),
    [
        ("noise", {"photons": 1e3}, 0.02),
        ("rings", {"rings": 1.0}, 5.0),
        ("jitter", {"jitter_px": 2.0}, 1.0),
        ("zingers", {"zingers": 1.0}, 3e-4),
        ("truncation", {"fill": 1.6}, 0.2),
        ("fringes", {"fringes": 1.0}, 0.7),
        ("metal", {"metal": True, "attenuation": 5.0}, 1e-3),
        ("saturation", {"saturation": 0.7}, 0.01),
        ("beam_drift", {"monitor_drop": 0.15}, 0.1),
        ("motion", {"motion_px": 8.0}, 0.5),
    ],
)
def test_a_fault_raises_its_trait(
    calm: Inspection, trait: str, changes: dict[str, object], least: float
) -> None:
    before, after = getattr(calm.traits, trait), getattr(seen(**changes).traits, trait)
    assert after.low <= after.value <= after.high
    assert after.value > least
    assert after.value > 2 * max(before.value, 0.0)


def test_saturated_pixels_are_warned_of(calm: Inspection) -> None:
    assert "saturated" not in " ".join(calm.warnings)
    assert "% of the pixels are at the detector's limit" in " ".join(seen(saturation=0.7).warnings)


def test_geometry_traits() -> None:
    few = seen(projections=30, range_deg=120.0, center=60.0)
    assert few.traits.angular_coverage is not None
    assert few.traits.angular_coverage.value == pytest.approx(120.0, abs=5.0)
    assert few.traits.view_sufficiency is not None
    assert few.traits.view_sufficiency.value < 0.3
    assert few.center is not None
    assert few.center.low <= 60.0 <= few.center.high


def test_the_same_words_on_two_scans_give_two_plans(calm: Inspection) -> None:
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,))
    ringed = seen(rings=1.0)
    plain, other = assess(task, [calm]), assess(task, [ringed])
    assert Condition.RINGS not in plain.conditions
    assert other.conditions[Condition.RINGS] == "data"
    costs = FixedCosts()
    first, second = propose_plans(plain, costs=costs)[0], propose_plans(other, costs=costs)[0]
    steps = {n.tool for n in second.pipeline.nodes} - {n.tool for n in first.pipeline.nodes}
    assert any(tool.startswith("stripe") for tool in steps)
    assert any("stripes" in reason for reason in second.reasons)


def test_the_tilt_of_the_axis_is_a_trait_with_an_interval() -> None:
    world = World("foam", columns=128, rows=256, projections=90, photons=2e4, tilt_deg=2.0)
    leaning = inspect_scan(simulate(world)).traits.tilt
    assert leaning is not None
    assert leaning.unit == "degree"
    assert leaning.low < leaning.value < leaning.high
    assert leaning.low > 0, "it leans this way"
    thin = inspect_scan(simulate(World("foam", columns=96, rows=2, projections=120)))
    assert thin.traits.tilt is None


def test_one_row_has_intervals_from_blocks_of_views() -> None:
    world = World("foam", columns=128, rows=1, projections=200, photons=5e3, rings=0.5)
    traits = inspect_scan(simulate(world)).traits
    for name in ("noise", "signal", "rings", "fringes"):
        trait = getattr(traits, name)
        assert trait.unit
        assert trait.low < trait.high, name
        assert trait.low <= trait.value <= trait.high


@pytest.mark.parametrize(
    ("changes", "offered"),
    [({"monitor_drop": 0.15, "flats": 10}, False), ({"flat_jumps": 1.0, "flats": 20}, True)],
)
def test_a_moving_beam_is_followed_only_where_the_flats_show_it(
    changes: dict[str, object], offered: bool
) -> None:
    found = assess(Task(Intent.PLAN, (Goal.RECONSTRUCT,)), [seen(**changes)])
    tools = {step.tool for slot in slots(found) for steps in slot.steps for step in steps}
    assert "flat_field" in tools
    assert ("dynamic_flat_field" in tools) is offered
