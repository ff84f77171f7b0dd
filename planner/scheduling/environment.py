"""The queue as a gymnasium environment, for training alone."""

from __future__ import annotations

import math
from collections.abc import Generator, Sequence
from typing import Any

import gymnasium
import numpy as np

from planner.scheduling.candidates import FEATURES, MOST, candidates
from planner.scheduling.jobs import cluster, queue
from simulators.clusters import Outcome, Placement, Situation
from simulators.clusters.queue import playing


class QueueEnvironment(gymnasium.Env[Any, Any]):
    """One episode is one queue, on a cluster and at a load drawn from those given.

    The reward is what jobs took from their arrival, as it accrues (minus the jobs present times
    the seconds that passed, over ``scale`` seconds and the number of jobs), minus ``deadline``
    for each broken deadline over the number of jobs: the sum is −(mean completion time / scale) −
    deadline · (broken deadlines / jobs).
    """

    def __init__(
        self, clusters: Sequence[str], loads: tuple[float, float], pool: int, jobs: int,
        scale: float, deadline: float, seed: int,
    ) -> None:  # fmt: skip
        self.observation_space = gymnasium.spaces.Box(
            -20.0, 20.0, (MOST + 1, len(FEATURES)), np.float32
        )
        self.action_space = gymnasium.spaces.Discrete(MOST + 1)
        self._clusters, self._loads, self._pool, self._jobs = clusters, loads, pool, jobs
        self._scale, self._deadline = scale, deadline
        self._rng = np.random.default_rng(seed)

    def reset(self, *, seed: int | None = None, options: Any = None) -> tuple[Any, dict[str, Any]]:
        if seed is not None:
            self._rng = np.random.default_rng(seed)
        rng = self._rng
        name = str(rng.choice(list(self._clusters)))
        load = float(rng.uniform(*self._loads))
        made, truths = queue(name, load, int(rng.integers(2**31)), self._pool, self._jobs)
        self._queue = made
        self._game: Generator[Situation, Placement | None, Outcome] = playing(
            made, truths, cluster(name)
        )
        self._situation = next(self._game)
        self._before = self._situation.now
        self._owed = {j.number: j.deadline for j in made if j.deadline is not None}
        self._seen = candidates(self._situation)
        return self._seen.features, {}

    def step(self, action: int) -> tuple[Any, float, bool, bool, dict[str, Any]]:
        placement = None if action == MOST else self._seen.placements[action]
        try:
            self._situation = self._game.send(placement)
        except StopIteration as end:
            return self._seen.features, self._accrued(end.value.ends), True, False, {}
        reward = self._accrued(self._situation.now)
        self._seen = candidates(self._situation)
        return self._seen.features, reward, False, False, {}

    def action_masks(self) -> Any:
        return self._seen.allowed

    def _accrued(self, now: float) -> float:
        """What passed since the last choice: jobs present by time, and deadlines that were broken.

        Deadlines count when they pass, or, after the last choice, when the end is known.
        """
        ended = self._situation.ended
        cost, broken = 0.0, 0
        for job in self._queue:
            end = ended.get(job.number, math.inf)
            cost += max(0.0, min(now, end) - max(self._before, job.arrival))
            if job.number in self._owed and min(now, end) > self._owed[job.number]:
                broken += 1
                del self._owed[job.number]
        self._before = now
        return -(cost / self._scale + self._deadline * broken) / self._jobs
