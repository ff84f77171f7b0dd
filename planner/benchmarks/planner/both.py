"""The graph network and boosted trees together: the mean of what they say."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.benchmarks.planner.contender import Choice, worth
from planner.benchmarks.planner.learned import GraphNetwork, Trees
from planner.task import Task
from simulators.outcomes import ScanOutcomes


class Both:
    """The highest promised reward where the quality is the mean of both about their own means of
    the scan, and the seconds are the network's."""

    name, seeded = "network and trees", True

    def __init__(self, network: GraphNetwork, trees: Trees) -> None:
        self._network, self._trees = network, trees

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        self._network.learn(train, seed)
        self._trees.learn(train, seed)

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        own, seconds, spent = self._network.predicted(scan)
        own, seconds = own[scan.complete], seconds[scan.complete]
        wooden, _, more = self._trees.predicted(scan)
        quality = (own - own.mean() + wooden - wooden.mean()) / 2
        return Choice(
            int(np.argmax(worth(quality, seconds, task, self._network.slack))), spent + more
        )
