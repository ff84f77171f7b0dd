"""The pipelines to be run on a scan: the fixed ones, what the rules propose, each tool once, and
draws from the grammar, together within a predicted time."""

from __future__ import annotations

import dataclasses
import itertools
from collections.abc import Callable, Sequence
from functools import cache

import numpy as np

from planner.cost import MeasuredCosts, Sample, reference
from planner.grammar import Slot
from planner.outcomes.core import core
from planner.outcomes.settings import settings
from planner.outcomes.wide_slots import wide_slots
from planner.plan import Interval
from planner.scoring import RuleScorer
from planner.search import propose, search
from planner.situation import Situation
from planner.task import Priority
from simulators.outcomes.tree import step_key
from toolbox.kinds import DataKind
from toolbox.pipeline import Pipeline
from toolbox.recipe import Recipe, Step, joins, wire
from toolbox.registry import make_tool
from toolbox.values import Shape

OFTEN = 0.65  # how often a slot that may stay empty is filled
UNKNOWN_SECONDS = 0.05  # of a tool that the reference table does not know
TRIES = 30
AHEAD = 3.0  # times the even share of the time that one pipeline may take


def candidates(
    situation: Situation, rng: np.random.Generator, count: int, seconds: float
) -> list[Recipe]:
    """At least ``count`` different pipelines, or all that there are, with a predicted time of
    about ``seconds`` (more where the fixed ones alone take more)."""
    places = wide_slots(situation)
    names = [p.name for p in places]
    at = names.index("reconstruct") if "reconstruct" in names else len(places)
    grown = Growing(situation)
    decomposition = next((p.steps[0] for p in places if p.name == "decompose"), ())
    for recipe in core(situation, decomposition):
        grown.add(recipe)
    proposed = rule_proposals(situation)
    for recipe in proposed:
        grown.add(recipe)
    best = [_front(recipe, places[:at]) for recipe in proposed]
    pool = _pool(best, places[:at], rng)[: max(count // 3, 4)]
    light = _lightest(places[at:], grown.seconds_of)
    for front, _ in pool:
        grown.add(front + light)
    for tail in _covering(places[at:], light, rng):
        grown.add(best[0] + tail)
    fronts, weights = [f for f, _ in pool], np.array([w for _, w in pool])
    misses = 0
    while len(grown.recipes) < count and misses < 40:
        left = max(seconds - grown.seconds, 0.02 * seconds) / (count - len(grown.recipes))
        tried: list[tuple[float, Recipe]] = []
        for _ in range(TRIES):
            front = fronts[int(rng.choice(len(fronts), p=weights / weights.sum()))]
            recipe = front + _drawn(places[at:], rng)
            if recipe in grown.recipes:
                continue
            price = grown.price(recipe)
            tried.append((price, recipe))
            if price <= AHEAD * left:
                break
        if not tried:
            misses += 1
            continue
        price, recipe = tried[-1] if tried[-1][0] <= AHEAD * left else min(tried, key=_price)
        misses += not grown.add(recipe)
    return list(grown.recipes)


class Growing:
    """Pipelines so far, each valid and once, with the predicted seconds of their tree."""

    def __init__(self, situation: Situation) -> None:
        self.recipes: dict[Recipe, None] = {}
        self.seconds = 0.0
        self._situation, self._costs = situation, StepCosts(situation)
        self._begun: set[str] = set()

    def add(self, recipe: Recipe) -> bool:
        """Take a pipeline in, unless it is there or not valid."""
        scans = len(self._situation.infos)
        states = [i.state for i in self._situation.infos]
        if recipe in self.recipes or (scans > 1 and not any(joins(s) for s in recipe)):
            return False
        if wire(recipe, scans).validate(states):
            return False
        self.seconds += self.price(recipe)
        self._begun.update(_prefixes(recipe))
        self.recipes[recipe] = None
        return True

    def price(self, recipe: Recipe) -> float:
        """Predicted seconds of the steps that no pipeline so far shares."""
        known = [p in self._begun for p in _prefixes(recipe)]
        of = self._costs.seconds_of
        return sum(of(s) for s, k in zip(recipe, known, strict=True) if not k)

    def seconds_of(self, step: Step) -> float:
        """Predicted seconds of one step on the scan's own size."""
        return self._costs.seconds_of(step)


class StepCosts:
    """A quick cost model: the sum over the steps of what each takes on the scan's own size, on
    one thread of the reference machine."""

    def __init__(self, situation: Situation) -> None:
        self._situation = situation
        self._known: dict[Step, float] = {}

    def seconds_of(self, step: Step) -> float:
        """Predicted seconds of one step."""
        if step not in self._known:
            self._known[step] = _step_seconds(step, self._situation)
        return self._known[step]

    def seconds(self, recipe: Recipe, situation: Situation) -> Interval:
        """Predicted seconds of a recipe, whole or begun, give or take a half."""
        value = sum(map(self.seconds_of, recipe))
        return Interval(value, value / 1.5, value * 1.5)

    def peak_bytes(self, pipeline: Pipeline, situation: Situation) -> Interval:
        """As :class:`MeasuredCosts` has it."""
        return rough_costs().peak_bytes(pipeline, situation)


def rule_proposals(situation: Situation) -> list[Recipe]:
    """What the transparent planner proposes first: for the request, then for each priority."""
    found = search(situation, RuleScorer(), StepCosts(situation))
    ranked = propose(found, situation)
    firsts = []
    for priority in Priority:
        task = dataclasses.replace(situation.task, priority=priority)
        firsts.append(propose(found, dataclasses.replace(situation, task=task))[0])
    return list(dict.fromkeys(c.recipe for c in (ranked[0], *firsts)))


@cache
def rough_costs() -> MeasuredCosts:
    """Seconds as the reference machine had them (``configs/costs.json``), on one thread."""
    samples = {k: [Sample(*s) for s in v] for k, v in reference().items()}
    return MeasuredCosts(samples, 1.0, 1)


def _step_seconds(step: Step, situation: Situation) -> float:
    info, costs, tool = situation.info, rough_costs(), make_tool(step.tool, step.parameters)
    if not costs.knows(step.tool):
        return UNKNOWN_SECONDS
    flat = Shape(info.projections, info.rows, info.columns)
    solid = Shape(info.columns, info.rows, info.columns)
    volumes = (DataKind.VOLUME, DataKind.LABELS, DataKind.MATERIALS)
    shapes = {n: solid if p.kind in volumes else flat
              for n, p in tool.card.inputs.items() if p.kind.is_stack}  # fmt: skip
    if not shapes:
        return 0.0
    work = tool.cost(**shapes).operations
    seconds = costs.step_seconds(step.tool, work)
    if tool.needs_tuning():
        seconds += costs.step_seconds(f"{step.tool}:tune", work)
    return seconds * len(situation.infos)


def _pool(
    best: Sequence[Recipe], places: Sequence[Slot], rng: np.random.Generator
) -> list[tuple[Recipe, float]]:
    """Beginnings up to the reconstruction with how often they are drawn: those of the rules often,
    some drawn ones less, and the rules' with each tool in its slot seldom."""
    pool: dict[Recipe, float] = {}
    for front in best[:3]:
        pool.setdefault(front, 3.0)
    for _ in range(4):
        pool.setdefault(_drawn(places, rng), 2.0)
    for tail in _covering(places, best[0], rng):
        pool.setdefault(tail, 0.4)
    return list(pool.items())


def _covering(places: Sequence[Slot], base: Recipe, rng: np.random.Generator) -> list[Recipe]:
    """``base`` with each tool of each slot in turn, at a setting drawn, and without each slot."""
    parts = _parts(base, places)
    found = []
    for index, place in enumerate(places):
        options: list[Recipe] = [()] if place.optional else []
        for _, group in itertools.groupby(place.steps, key=lambda r: [s.tool for s in r]):
            levels = list(group)
            chance = min(settings()["seldom"].get(s.tool, 1.0) for s in levels[0])
            if rng.random() > chance:
                continue
            options.append(levels[int(rng.integers(len(levels)))])
        for option in options:
            swapped = [*parts[:index], option, *parts[index + 1 :]]
            found.append(tuple(itertools.chain(*swapped)))
    return found


def _parts(recipe: Recipe, places: Sequence[Slot]) -> list[Recipe]:
    """What of a recipe stands in each slot."""
    parts: list[Recipe] = []
    at = 0
    for place in places:
        tools = {tuple(s.tool for s in option) for option in place.steps}
        part: Recipe = ()
        for names in sorted(tools, key=len, reverse=True):
            here = recipe[at : at + len(names)]
            if tuple(s.tool for s in here) == names:
                part = here
                break
        parts.append(part)
        at += len(part)
    return parts


def _front(recipe: Recipe, places: Sequence[Slot]) -> Recipe:
    return tuple(itertools.chain(*_parts(recipe, places)))


def _drawn(places: Sequence[Slot], rng: np.random.Generator) -> Recipe:
    recipe: Recipe = ()
    for place in places:
        if place.optional and rng.random() > OFTEN:
            continue
        every = dict.fromkeys(tuple(s.tool for s in option) for option in place.steps)
        tools = [names for names in every if not set(names) & set(settings()["seldom"])]
        names = tools[int(rng.integers(len(tools)))]
        options = [o for o in place.steps if tuple(s.tool for s in o) == names]
        recipe += options[int(rng.integers(len(options)))]
    return recipe


def _lightest(places: Sequence[Slot], seconds_of: Callable[[Step], float]) -> Recipe:
    recipe: Recipe = ()
    for place in places:
        if not place.optional:
            recipe += min(place.steps, key=lambda option: sum(map(seconds_of, option)))
    return recipe


def _prefixes(recipe: Recipe) -> list[str]:
    keys = [step_key(s) for s in recipe]
    return ["\n".join(keys[: i + 1]) for i in range(len(keys))]


def _price(tried: tuple[float, Recipe]) -> float:
    return tried[0]
