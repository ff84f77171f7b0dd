"""Reading a request without any service: grammar, vocabularies and trained heads together."""

from __future__ import annotations

import math
import re

from planner.language.heads import Opinion, trained_heads
from planner.language.mentions import Stance
from planner.language.names import feature_of, specimen_of
from planner.language.normal import language_of, normal
from planner.language.quantities import limits_in
from planner.language.rules import Evidence, evidence_of
from planner.task import Condition, Device, Goal, Intent, Priority, Task

TIGHT_S = 3600.0  # a deadline within the hour asks for speed

# How sure the heads must be to add what no rule found, and to take back what one did.
ADD_GOAL, DROP_GOAL = 0.9, 0.005
ADD_CONDITION = 0.95
RULES = 1.5  # weight of the intents' rules against the heads' log probabilities

_OWN_DATA = re.compile(r"\b(?:our|my|we|mine)\b|我们|我的|这套|数据|采的|样品", re.ASCII)
IMPLIED = {
    Goal.CENTER: Condition.UNKNOWN_CENTER,
    Goal.DESTRIPE: Condition.RINGS,
    Goal.DECOMPOSE: Condition.MULTI_ENERGY,
    Goal.PHASE_RETRIEVE: Condition.PHASE_CONTRAST,
}


def read_offline(text: str) -> Task:
    """The task that `text` states; `text` is not empty."""
    plain = normal(text)
    evidence = evidence_of(plain)
    opinion = trained_heads().opinion(plain)
    intent = _intent(evidence, opinion)
    goals = _goals(evidence, opinion) if intent == Intent.PLAN else set()
    conditions = _conditions(evidence, opinion, intent, goals)
    limits = limits_in(evidence.clauses)
    priority = evidence.priority or Priority.BALANCED
    if limits.deadline and priority == Priority.BALANCED and (limits.seconds or 0) <= TIGHT_S:
        priority = Priority.SPEED
    planned = intent == Intent.PLAN
    named = intent in (Intent.PLAN, Intent.WATCH, Intent.EXPLAIN)
    return Task(
        intent=intent,
        goals=tuple(goals),
        specimen=specimen_of(plain) if named and (planned or _names_thing(plain)) else None,
        feature=feature_of(plain, intent, tuple(goals)),
        conditions=tuple(conditions),
        priority=priority if planned else Priority.BALANCED,
        max_seconds=limits.seconds if planned else None,
        max_memory_gib=limits.memory if planned else None,
        device=evidence.device if planned else Device.ANY,
        language=language_of(text),
        text=text,
    )


def _names_thing(plain: str) -> bool:
    """Whether a question or a watch states a specimen rather than only instrument parts."""
    return re.search(r"\b(?:it's an?|each|in the|sample is|of the)\b|样品", plain) is not None


def _intent(evidence: Evidence, opinion: Opinion) -> Intent:
    def score(intent: Intent) -> float:
        return math.log(opinion.intent[intent] + 1e-4) + RULES * evidence.intents[intent]

    return max(Intent, key=score)


def _goals(evidence: Evidence, opinion: Opinion) -> set[Goal]:
    chosen: set[Goal] = set()
    for goal in Goal:
        stance, chance = evidence.goals.get(goal), opinion.goals[goal]
        if (stance == Stance.ASKED and chance > DROP_GOAL) or (
            stance is None and chance > ADD_GOAL
        ):
            chosen.add(goal)
    if not chosen:
        asked = {goal for goal, stance in evidence.goals.items() if stance == Stance.ASKED}
        open_goals = [goal for goal in Goal if evidence.goals.get(goal) is None]
        best = max(open_goals, key=lambda goal: opinion.goals[goal])
        chosen = asked or {best}
    return chosen


def _conditions(
    evidence: Evidence, opinion: Opinion, intent: Intent, goals: set[Goal]
) -> set[Condition]:
    if intent not in (Intent.PLAN, Intent.EXPLAIN):
        return set()
    if intent == Intent.EXPLAIN and not _OWN_DATA.search(evidence.text):
        return set()  # a question about a term or a choice says nothing of the data
    chosen = set(evidence.conditions)
    if intent == Intent.PLAN:
        for condition in Condition:
            if condition in evidence.denied:
                continue
            if opinion.conditions[condition] > ADD_CONDITION:
                chosen.add(condition)
        chosen.update(IMPLIED[goal] for goal in goals if goal in IMPLIED)
        if Goal.STITCH in goals and Condition.HALF_ACQUISITION not in chosen:
            chosen.add(Condition.MOSAIC)
    return chosen
