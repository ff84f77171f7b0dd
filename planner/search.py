"""Finds the recipes worth proposing without listing them all."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace

from planner.cost import memory_budget
from planner.grammar import Slot, slots
from planner.plan import AheadScorer, CostModel, Interval, Scorer
from planner.reasons import OWN_GAIN
from planner.situation import Situation, rules
from planner.stepwise_costs import StepwiseCosts
from planner.task import Condition, Priority
from toolbox.kinds import DataKind, Split, Stage
from toolbox.recipe import Recipe, Step, wire
from toolbox.registry import make_tool, tool_class
from toolbox.values import Shape

BEAM = 24
PROPOSALS = 5
LEAST = 3
SAME_SHARE, SAME_SECONDS = 0.05, 0.3  # costs no further apart count as equal
CHEAPER = 0.7  # of the cost
MENDING = {Condition.RINGS: "rings", Condition.JITTER: "jitter"}  # condition → defect
FASTEST = 100.0  # a weight before which quality counts for nothing
# Foretold quality and seconds further apart than this lie in the same order when measured, on 29 of
# 30 scans of validation (`tomoplan bench planner` says on how many of the test)
SURELY, SURELY_QUICKER = 0.1, 1.3


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
    for broken budgets, without bound: where none keeps to the time, the fastest comes first."""
    task = situation.task
    value = candidate.quality - rules()["step_price"] * len(candidate.recipe)
    value += sum(trained_for(step) for step in candidate.recipe)
    value -= price(task.priority) * math.log10(max(candidate.seconds / max(cheapest, 1e-3), 1.0))
    if task.max_seconds and candidate.time.high > task.max_seconds:
        value -= 0.3 * (1.0 + math.log2(candidate.time.high / task.max_seconds))
    return value


def search(situation: Situation, scorer: Scorer, costs: CostModel) -> list[Candidate]:
    """Complete recipes by beam search, one beam for each way of trading quality against time, and
    one for the fastest where all of these take longer than the request allows."""
    found: dict[Recipe, Candidate] = {}
    known: dict[Recipe, Candidate] = {}
    stepwise = StepwiseCosts(costs, situation)

    def judge(recipe: Recipe) -> Candidate:
        if recipe not in known:
            quality = scorer.quality(recipe, situation)
            known[recipe] = Candidate(recipe, quality, stepwise.seconds(recipe))
        return known[recipe]

    steps = [_affordable(slot, situation) for slot in slots(situation)]

    def trade(weight: float) -> None:
        beam: list[Recipe] = [()]
        for slot in steps:
            grown = [done + more for done in beam for more in slot.steps]
            if slot.optional:
                grown += beam
            if isinstance(scorer, AheadScorer):
                scorer.ahead([r for r in grown if r not in known], situation)
            worth = {r: _worth(judge(r), weight) for r in grown}
            grown = sorted(worth, key=worth.__getitem__, reverse=True)
            beam = grown[:BEAM]
        found.update((r, known[r]) for r in beam if r)

    for weight in rules()["trade_offs"]:
        trade(weight)
    limit = situation.task.max_seconds
    if limit and all(c.time.high > limit for c in found.values()):
        trade(FASTEST)
    states = [info.state for info in situation.infos]

    def valid(recipe: Recipe) -> bool:
        wired = wire(recipe, len(states), volumes=situation.volumes)
        return not wired.validate(states)

    return [replace(c, time=costs.seconds(r, situation)) for r, c in found.items() if valid(r)]


def _affordable(slot: Slot, situation: Situation) -> Slot:
    """A slot without the steps of which not even one row fits into the memory; as it is where none
    would be left, for then the run says what is lacking."""
    kept = tuple(steps for steps in slot.steps if all(fits(s, situation) for s in steps))
    return replace(slot, steps=kept) if kept or slot.optional else slot


def fits(step: Step, situation: Situation) -> bool:
    """Whether the least that a step can do at once, one row, fits into the memory."""
    tool = make_tool(step.tool, step.parameters)
    if tool.card.split is not Split.ROWS:
        return True
    info = situation.info
    row = {
        port: Shape(info.columns if kind is DataKind.VOLUME else info.projections, 1, info.columns)
        for port, of in tool.card.inputs.items()
        if (kind := of.kind).is_stack and not of.optional
    }
    return tool.cost(**row).bytes <= memory_budget(situation)


def trained_for(step: Step) -> float:
    """What a tool that somebody trained for scans like this one (so its card's ``suits``) gained
    there in IoU over thresholds, which need no training: no scorer can know of it."""
    card = tool_class(step.tool).card
    return card.metrics.get(OWN_GAIN, 0.0) if card.suits else 0.0


