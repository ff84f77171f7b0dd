"""Measures a tree of pipelines: what each step costs and what each pipeline is worth."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.outcomes.calls import Place
from simulators.outcomes.gauge import NOT_MEASURED, peaked, timed
from simulators.outcomes.job import Job
from simulators.outcomes.quality import Delivered, measure
from simulators.outcomes.tree import Tree, step_key
from simulators.outcomes.walker import Walker, called
from toolbox.execution.sources import shape_of
from toolbox.execution.threads import allow_threads
from toolbox.tool import Tool
from toolbox.values import Block

REPEATED = 0.06  # share of the nodes that are run once more, to know how seconds scatter
REPEATED_SECONDS = 0.5  # no longer ones
_warm: set[str] = set()  # tools that this process has called: first calls load and compile


@dataclass(frozen=True, eq=False)
class Measured:
    """What a tree gave, one entry a node: processor seconds of its own step on one thread,
    seconds of a second run (NaN: not run twice), bytes at the peak of its step (inputs included),
    quality by goal (axes ``node, goal``; NaN where no recipe ends), whether it failed."""

    tree: Tree
    seconds: NDArray[np.float32]
    again: NDArray[np.float32]
    peak_bytes: NDArray[np.float32]
    quality: NDArray[np.float32]
    failed: NDArray[np.bool_]


class Runner(Walker):
    """Runs the recipes of a job on one thread and measures them."""

    def __init__(self, job: Job, seed: int = 0) -> None:
        super().__init__(job.scans, job.recipes, job.name)
        self.job = job
        self._rng = np.random.default_rng([seed, 77])
        self._peaks: dict[tuple[Any, ...], float] = {}
        count = len(self.tree)
        self._repeat = self._rng.random(count) < REPEATED
        self.found = Measured(
            self.tree,
            np.zeros(count, np.float32),
            np.full(count, np.nan, np.float32),
            np.full(count, np.nan, np.float32),
            np.full((count, len(job.goals)), np.nan, np.float32),
            np.zeros(count, bool),
        )

    def run(self) -> Measured:
        """Run everything, on one thread."""
        allow_threads(1)
        self.walk()
        return self.found

    def arrived(self, node: int, values: Mapping[Place, Any]) -> None:
        delivered = Delivered(self.job, self.last(node, values), self.tree.recipe(node))
        self.found.quality[node] = [measure(goal, delivered) for goal in self.job.goals]

    def failed(self, node: int) -> None:
        self.found.failed[node] = True

    def work(self, node: int, tool: Tool, inputs: dict[str, Any]) -> Any:
        step, found = self.tree.steps[node], self.found
        if step.tool not in _warm:
            called(tool, inputs)
            _warm.add(step.tool)
        made, seconds, peak = self._gauged(step_key(step), tool, inputs)
        found.seconds[node] += seconds
        found.peak_bytes[node] = np.fmax(found.peak_bytes[node], peak)
        if self._repeat[node] and found.seconds[node] < REPEATED_SECONDS:
            _, again = timed(lambda: called(tool, inputs))
            found.again[node] = np.nan_to_num(found.again[node]) + again
        return made

    def _gauged(self, key: str, tool: Tool, inputs: dict[str, Any]) -> tuple[Any, float, float]:
        """Result, seconds and peak; memory depends on sizes alone, so it is taken once for each."""
        blocks = [b for b in inputs.values() if isinstance(b, Block)]
        sizes = (key, *(shape_of(b) for b in blocks))
        if sizes in self._peaks:
            result, seconds = timed(lambda: called(tool, inputs))
        else:
            (result, seconds), rise = peaked(lambda: timed(lambda: called(tool, inputs)))
            given = float(sum(b.values.nbytes for b in blocks))
            self._peaks[sizes] = NOT_MEASURED if rise != rise else given + rise
        return result, seconds, self._peaks[sizes]
