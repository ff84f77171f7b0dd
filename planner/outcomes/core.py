"""Pipelines that are in every tree: from them the single best fixed one is chosen."""

from __future__ import annotations

from typing import Any

from planner.outcomes.settings import settings
from planner.situation import Situation
from planner.task import Goal
from toolbox.kinds import GreyState
from toolbox.recipe import Recipe, Step

ALIGN = (Step("align_reprojection"), Step("apply_shifts"))
BEFORE_LOG = ("zingers",)


def core(situation: Situation, decomposition: Recipe = ()) -> list[Recipe]:
    """The fixed pipelines for a request's goals; ``decomposition`` ends those that decompose."""
    how = settings()["core"]
    goals = situation.task.goals
    fronts, backs = how["fronts"], how["backs"]
    compared = bool({Goal.REGISTER, Goal.DEFORM} & set(goals))
    if compared:
        fronts = [fronts[i] for i in how["compared"]["fronts"]]
        backs = [backs[i] for i in how["compared"]["backs"]]
    pairs = [(f, b) for f in fronts for b in backs]
    if not compared:
        heavy = [how["fronts"][i] for i in how["heavy_fronts"]]
        pairs += [(f, b) for f in heavy for b in how["heavy_backs"]]
    last = goals[-1].value
    tails = [steps(t) for t in how["tails"].get(last, [[]])]
    if Goal.DECOMPOSE in goals:
        tails = [decomposition]
    # What is no counts any more needs no flat field.
    skipped = 0 if situation.info.state is GreyState.COUNTS else 1
    return [(*front(f)[skipped:], *steps(b), *tail) for f, b in pairs for tail in tails]


def front(names: list[Any]) -> Recipe:
    """The steps up to the axis, with what is named put in its place."""
    listed = steps([n for n in names if n != "align_reproj"])
    early = tuple(s for s in listed if s.tool in BEFORE_LOG)
    late = tuple(s for s in listed if s.tool not in BEFORE_LOG)
    moved = ALIGN if "align_reproj" in names else ()
    return (Step("flat_field"), *early, Step("minus_log"), *late, *moved, Step("center_consensus"))


def steps(given: list[Any]) -> Recipe:
    """Steps from YAML: a name, or a name with parameters.

    >>> steps(["fbp", {"tv": {"strength": 0.1}}])
    (Step(tool='fbp', parameters={}), Step(tool='tv', parameters={'strength': 0.1}))
    """
    found = []
    for entry in given:
        if isinstance(entry, str):
            found.append(Step(entry))
        else:
            ((tool, parameters),) = entry.items()
            found.append(Step(tool, dict(parameters)))
    return tuple(found)
