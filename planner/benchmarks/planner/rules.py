"""The transparent scorer: rules of thumb, without learning."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np

from planner.benchmarks.planner.contender import Choice, worth
from planner.outcomes.candidates import StepCosts
from planner.outcomes.remembered import remembered
from planner.scoring import RuleScorer
from planner.task import Task
from simulators.outcomes import ScanOutcomes

SLACK = 1.5  # the cost model's own interval


class Rules:
    """The highest promised reward by :class:`planner.scoring.RuleScorer` and the costs of the
    reference machine."""

    name, seeded = "transparent scorer", False

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Nothing to learn."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        began = time.process_time()
        situation, scorer = remembered(scan), RuleScorer()
        costs = StepCosts(situation)
        recipes = [scan.recipe(int(n)) for n in scan.complete]
        quality = np.array([scorer.quality(r, situation).value for r in recipes])
        seconds = np.array([max(costs.seconds(r, situation).value, 1e-3) for r in recipes])
        chosen = int(np.argmax(worth(quality, seconds, task, SLACK)))
        return Choice(chosen, time.process_time() - began)
