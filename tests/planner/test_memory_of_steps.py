"""Steps of which not one row fits into the memory are not proposed."""

from __future__ import annotations

import pytest

from planner import search
from planner.inspection import inspect_scan
from planner.scoring import RuleScorer
from planner.situation import Situation, assess
from planner.task import Goal, Intent, Task
from simulators import World, simulate
from tests.planner.situations import FixedCosts
from toolbox.recipe import Step


def situation() -> Situation:
    scan = simulate(World("foam", columns=96, rows=1, projections=90, photons=1e4))
    return assess(Task(Intent.PLAN, (Goal.RECONSTRUCT,)), [inspect_scan(scan)])


def test_a_step_that_cannot_fit_is_left_out(monkeypatch: pytest.MonkeyPatch) -> None:
    here = situation()
    assert search.fits(Step("mbir"), here)
    monkeypatch.setattr(search, "memory_budget", lambda s: 8e6)
    assert not search.fits(Step("mbir"), here)
    assert search.fits(Step("fbp"), here)
    found = search.search(here, RuleScorer(), FixedCosts())
    assert found
    assert not any(s.tool == "mbir" for c in found for s in c.recipe)


def test_a_slot_is_never_emptied(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(search, "memory_budget", lambda s: 1.0)
    assert search.search(situation(), RuleScorer(), FixedCosts())
