"""Requests that the reader takes for none of ours and that are about the scan all the same."""

from __future__ import annotations

import re
from dataclasses import replace

from planner.language.clauses import clauses_of
from planner.language.mentions import Stance, any_match
from planner.language.normal import normal
from planner.language.quantities import limits_in
from planner.language.rules import evidence_of
from planner.language.vocabulary import vocabulary
from planner.task import Condition, Goal, Intent, Priority, Task, in_order

TIGHT_S = 3600.0  # a limit within the hour asks for speed


def out_of_place(text: str) -> bool:
    """Whether the words of a request say that it is none of ours: instruments, files, bookings,
    small talk.

    >>> out_of_place("please delete the raw data"), out_of_place("do it again")
    (True, False)
    """
    return evidence_of(normal(text)).intents[Intent.REFUSE] > 0


def as_vague_wish(task: Task) -> Task | None:
    """A refused request that asks for something of the scan at hand without saying what, or any
    that asks how this scan is, read as one for its reconstruction, and so is a plan whose goals no
    word names; None where its words are about anything else.

    >>> as_vague_wish(Task(Intent.REFUSE, text="quick look before the next sample")).priority.value
    'speed'
    >>> as_vague_wish(Task(Intent.PLAN, (Goal.ALIGN,), text="fix it")).goals[0].value
    'reconstruct'
    >>> as_vague_wish(Task(Intent.REFUSE, text="which restaurant is any good?")) is None
    True
    """
    words, plain = vocabulary("vague"), normal(task.text)
    if task.intent is Intent.PLAN:
        return replace(task, goals=(Goal.RECONSTRUCT,)) if _guessed(task, plain) else None
    asks = re.search("|".join(words["asks"]), plain)
    refused = task.intent is Intent.REFUSE
    if not (asks or refused) or any_match(plain, "intents", "refuse", "sure"):
        return None
    rules, limits = evidence_of(plain), limits_in(clauses_of(plain))
    of_the_scan = asks or rules.conditions or re.search("|".join(words["scan"]), plain)
    if re.search(words["elsewhere"], plain) or not of_the_scan:
        return None
    quick = re.search(words["quick"], plain) or (limits.seconds or TIGHT_S + 1) <= TIGHT_S
    priority = rules.priority or (Priority.SPEED if quick else Priority.BALANCED)
    return replace(
        task, intent=Intent.PLAN, goals=(Goal.RECONSTRUCT,), priority=priority,
        conditions=in_order(Condition, rules.conditions), max_seconds=limits.seconds,
        max_memory_gib=limits.memory,
    )  # fmt: skip


def _guessed(task: Task, plain: str) -> bool:
    """Whether the goals of a plan are the reader's guess at words that name none ("fix it")."""
    return (
        task.goals != (Goal.RECONSTRUCT,)
        and task.specimen is None
        and task.feature is None
        and Stance.ASKED not in evidence_of(plain).goals.values()
        and re.search("|".join(vocabulary("vague")["scan"]), plain) is not None
    )
