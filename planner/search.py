"""Finds the recipes worth proposing without listing them all."""

from __future__ import annotations

import math
from dataclasses import dataclass

from planner.grammar import slots
from planner.plan import CostModel, Interval, Scorer
from planner.situation import Situation, rules
from planner.task import Priority
from toolbox.recipe import Recipe, wire

BEAM = 24
PROPOSALS = 5
LEAST = 3


@dataclass(frozen=True)
class Candidate:
    """A recipe with what is predicted of it."""

    recipe: Recipe
    expected: Interval  # quality
    time: Interval  # seconds

    @property
    def quality(self) -> float:
        return self.expected.value

    @property
    def seconds(self) -> float:
        return self.time.value


def price(priority: Priority) -> float:
    """Quality that a request gives for running ten times as long as the cheapest."""
    return float(rules()["price"][priority.value])


def reward(candidate: Candidate, situation: Situation, cheapest: float) -> float:
    """Quality − price × log10 of the cost over the cheapest − a little for every step − penalties
    for broken budgets."""
    task = situation.task
    value = candidate.quality - rules()["step_price"] * len(candidate.recipe)
    value -= price(task.priority) * math.log10(max(candidate.seconds / max(cheapest, 1e-3), 1.0))
    if task.max_seconds and candidate.time.high > task.max_seconds:
        over = candidate.time.high / task.max_seconds
        value -= 0.3 * min(over, 3.0)
    return value


def search(situation: Situation, scorer: Scorer, costs: CostModel) -> list[Candidate]:
    """Complete recipes by beam search, one beam for each way of trading quality against time."""
    found: dict[Recipe, Candidate] = {}
    known: dict[Recipe, Candidate] = {}

    def judge(recipe: Recipe) -> Candidate:
        if recipe not in known:
            quality = scorer.quality(recipe, situation)
            known[recipe] = Candidate(recipe, quality, costs.seconds(recipe, situation))
        return known[recipe]

    steps = slots(situation)
    for weight in rules()["trade_offs"]:
        beam: list[Recipe] = [()]
        for slot in steps:
            grown = [done + more for done in beam for more in slot.steps]
            if slot.optional:
                grown += beam
            worth = {r: _worth(judge(r), weight) for r in grown}
            grown = sorted(worth, key=worth.__getitem__, reverse=True)
            beam = grown[:BEAM]
        found.update((r, known[r]) for r in beam if r)
    states = [info.state for info in situation.infos]

    def valid(recipe: Recipe) -> bool:
        wired = wire(recipe, len(states), volumes=situation.volumes)
        return not wired.validate(states)

    return [c for r, c in found.items() if valid(r)]


def _worth(candidate: Candidate, weight: float) -> float:
    worth = candidate.quality - rules()["step_price"] * len(candidate.recipe)
    return worth - weight * math.log10(candidate.seconds + 1e-2)


def propose(candidates: list[Candidate], situation: Situation) -> list[Candidate]:
    """The best for this request first, then others from the cost-quality front, best first.

    A proposal is on the front when nothing else is both better and faster.
    """
    cheapest = min(c.seconds for c in candidates)
    ranked = sorted(candidates, key=lambda c: reward(c, situation, cheapest), reverse=True)
    chosen = [ranked[0]]
    front = [c for c in ranked if not any(dominates(o, c) for o in candidates)]
    for candidate in front + ranked:
        # Off the front only to have something to choose from.
        if len(chosen) == (PROPOSALS if candidate in front else LEAST):
            break
        if candidate not in chosen and all(_differs(candidate, c) for c in chosen):
            chosen.append(candidate)
    return chosen


def dominates(one: Candidate, other: Candidate) -> bool:
    return (
        one.quality >= other.quality
        and one.seconds <= other.seconds
        and (one.quality > other.quality or one.seconds < other.seconds)
    )


def _differs(one: Candidate, other: Candidate) -> bool:
    """Whether two proposals are worth telling apart: not the same tools, nor the same numbers."""
    same_quality = abs(one.quality - other.quality) < 0.002
    same_cost = abs(math.log((one.seconds + 0.1) / (other.seconds + 0.1))) < 0.05
    tools = {s.tool for s in one.recipe} != {s.tool for s in other.recipe}
    return tools and not (same_quality and same_cost)
