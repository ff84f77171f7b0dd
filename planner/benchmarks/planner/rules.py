"""The transparent scorer: rules of thumb, without learning."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.benchmarks.planner.contender import Choice, worth
from planner.outcomes.candidates import StepCosts
from planner.outcomes.remembered import remembered
from planner.scoring import RuleScorer
from planner.task import Task
from simulators.outcomes import ScanOutcomes

Floats = NDArray[np.floating]
SLACK = 1.5  # the cost model's own interval


class Rules:
    """The highest promised reward by :class:`planner.scoring.RuleScorer` and the costs of the
    reference machine."""

    name, seeded = "transparent scorer", False

    def __init__(self) -> None:
        self._known: dict[str, tuple[Floats, Floats, float]] = {}

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Nothing to learn."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        quality, seconds, spent = self.predicted(scan)
        return Choice(int(np.argmax(worth(quality, seconds, task, SLACK))), spent)

    def predicted(self, scan: ScanOutcomes) -> tuple[Floats, Floats, float]:
        """Quality and seconds of each complete pipeline, and what it took."""
        if scan.name not in self._known:
            began = time.process_time()
            situation, scorer = remembered(scan), RuleScorer()
            costs = StepCosts(situation)
            recipes = [scan.recipe(int(n)) for n in scan.complete]
            quality = np.array([scorer.quality(r, situation).value for r in recipes])
            seconds = np.array([max(costs.seconds(r, situation).value, 1e-3) for r in recipes])
            self._known[scan.name] = (quality, seconds, time.process_time() - began)
        return self._known[scan.name]
