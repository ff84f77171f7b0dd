"""Which scorer ranks the plans where nobody hands over another."""

from __future__ import annotations

from metadata.errors import WorkError
from planner.plan import Scorer
from planner.scoring import RuleScorer
from planner.situation import Message, Situation, message


def default_scorer(situation: Situation) -> tuple[Scorer, Message | None]:
    """The graph network for one scan where it learned of all goals of the request, the rules
    elsewhere: of several scans it saw too few. Where its weights are missing the rules take over,
    and the message says so."""
    from planner.graph_network.scorer import GraphScorer

    try:
        learned = GraphScorer()
    except WorkError as error:
        return RuleScorer(), message("warn.rules_only", why=str(error))
    asked = {goal.value for goal in situation.task.goals}
    if len(situation.infos) == 1 and asked <= learned.goals:
        return learned, None
    return RuleScorer(), None
