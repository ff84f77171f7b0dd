"""The grammar's slots with the settings of tools that are tried: the action space of learners."""

from __future__ import annotations

import itertools
from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from planner.grammar import Slot, slots, suited
from planner.outcomes.settings import settings
from planner.situation import Situation
from toolbox.recipe import Recipe, Step


def wide_slots(situation: Situation) -> list[Slot]:
    """The slots of :func:`planner.grammar.slots`, each step at each of its levels in
    ``configs/outcomes.yaml``, with the tools that it names beside."""
    more = settings()["more"]
    found = []
    for slot in slots(situation):
        steps = list(slot.steps)
        known = {s.tool for recipe in steps for s in recipe}
        for name in more.get(slot.name, ()):
            extra = (Step(name),)
            if name not in known and suited(extra, situation) and can_work(name, situation):
                steps.append(extra)
        wide = [w for recipe in steps for w in at_levels(recipe)]
        found.append(replace(slot, steps=unique(wide)))
    return found


def can_work(tool: str, situation: Situation) -> bool:
    """Whether the scan's traits allow a tool to work, by ``needs``; what was not measured does."""
    for trait, (low, high) in settings()["needs"].get(tool, {}).items():
        found = getattr(situation.traits, trait)
        if found is not None and not low <= found.value <= high:
            return False
    return True


def at_levels(steps: Recipe) -> list[Recipe]:
    """Some steps with each of their settings; one that is given parameters keeps them beside.

    >>> [s[0].parameters for s in at_levels((Step("center_consensus"),))]
    [{}, {'effort': 'quick'}]
    """
    levels: dict[str, list[dict[str, Any]]] = settings()["levels"]
    each = [[Step(s.tool, {**level, **s.parameters}) for level in levels.get(s.tool, [{}])]
            for s in steps]  # fmt: skip
    return list(unique(itertools.product(*each)))


def unique(recipes: Iterable[Recipe]) -> tuple[Recipe, ...]:
    """Each recipe once, in the order given (steps hash by their tool alone)."""
    return tuple(dict.fromkeys(recipes))
