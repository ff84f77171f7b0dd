"""Reading a request without any service: a trained reader over vocabularies and embeddings."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from dataclasses import replace

import numpy as np

from planner.language.inputs import Inputs, inputs_of
from planner.language.marks import Marked, completed, marked
from planner.language.mentions import Stance, stance_of
from planner.language.names import feature_of
from planner.language.naming import feature_in, listed_specimen, specimen_in
from planner.language.normal import language_of, normal
from planner.language.quantities import Kind, Limits, Quantity, limits_in, limits_of
from planner.language.reader import Reading, trained_reader
from planner.language.roles import TAGS, Role
from planner.language.rules import evidence_of
from planner.task import Condition, Device, Goal, Intent, Priority, Task, in_order

TIGHT_S = 3600.0  # a deadline within the hour asks for speed
# What asking for a step says of the data.
IMPLIED = {
    Goal.CENTER: Condition.UNKNOWN_CENTER,
    Goal.DESTRIPE: Condition.RINGS,
    Goal.DECOMPOSE: Condition.MULTI_ENERGY,
    Goal.PHASE_RETRIEVE: Condition.PHASE_CONTRAST,
}
# What a rule adds to the reader's log odds, beyond what the reader makes of it itself.
RULES = {"intent": 0.5, "goal": 1.0, "condition": 2.0}
UNNAMED = -0.5  # … where no rule finds a goal named
WISH = 0.5  # … and to its chances of a priority or device
FAINT = 0.05  # the least chance of a specimen where none is surer
DIM = 0.15  # … of a thing or a measure
PAST = 0.7  # how much less the reader counts for a duration that a rule takes for past
LIMIT = 0.35  # how much a rule counts for a quantity to be a limit; the reader counts the rest


def read_offline(text: str) -> Task:
    """The task that `text` states; `text` is not empty."""
    seen = inputs_of(normal(text))
    return task_of(seen, trained_reader().read(seen), text)


def task_of(seen: Inputs, reading: Reading, text: str) -> Task:
    """The task that a reading of `text` amounts to."""
    intent = max(reading.intent, key=lambda name: _intent_odds(seen, reading, name))
    found = marked(seen.text, seen.tokens, reading.tags)
    names = completed(seen.text, found, watched=intent is Intent.WATCH)
    conditions = _conditions(seen, reading, names)
    task = Task(
        intent=intent,
        specimen=_specimen(seen, reading, names, intent),
        language=language_of(text),
        text=text,
    )
    if intent is Intent.WATCH:
        return replace(
            task,
            feature=feature_in(seen.text, names, intent, ()) or feature_of(seen.text, intent, ()),
        )
    if intent is Intent.EXPLAIN:
        return replace(task, conditions=in_order(Condition, conditions))
    if intent is not Intent.PLAN:
        return task
    goals = _goals(seen, reading)
    limits = limits_of(seen.quantities, _chance(seen, reading))
    said = limits_in(seen.rules.clauses)
    if said.deadline and not limits.deadline and limits.seconds is None:
        limits = replace(limits, seconds=said.seconds, deadline=True)
    return replace(
        task,
        goals=in_order(Goal, goals),
        feature=_feature(seen, reading, names, goals),
        conditions=in_order(Condition, _with_implied(conditions, goals)),
        priority=_priority(seen, reading, limits),
        max_seconds=limits.seconds,
        max_memory_gib=limits.memory,
        device=_device(seen, reading),
    )


def _odds(chance: float) -> float:
    return math.log((chance + 1e-6) / (1 - chance + 1e-6))


def _intent_odds(seen: Inputs, reading: Reading, intent: Intent) -> float:
    return math.log(reading.intent[intent] + 1e-6) + RULES["intent"] * seen.rules.intents[intent]


def _goals(seen: Inputs, reading: Reading) -> list[Goal]:
    """The goals that are more likely than not, or the likeliest."""
    weight = RULES["goal"]
    stances = {Stance.ASKED: weight, Stance.DECLINED: -weight, Stance.DONE: -weight, None: UNNAMED}
    odds = {
        goal: _odds(chance) + stances[seen.rules.goals.get(goal)]
        for goal, chance in reading.goals.items()
    }
    likely = [goal for goal, value in odds.items() if value > 0]
    return likely or [max(odds, key=lambda goal: odds[goal])]


def _conditions(seen: Inputs, reading: Reading, names: Sequence[Marked]) -> set[Condition]:
    """The conditions that are more likely than not. What only the specimen's own name says (a steel
    rope, a bronze ring) is none of the data."""
    text = seen.text
    for name in names:
        if name.role is Role.SPECIMEN:
            text = text[: name.start] + " " * len(name.text) + text[name.stop :]
    rules = seen.rules if text == seen.text else evidence_of(text)
    return {
        condition
        for condition, chance in reading.conditions.items()
        if _odds(chance)
        + RULES["condition"]
        * (
            (condition in rules.conditions)
            - (condition in rules.denied)
            - (condition in seen.rules.conditions - rules.conditions)
        )
        > 0
    }


def _with_implied(conditions: set[Condition], goals: list[Goal]) -> set[Condition]:
    conditions |= {IMPLIED[goal] for goal in goals if goal in IMPLIED}
    if Goal.STITCH in goals and Condition.HALF_ACQUISITION not in conditions:
        conditions.add(Condition.MOSAIC)
    return conditions


def _priority(seen: Inputs, reading: Reading, limits: Limits) -> Priority:
    def chance(priority: Priority) -> float:
        return reading.priority[priority] + WISH * (seen.rules.priority is priority)

    said = max(Priority, key=chance)
    tight = limits.deadline and limits.seconds is not None and limits.seconds <= TIGHT_S
    return Priority.SPEED if tight and said is Priority.BALANCED else said


def _device(seen: Inputs, reading: Reading) -> Device:
    def chance(device: Device) -> float:
        stated = seen.rules.device is device and device is not Device.ANY
        return reading.device[device] + WISH * stated

    return max(Device, key=chance)


def _specimen(
    seen: Inputs, reading: Reading, names: Sequence[Marked], intent: Intent
) -> str | None:
    """The marked specimen; where a plan has none, what the reader faintly takes for one."""
    if intent in (Intent.CATALOGUE, Intent.REFUSE):
        return None
    found = specimen_in(names, seen.text)
    if found is not None or intent is not Intent.PLAN:
        return found
    faint = completed(seen.text, marked(seen.text, seen.tokens, reading.tags, FAINT))
    return specimen_in(faint, seen.text) or listed_specimen(seen.text, names)


def _feature(
    seen: Inputs, reading: Reading, names: Sequence[Marked], goals: Sequence[Goal]
) -> str | None:
    """The marked thing or measure; where there is none, what the reader faintly takes for one, and
    what lists and places say."""
    names = [name for name in names if not _declined(seen, name)]
    found = feature_in(seen.text, names, Intent.PLAN, goals)
    if found is not None:
        return found
    taken = [name for name in names if name.role is Role.SPECIMEN]
    faint = [
        name
        for name in completed(seen.text, marked(seen.text, seen.tokens, reading.tags, DIM))
        if name.role is not Role.SPECIMEN
        and not _declined(seen, name)
        and not any(t.start < name.stop and name.start < t.stop for t in taken)
    ]
    return feature_in(seen.text, faint, Intent.PLAN, goals) or feature_of(
        seen.text, Intent.PLAN, tuple(goals)
    )


def _declined(seen: Inputs, name: Marked) -> bool:
    """Whether a thing or a measure is named as not wanted."""
    return name.role is not Role.SPECIMEN and any(
        clause.start <= name.start
        and name.stop <= clause.stop
        and stance_of(clause, name.start - clause.start, name.stop - clause.start)
        is Stance.DECLINED
        for clause in seen.rules.clauses
    )


def _chance(seen: Inputs, reading: Reading) -> Callable[[Quantity, str], float]:
    """How surely a quantity has a role: by the reader, the mean over its tokens, and by rule."""
    starts = np.array([token.start for token in seen.tokens])

    def chance(quantity: Quantity, role: str) -> float:
        inside = (starts >= quantity.start) & (starts < quantity.stop)
        column = TAGS.index((Role(role), False))
        read = float(reading.tags[inside, column].mean()) if inside.any() else 0.0
        if quantity.kind is Kind.CLOCK:
            return read
        return (1 - LIMIT) * read * (PAST if quantity.past else 1.0) + LIMIT * quantity.limit

    return chance
