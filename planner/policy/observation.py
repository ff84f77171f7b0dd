"""What the policy sees: the request and the scan, what is built so far, the resources, and of
each action what the rules and the cost model say of it."""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from functools import cache

import numpy as np
from numpy.typing import NDArray

from planner.graph_network.context import SIZE as CONTEXT
from planner.graph_network.context import context
from planner.graph_network.rehearsal import NOTHING, RESPONSE, Rehearsal
from planner.outcomes.candidates import StepCosts
from planner.policy.actions import LEVELS, Actions, Resource, level_of
from planner.policy.resources import WIDTH as RESOURCES
from planner.policy.resources import Resources, gpu_gain, shares
from planner.severity import severities_of
from planner.situation import Situation, rules
from toolbox.recipe import Recipe, Step

Floats = NDArray[np.float32]
DEFECTS = 9
ABOUT = 8 + DEFECTS  # of what is built so far, beside its tools
ACTION = DEFECTS + 8 + RESPONSE  # numbers of each action
LOG_SECONDS, LOG_OVER = DEFECTS + 1, DEFECTS + 2  # places among them


def width(actions: Actions) -> int:
    """Numbers of a state, without those of the actions."""
    return CONTEXT + RESOURCES + ABOUT + 3 * len(actions.tools)


@dataclass
class Viewer:
    """Turns partial pipelines of one situation into numbers; what was worked out is kept."""

    situation: Situation
    actions: Actions
    seen: Floats | None = None  # the image embedding
    rehearsal: Rehearsal = NOTHING
    _severity: Floats = field(init=False)
    _known: dict[Recipe, Floats] = field(default_factory=dict)

    def __post_init__(self) -> None:
        found = severities_of(self.situation)
        scaled = [found[n] / r["scale"] for n, r in rules()["defects"].items()]
        self._severity = np.array((scaled + [0.0] * DEFECTS)[:DEFECTS], np.float32)
        self._weights = np.array(
            ([r["weight"] for r in rules()["defects"].values()] + [0.0] * DEFECTS)[:DEFECTS],
            np.float32,
        )
        self._costs = StepCosts(self.situation)
        self._context = context(self.situation, self.seen, self.rehearsal)

    def state(self, recipe: Recipe, resources: Resources, cheapest: float,
              pending: str | None = None, stopped: bool = False) -> Floats:  # fmt: skip
        """A state: the recipe so far, ``pending``: a tool whose level is to be set."""
        tools = self.actions.tools
        there, levels, waits = (np.zeros(len(tools), np.float32) for _ in range(3))
        for step in recipe:
            at = self.actions.tool(step.tool)
            if at is not None:
                there[at], levels[at] = 1.0, level_of(step) / (LEVELS - 1)
        if pending is not None and (at := self.actions.tool(pending)) is not None:
            waits[at] = 1.0
        seconds = sum(map(self.seconds, recipe))
        limit = self.situation.task.max_seconds
        about = [
            float(stopped), float(pending is not None), len(recipe) / 10,
            math.log10(seconds + 1e-3), math.log10((seconds + 1e-3) / max(cheapest, 1e-4)),
            math.log10(limit / max(cheapest, 1e-4)) if limit else 0.0,
            math.log10(limit / (seconds + 1e-3)) if limit else 0.0,
            self.quality(recipe),
        ]  # fmt: skip
        left = self.left(recipe)
        return np.concatenate([self._context, resources.vector(max(cheapest, 1e-4)),
                               np.array(about, np.float32), left / (1 + left),
                               there, levels, waits])  # fmt: skip

    def action(self, recipe: Recipe, step: Step) -> Floats:
        """What is known of a step that may come next: what it would mend, harm and cost."""
        left = self.left(recipe)
        after = self.left((*recipe, step))
        mends = self._weights * (left / (1 + left) - after / (1 + after))
        seconds = self.seconds(step)
        before = sum(map(self.seconds, recipe))
        numbers = [0.0] * 4
        values = [v for v in step.parameters.values()
                  if isinstance(v, int | float) and not isinstance(v, bool)]  # fmt: skip
        for at, value in enumerate(values[:2]):
            numbers[at] = math.log10(abs(value) + 1e-3)
        numbers[2] = float(not step.parameters)
        numbers[3] = float(bool(step.parameters) and not values)
        about = [10 * rules()["harm"].get(step.tool, 0.0), math.log10(seconds + 1e-3),
                 math.log10((before + seconds + 1e-3) / (before + 1e-3)),
                 self.quality((*recipe, step)) - self.quality(recipe), *numbers]  # fmt: skip
        tried = self.rehearsal.of(step)
        return np.concatenate([mends, np.array(about, np.float32), tried]).astype(np.float32)

    def on(self, recipe: Recipe, resources: Resources, resource: Resource) -> Floats:
        """What is known of running a recipe on a resource: its seconds there, also over the best
        of all that there are."""
        seconds = {r: self.seconds_on(recipe, resources, r) for r in resources.offered}
        found = np.zeros(ACTION, np.float32)
        found[LOG_SECONDS] = math.log10(seconds[resource] + 1e-3)
        found[LOG_OVER] = math.log10((seconds[resource] + 1e-3) / (min(seconds.values()) + 1e-3))
        return found

    def seconds_on(self, recipe: Recipe, resources: Resources, resource: Resource) -> float:
        """Predicted seconds until a recipe is done on a resource."""
        total = resources.delay(resource)
        for step in recipe:
            slabs, on_gpu = shares(step.tool)
            speed = float(resources.cores_of(resource)) if slabs else 1.0
            if on_gpu and resource is Resource.GPU:
                speed = gpu_gain()
            total += self.seconds(step) / speed
        return total

    def seconds(self, step: Step) -> float:
        """Predicted seconds of a step on one core of the reference machine."""
        return self._costs.seconds_of(step)

    def left(self, recipe: Recipe) -> Floats:
        """How bad each defect still is after some steps, in the unit of its scale."""
        found = self._known.get(recipe)
        if found is None:
            found = self._severity
            for tool in dict.fromkeys(s.tool for s in recipe):
                found = found * _share_left(tool)
            self._known[recipe] = found
        return found

    def quality(self, recipe: Recipe) -> float:
        """What the rules expect of a recipe so far."""
        left = self.left(recipe)
        harm = sum(rules()["harm"].get(t, 0.0) for t in {s.tool for s in recipe})
        lost = np.clip(self._weights * left / (1 + left), 0.0, 0.99)
        return float(np.clip(1 - rules()["base"] - harm, 0, 1) * np.prod(1 - lost))


@cache
def _share_left(tool: str) -> Floats:
    """What of each defect a tool was measured to leave."""
    shares = [r["left"].get(tool, 1.0) for r in rules()["defects"].values()]
    return np.array((shares + [1.0] * DEFECTS)[:DEFECTS], np.float32)
