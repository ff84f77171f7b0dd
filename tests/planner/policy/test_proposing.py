"""The policy behind the planner's seam: off until its card says that it wins."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from planner import service
from planner.policy import proposing
from planner.policy.actions import Actions
from planner.policy.learned import Committee, Policy
from planner.policy.observation import ACTION, width
from planner.scoring import RuleScorer
from tests.planner.situations import FixedCosts, situation
from toolbox.recipe import wire
from toolbox.registry import known_tools


@pytest.fixture(scope="module")
def committee() -> Committee:
    pytest.importorskip("torch")
    import torch

    from planner.policy.network import exported, scorer

    actions = Actions(tuple(sorted(known_tools())))
    torch.manual_seed(3)
    numbers = width(actions)
    made = scorer(actions, 8, np.zeros(numbers), np.ones(numbers), np.ones(ACTION))
    return Committee([Policy(exported(made), actions)])


def test_it_is_off_where_its_card_says_so(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(proposing, "WEIGHTS", tmp_path / "policy.safetensors")
    assert not proposing.default_on()
    for on in (False, True):
        (tmp_path / "policy.json").write_text(json.dumps({"default_on": on}))
        assert proposing.default_on() is on


def test_what_it_builds_stands_for_the_search(
    committee: Committee, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("TOMOPLAN_HOME", str(tmp_path))
    here = situation()
    found = proposing.built(here, RuleScorer(), FixedCosts(), committee)
    assert found
    states = [here.info.state]
    assert all(wire(c.recipe, 1).validate(states) == [] for c in found)
    monkeypatch.setattr(proposing, "default_on", lambda: True)
    monkeypatch.setattr(proposing, "trained", lambda: committee)
    plans = service.propose_plans(here, costs=FixedCosts())
    pipelines = [wire(c.recipe, 1).to_json() for c in found]
    assert plans[0].pipeline.to_json() in pipelines
    assert {str(p.pipeline.to_json()) for p in plans} <= set(map(str, pipelines))
