"""Which scorer ranks the plans where nobody hands over another."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.errors import WorkError
from planner.default_scorer import default_scorer
from planner.graph_network import scorer as learned
from planner.graph_network.inference import trained
from planner.graph_network.rehearsal import NOTHING
from planner.graph_network.scorer import RULES, GraphScorer, moved
from planner.plan import Interval
from planner.scoring import RuleScorer
from planner.search import search
from planner.service import plan, propose_plans
from planner.situation import Situation
from planner.task import Goal, Intent, Task
from simulators import World, simulate
from tests.planner.situations import FixedCosts, scan_info, situation
from toolbox.recipe import Recipe


def test_the_network_ranks_where_it_learned_of_all_goals() -> None:
    for goals in ((Goal.RECONSTRUCT,), (Goal.DESTRIPE, Goal.RECONSTRUCT), (Goal.SEGMENT,)):
        found, remark = default_scorer(situation(Task(Intent.PLAN, goals)))
        assert isinstance(found, GraphScorer)
        assert remark is None


def test_the_rules_rank_where_it_did_not() -> None:
    for goals in ((Goal.DEFORM,), (Goal.RECONSTRUCT, Goal.DECOMPOSE)):
        found, remark = default_scorer(situation(Task(Intent.PLAN, goals)))
        assert isinstance(found, RuleScorer)
        assert remark is None
    found, _ = default_scorer(situation(infos=[scan_info(), scan_info()]))
    assert isinstance(found, RuleScorer)


@pytest.mark.parametrize(("text", "said"), [("reconstruct", "rules of"), ("重建", "经验规则")])
def test_without_weights_the_rules_take_over_and_it_is_said(
    text: str, said: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def missing() -> None:
        raise WorkError("There are no weights.")

    monkeypatch.setattr(learned, "trained", missing)
    answer = plan(text, [simulate(World(columns=64, rows=2, projections=60))], costs=FixedCosts())
    assert answer.plans
    assert any(said in warning for warning in answer.warnings)


def test_an_embedding_is_kept_from_a_network_that_never_saw_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked, costs = situation(noise=0.2), FixedCosts()
    blind = [p.prediction.quality for p in propose_plans(asked, costs=costs)]
    seen = np.full(128, 3.0, np.float32)
    monkeypatch.setattr(learned, "looked", lambda *_: (NOTHING, seen))
    sees = trained().sees
    shown = [p.prediction.quality for p in propose_plans(asked, costs=costs)]
    assert (shown == blind) is not sees


def test_the_rules_move_the_quality_and_its_interval() -> None:
    assert moved(Interval(0.5, 0.3, 0.9), 0.2) == Interval(0.7, 0.5, 1.0)


def test_the_planner_ranks_by_the_network_and_the_rules_together() -> None:
    learned_of, ruled = GraphScorer(rules=0.0), RuleScorer()
    for asked in (situation(noise=0.02), situation(noise=0.4)):
        recipe = _recipe(asked)
        own, other = learned_of.quality(recipe, asked).value, ruled.quality(recipe, asked).value
        both = GraphScorer().quality(recipe, asked)
        assert both.value == pytest.approx((own + RULES * other) / (1 + RULES), abs=1e-6)
        assert both.low <= both.value <= both.high


def _recipe(asked: Situation) -> Recipe:
    return search(asked, RuleScorer(), FixedCosts())[0].recipe
