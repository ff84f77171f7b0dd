"""The transparent scorer: rules of thumb with their sources, from ``configs/rules.yaml``."""

from __future__ import annotations

import math

from planner.plan import Interval
from planner.reasons import reasons
from planner.severity import severities_of
from planner.situation import Situation, rules
from toolbox.kinds import Stage
from toolbox.recipe import Recipe
from toolbox.registry import tool_class

SMOOTHING = (Stage.RECONSTRUCT, Stage.DENOISE)


class RuleScorer:
    """Quality = (1 − base − harm) · Π (1 − what each defect of the data costs after the steps).

    A defect of severity s costs the share ``weight · x / (1 + x)`` with ``x = s / scale`` times
    what each step leaves of it. ``configs/rules_measured.yaml`` holds the numbers and
    ``tomoplan bench rules`` measures them. The interval is ± the part of what is lost that the
    rules are unsure of.
    """

    def quality(self, recipe: Recipe, situation: Situation) -> Interval:
        losses = self.losses(recipe, situation)
        value = min(max(1 - rules()["base"] - self.harm(recipe), 0.0), 1.0)
        for lost in losses.values():
            value *= 1 - lost
        unsure = 0.03 + rules()["unsure"] * (1 - value)
        return Interval(value, max(value - unsure, 0.0), min(value + unsure, 1.0))

    def losses(self, recipe: Recipe, situation: Situation) -> dict[str, float]:
        """The share of quality that each defect costs after the steps, by name."""
        found = {}
        severities = severities_of(situation)
        tools = dict.fromkeys(step.tool for step in recipe)
        for name, rule in rules()["defects"].items():
            left = min(severities[name], rule.get("highest", math.inf))
            # Steps that smooth take out the same thing: the best of them counts, not their product.
            smoothest = 1.0
            for tool in tools:
                share = rule["left"].get(tool, 1.0)
                if tool_class(tool).card.stage in SMOOTHING:
                    smoothest = min(smoothest, share)
                else:
                    left *= share
            left *= smoothest
            x = left / rule["scale"]
            found[name] = min(rule["weight"] * x / (1 + x), 0.99)
        return found

    def harm(self, recipe: Recipe) -> float:
        """Quality that the steps cost where nothing is wrong, below zero where they gain."""
        harm = [rules()["harm"].get(tool, 0.0) for tool in dict.fromkeys(s.tool for s in recipe)]
        # Two steps that smooth do not gain twice.
        return sum(h for h in harm if h > 0) + min(min(harm, default=0.0), 0.0)

    def reasons(self, recipe: Recipe, situation: Situation, language: str) -> list[str]:
        return reasons(recipe, situation, language)
