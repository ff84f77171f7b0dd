"""Builds a pipeline for a request by the trained policy, over all that the grammar allows."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from planner.grammar import Slot
from planner.graph_network.rehearsal import NOTHING, Rehearsal
from planner.outcomes.wide_slots import wide_slots
from planner.policy.actions import Resource, level_of
from planner.policy.learned import Committee, trained
from planner.policy.observation import ACTION, Floats, Viewer
from planner.policy.resources import Resources
from planner.search import fits
from planner.situation import Situation
from toolbox.recipe import Recipe, Step, wire

MOST_STEPS = 24


@dataclass(frozen=True)
class Built:
    """A pipeline, where it is to run, and how many choices were made."""

    recipe: Recipe
    resource: Resource
    choices: int


class Grammar:
    """What may come after some steps: the next steps of the slots ahead, up to the first that must
    be filled."""

    def __init__(self, situation: Situation) -> None:
        self._slots = [_affordable(s, situation) for s in wide_slots(situation)]

    def after(self, recipe: Recipe) -> tuple[tuple[Step, ...], bool]:
        """The steps that may come next, and whether the pipeline may end here."""
        places: set[tuple[int, Recipe]] = {(0, ())}
        for step in recipe:
            places = {p for place in places for s, p in self._ways(place) if s == step}
        found = dict.fromkeys(s for place in sorted(places, key=_order) for s, _ in
                              self._ways(place))  # fmt: skip
        return tuple(found), bool(recipe) and any(self._may_end(p) for p in places)

    def lightest(self, viewer: Viewer) -> float:
        """Predicted seconds of the cheapest pipeline, on one core."""
        musts = [s for s in self._slots if not s.optional]
        return sum(min(sum(map(viewer.seconds, o)) for o in s.steps) for s in musts)

    def _ways(self, place: tuple[int, Recipe]) -> list[tuple[Step, tuple[int, Recipe]]]:
        at, rest = place
        if rest:
            return [(rest[0], (at, rest[1:]) if rest[1:] else (at + 1, ()))]
        found = []
        for number in range(at, len(self._slots)):
            for option in self._slots[number].steps:
                left = option[1:]
                found.append((option[0], (number, left) if left else (number + 1, ())))
            if not self._slots[number].optional:
                break
        return found

    def _may_end(self, place: tuple[int, Recipe]) -> bool:
        at, rest = place
        return not rest and all(s.optional for s in self._slots[at:])


def build(
    situation: Situation,
    resources: Resources | None = None,
    policy: Committee | None = None,
    rehearsal: Rehearsal = NOTHING,
    seen: Floats | None = None,
) -> Built | None:
    """The pipeline that the policy builds, valid by the grammar; None where it comes to nothing
    that is (a tool that it never learned of is not offered to it)."""
    policy, resources = policy or trained(), resources or Resources()
    grammar, actions = Grammar(situation), policy.actions
    viewer = Viewer(situation, actions, seen, rehearsal)
    cheapest = grammar.lightest(viewer)
    recipe: Recipe = ()
    made = 0
    while len(recipe) < MOST_STEPS:
        steps, may_end = grammar.after(recipe)
        by_tool: dict[str, dict[int, Step]] = {}
        for step in steps:
            if actions.tool(step.tool) is not None:
                by_tool.setdefault(step.tool, {}).setdefault(level_of(step), step)
        offered = [(int(actions.tool(t) or 0), t) for t in by_tool]
        numbers = [n for n, _ in offered] + may_end * [actions.stop]
        if not numbers:
            return None
        features = [viewer.action(recipe, next(iter(by_tool[t].values()))) for _, t in offered]
        features += may_end * [np.zeros(ACTION, np.float32)]
        state = viewer.state(recipe, resources, cheapest)
        taken = policy.choose(state, -1, numbers, np.array(features))
        made += 1
        if taken == len(offered):
            resource = _resource(policy, viewer, recipe, resources, cheapest)
            pipeline = wire(recipe, len(situation.infos), volumes=situation.volumes)
            valid = not pipeline.validate([i.state for i in situation.infos])
            return Built(recipe, resource, made + 1) if valid else None
        number, tool = offered[taken]
        levels = by_tool[tool]
        level = next(iter(levels))
        if len(levels) > 1:
            state = viewer.state(recipe, resources, cheapest, tool)
            each = np.array([viewer.action(recipe, s) for s in levels.values()])
            listed = [actions.level(at) for at in levels]
            level = list(levels)[policy.choose(state, number, listed, each)]
            made += 1
        recipe = (*recipe, levels[level])
    return None


def _resource(
    policy: Committee, viewer: Viewer, recipe: Recipe, resources: Resources, cheapest: float
) -> Resource:
    offered = resources.offered
    state = viewer.state(recipe, resources, cheapest, stopped=True)
    each = np.array([viewer.on(recipe, resources, r) for r in offered])
    numbers = [policy.actions.resource(r) for r in offered]
    return offered[policy.choose(state, -1, numbers, each)]


def _affordable(slot: Slot, situation: Situation) -> Slot:
    kept = tuple(o for o in slot.steps if all(fits(s, situation) for s in o))
    return Slot(slot.name, kept, slot.optional) if kept or slot.optional else slot


def _order(place: tuple[int, Recipe]) -> tuple[int, int]:
    return place[0], len(place[1])
