"""How well understood tasks agree with annotated ones, field by field."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass

from planner.task import Task

LIMITS = ("max_seconds", "max_memory_gib", "device")


def same_head(found: str | None, wanted: str | None) -> bool:
    """Whether two English noun phrases have the same head nouns (or are both absent).

    The head is the last word before a preposition; two things are joined with "and", and either
    order counts.

    >>> same_head("cracks in the glaze", "crack"), same_head("pore size", "pores")
    (True, False)
    """
    if found is None or wanted is None:
        return found is wanted
    return heads_of(found) == heads_of(wanted)


def heads_of(phrase: str) -> frozenset[str]:
    """The head nouns of an English phrase, singular; several where it joins several things."""
    parts = re.split(r"\s+and\s+|,\s*", phrase.lower())
    heads = (re.split(r"\s+(?:in|of|with|on|from|at|between)\s+", part)[0] for part in parts)
    return frozenset(_singular(re.split(r"[\s/-]+", head.strip())[-1]) for head in heads if head)


def _singular(word: str) -> str:
    endings = (("ies", "y"), ("sses", "ss"), ("xes", "x"), ("ches", "ch"), ("shes", "sh"))
    for ending, stem in endings:
        if word.endswith(ending) and len(word) > len(ending) + 1:
            return word[: -len(ending)] + stem
    if word.endswith("s") and not word.endswith(("ss", "us", "is")):
        return word[:-1]
    return word


@dataclass(frozen=True)
class Scores:
    """Fractions in [0, 1] over `requests` requests; `conditions` is the micro-averaged F1."""

    requests: int
    intent: float
    goals: float
    conditions: float
    conditions_exact: float
    limits: float
    priority: float
    device: float
    specimen: float
    feature: float

    @classmethod
    def of(cls, found: Sequence[Task], wanted: Sequence[Task]) -> Scores:
        """Compare task by task; limits are exact when seconds, memory and device all are."""
        pairs = list(zip(found, wanted, strict=True))
        count = max(len(pairs), 1)

        def share(agreed: Sequence[bool]) -> float:
            return sum(agreed) / count

        hits = sum(len(set(a.conditions) & set(b.conditions)) for a, b in pairs)
        said = sum(len(a.conditions) + len(b.conditions) for a, b in pairs)
        return cls(
            requests=len(pairs),
            intent=share([a.intent == b.intent for a, b in pairs]),
            goals=share([set(a.goals) == set(b.goals) for a, b in pairs]),
            conditions=2 * hits / said if said else 1.0,
            conditions_exact=share([a.conditions == b.conditions for a, b in pairs]),
            limits=share([limits_agree(a, b) for a, b in pairs]),
            priority=share([a.priority == b.priority for a, b in pairs]),
            device=share([a.device == b.device for a, b in pairs]),
            specimen=share([same_head(a.specimen, b.specimen) for a, b in pairs]),
            feature=share([same_head(a.feature, b.feature) for a, b in pairs]),
        )


def limits_agree(found: Task, wanted: Task) -> bool:
    """Whether seconds, memory and device are all as annotated."""
    return all(getattr(found, name) == getattr(wanted, name) for name in LIMITS)