def _worth(candidate: Candidate, weight: float) -> float:
    worth = candidate.quality - rules()["step_price"] * len(candidate.recipe)
    worth += sum(trained_for(step) for step in candidate.recipe)
    return worth - weight * math.log10(candidate.seconds + 1e-2)


def mends(candidate: Candidate, situation: Situation) -> bool:
    """Whether a step is known to mend the rings and the jitter that the data show or the request
    tells of, in the time allowed. People expect it, and of scores it costs less than they are sure
    of."""
    limit, defects = situation.task.max_seconds, rules()["defects"]
    tools = {step.tool for step in candidate.recipe}
    wanted = [d for condition, d in MENDING.items() if condition in situation.conditions]
    mended = all(tools & defects[name]["left"].keys() for name in wanted)
    return mended and (not limit or candidate.time.high <= limit)


def propose(candidates: list[Candidate], situation: Situation) -> list[Candidate]:
    """The best for this request first, of those that :func:`mends` if any do, then others from the
    cost-quality front, best first; among them one that is clearly cheaper than the first, where
    there is one."""
    cheapest = min(c.seconds for c in candidates)
    ranked = sorted(candidates, key=lambda c: reward(c, situation, cheapest), reverse=True)
    able = [c for c in ranked if mends(c, situation)] or ranked
    chosen = [first_choice(able, situation, cheapest)]
    on_front = front(candidates)
    listed = [c for c in ranked if c in on_front]
    cheaper = [c for c in listed if clearly_cheaper(c, chosen[0])]
    for candidate in cheaper[:1] + listed + ranked:
        # Off the front only to have something to choose from.
        if len(chosen) >= (PROPOSALS if candidate in on_front else LEAST):
            break
        if candidate not in chosen and all(_differs(candidate, c) for c in chosen):
            chosen.append(candidate)
    return [chosen[0], *sorted(chosen[1:], key=ranked.index)]


def first_choice(ranked: list[Candidate], situation: Situation, cheapest: float) -> Candidate:
    """The first of the ranked candidates that surely differs from what a balanced request would
    get, and otherwise that: who asks for speed or for quality shall not get less of it. Where none
    keeps to the time, the best of those that take as little as any."""
    task = situation.task
    if task.max_seconds and all(c.time.high > task.max_seconds for c in ranked):
        fastest = min(ranked, key=lambda c: c.seconds)
        return next(c for c in ranked if same_cost(c, fastest))
    balanced = replace(situation, task=replace(task, priority=Priority.BALANCED))
    usual = max(ranked, key=lambda c: reward(c, balanced, cheapest))
    if task.max_seconds and usual.time.high > task.max_seconds:
        return ranked[0]
    better = ranked[: ranked.index(usual)]
    return next((c for c in better if stands_out(c, usual, task.priority)), usual)


def stands_out(one: Candidate, usual: Candidate, priority: Priority) -> bool:
    """Whether a candidate is surely the quicker and no better than another, for speed, or surely
    the better and no quicker, for quality: of foretold numbers that lie close, the measured ones
    lie in any order."""
    more = one.quality - usual.quality
    if priority is Priority.SPEED:
        return more <= -SURELY and one.seconds * SURELY_QUICKER <= usual.seconds
    return more >= SURELY and one.seconds >= usual.seconds


def front(candidates: list[Candidate]) -> list[Candidate]:
    """The candidates than which none is better at the same cost or less, the best first.

    Costs that a person would call the same (:func:`same_cost`) count as one: the better stays.
    """
    found: list[Candidate] = []
    for candidate in sorted(candidates, key=lambda c: (-c.quality, c.seconds)):
        if all(candidate.seconds < f.seconds and not same_cost(candidate, f) for f in found):
            found.append(candidate)
    return found


def same_cost(one: Candidate, other: Candidate) -> bool:
    """Whether two predictions differ by no more than they can be trusted, or by an eye's blink."""
    apart = abs(one.seconds - other.seconds)
    return apart <= max(SAME_SHARE * max(one.seconds, other.seconds), SAME_SECONDS)


def clearly_cheaper(one: Candidate, other: Candidate) -> bool:
    """Whether a person would notice the time saved."""
    return one.seconds < CHEAPER * other.seconds and not same_cost(one, other)


def _differs(one: Candidate, other: Candidate) -> bool:
    """Whether two proposals are worth telling apart: by what they cost, or by their method."""
    if same_cost(one, other):
        return _method(one) != _method(other)
    return {s.tool for s in one.recipe} != {s.tool for s in other.recipe}


def _method(candidate: Candidate) -> set[str]:
    """The tools of a recipe but for its corrections."""
    tools = {step.tool for step in candidate.recipe}
    return {t for t in tools if tool_class(t).card.stage is not Stage.CORRECT}
