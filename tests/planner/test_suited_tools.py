"""Tools whose cards name the scans that they help are offered for those only."""

from __future__ import annotations

import dataclasses

import pytest

from planner.grammar import slots
from planner.situation import Situation
from planner.traits import Traits
from tests.planner.situations import situation
from toolbox import known_tools

NAME = "denoise_nlm"


@pytest.fixture
def _restricted(monkeypatch: pytest.MonkeyPatch) -> None:
    """A tool said to help where views are few and noise is low."""
    tool = known_tools()[NAME]
    suits = {"view_sufficiency": (0.1, 0.4), "noise": (0.0, 0.1)}
    monkeypatch.setattr(tool, "card", dataclasses.replace(tool.card, suits=suits))


def offered(seen: Situation) -> set[str]:
    return {step.tool for slot in slots(seen) for steps in slot.steps for step in steps}


@pytest.mark.usefixtures("_restricted")
def test_a_tool_is_offered_where_all_traits_are_as_its_card_says() -> None:
    assert NAME in offered(situation(view_sufficiency=0.2, noise=0.05))
    assert NAME not in offered(situation(view_sufficiency=0.9, noise=0.05))
    assert NAME not in offered(situation(view_sufficiency=0.2, noise=0.3))
    assert "denoise_tv" in offered(situation(view_sufficiency=0.9))


@pytest.mark.usefixtures("_restricted")
def test_a_trait_that_was_not_measured_does_not_speak_for_it() -> None:
    seen = situation(view_sufficiency=0.2, noise=0.05)
    traits = dataclasses.replace(seen.traits, view_sufficiency=None)
    first = dataclasses.replace(seen.inspections[0], traits=traits)
    assert NAME not in offered(dataclasses.replace(seen, inspections=(first,)))


def test_cards_name_traits_that_there_are() -> None:
    known = {field.name for field in dataclasses.fields(Traits)}
    for name, tool in known_tools().items():
        assert set(tool.card.suits) <= known, name


def test_the_axis_network_is_kept_from_scans_like_those_on_which_it_failed() -> None:
    from planner.grammar import suited
    from toolbox.recipe import Step

    steps = (Step("center_cnn"),)
    assert suited(steps, situation(view_sufficiency=0.4, angular_coverage=180.0))
    assert not suited(steps, situation(view_sufficiency=0.4, angular_coverage=360.0))
    assert not suited(steps, situation(view_sufficiency=0.03, angular_coverage=180.0))


@pytest.mark.parametrize(("coverage", "iterations"), [(180.0, None), (120.0, 240)])
def test_total_variation_runs_until_it_settles_where_directions_are_missing(
    coverage: float, iterations: int | None
) -> None:
    seen = situation(angular_coverage=coverage, view_sufficiency=0.3)
    steps = {step.tool: dict(step.parameters) for slot in slots(seen)
             for steps in slot.steps for step in steps}  # fmt: skip
    assert steps["tv"].get("iterations") == iterations
    assert steps.get("tvconvnet", {}).get("iterations") == iterations or "tvconvnet" not in steps
    assert not steps["sirt"]
