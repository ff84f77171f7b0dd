"""Costs of recipes as the sum of what their steps add: for searches that judge thousands."""

from __future__ import annotations

import math

from planner.plan import CostModel, Interval
from planner.situation import Situation
from toolbox.kinds import Stage
from toolbox.recipe import Recipe, Step
from toolbox.registry import tool_class

RESIZING = (Stage.STITCH, Stage.SUPER_RESOLVE)


class StepwiseCosts:
    """Seconds by another model, asked for each step once: what the step added to the first recipe
    that held it is what it adds to any, as long as what came before left the data as large, in the
    same state of loaded libraries. The interval is as wide as that of the first recipe. Recipes
    for several scans, of which the other model knows the cost only from where they join, are asked
    for one by one."""

    def __init__(self, costs: CostModel, situation: Situation) -> None:
        self._costs, self._situation = costs, situation
        self._added: dict[tuple[Recipe, bool, Step], float] = {}
        self._total: dict[Recipe, float] = {}
        self._factor: float | None = None

    def seconds(self, recipe: Recipe) -> Interval:
        """Predicted seconds of a recipe, whole or begun."""
        if len(self._situation.infos) > 1:
            return self._costs.seconds(recipe, self._situation)
        value = max(self._value(recipe), 0.0)
        factor = self._factor or 1.0
        return Interval(value, value / factor, value * factor)

    def _value(self, recipe: Recipe) -> float:
        if not recipe:
            return 0.0
        found = self._total.get(recipe)
        if found is None:
            before, step = recipe[:-1], recipe[-1]
            key = (*_context(before), step)
            if key not in self._added:
                self._added[key] = self._asked(recipe) - (self._asked(before) if before else 0.0)
            found = self._total[recipe] = self._value(before) + self._added[key]
        return found

    def _asked(self, recipe: Recipe) -> float:
        asked = self._costs.seconds(recipe, self._situation)
        if self._factor is None and asked.value > 0:
            self._factor = math.sqrt(asked.high / asked.low)
        return asked.value


def _context(before: Recipe) -> tuple[Recipe, bool]:
    """What of the steps before changes what a step adds."""
    cards = [(s, tool_class(s.tool).card) for s in before]
    resizing = tuple(s for s, c in cards if c.stage in RESIZING or "bin" in s.tool)
    return resizing, any(c.gpu for _, c in cards)
