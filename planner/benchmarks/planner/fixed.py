"""Choices without a look at the scan: the single best of training, chance; and the best of all."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from planner.benchmarks.planner.contender import Choice
from planner.outcomes.report import Judged, goal_set, recipe_key, single_bests
from planner.outcomes.reward import rewards, task_of
from planner.task import Priority, Task
from simulators.outcomes import ScanOutcomes


class SingleBest:
    """The fixed pipeline with the highest mean reward over the training scans with the same goals
    (those of `reconstruct`, where no training scan has them)."""

    name, seeded = "single best", False

    def __init__(self) -> None:
        self._known: dict[str, str] = {}

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        self._known = single_bests([Judged.of(s) for s in train])

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        key = self._known.get(goal_set(scan), self._known.get("reconstruct", ""))
        keys = [recipe_key(scan.recipe(int(n))) for n in scan.complete]
        bare = key.split(" → ", 1)[-1]  # where the file holds no counts, no flat field is needed
        for wanted in (key, bare):
            if wanted in keys:
                return Choice(keys.index(wanted))
        # It failed on this scan: what is delivered is worth the least
        return Choice(int(np.argmin(rewards(scan, task))))


class Oracle:
    """The best of all that were run, by what was measured."""

    name, seeded = "oracle", False

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Nothing to learn."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        return Choice(int(np.argmax(rewards(scan, task))))


class RandomValid:
    """Any of those that were run."""

    name, seeded = "random valid", True

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Nothing to learn."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        rng = np.random.default_rng([seed, _number(scan)])
        return Choice(int(rng.integers(len(scan.complete))))


def of_priority(scan: ScanOutcomes, priority: Priority) -> Task:
    """The scan's request with another priority and no limits."""
    return replace(task_of(scan), priority=priority, max_seconds=None, max_memory_gib=None)


def _number(scan: ScanOutcomes) -> int:
    return int(scan.name.rsplit("-", 1)[-1])
