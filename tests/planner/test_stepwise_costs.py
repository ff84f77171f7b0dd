"""Costs by steps: the same as those of whole recipes."""

from __future__ import annotations

import numpy as np

from planner.cost import MeasuredCosts, Sample, reference
from planner.grammar import recipes
from planner.stepwise_costs import StepwiseCosts
from planner.task import Goal, Intent, Task
from tests.planner.situations import situation

COSTS = MeasuredCosts({k: [Sample(*s) for s in v] for k, v in reference().items()}, 1.5, 2)


def test_the_sum_over_the_steps_is_what_the_whole_costs() -> None:
    asked = situation(Task(Intent.PLAN, (Goal.SEGMENT,)))
    some = list(recipes(asked))[::97][:60]
    stepwise = StepwiseCosts(COSTS, asked)
    found = np.array([stepwise.seconds(r).value for r in some])
    whole = np.array([COSTS.seconds(r, asked).value for r in some])
    np.testing.assert_allclose(found, whole, rtol=1e-6)


def test_the_interval_is_as_wide_as_the_models() -> None:
    asked = situation()
    recipe = next(recipes(asked))
    found, whole = StepwiseCosts(COSTS, asked).seconds(recipe), COSTS.seconds(recipe, asked)
    np.testing.assert_allclose([found.low, found.high], [whole.low, whole.high], rtol=1e-6)
