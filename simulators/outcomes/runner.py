"""Runs a tree of pipelines in memory: each beginning that recipes share is run once."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import TomoplanError
from simulators.outcomes.calls import Call, Place, calls_of, kind_of
from simulators.outcomes.gauge import NOT_MEASURED, peaked, timed
from simulators.outcomes.job import Job
from simulators.outcomes.quality import Delivered, measure
from simulators.outcomes.tree import Tree, step_key
from toolbox.execution.evaluation import cut
from toolbox.execution.passes import split_of
from toolbox.execution.sampling import sample_rows
from toolbox.execution.sources import ScanSource, shape_of
from toolbox.execution.threads import allow_threads, hold_threads
from toolbox.kinds import DataKind, Split
from toolbox.registry import make_tool
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


class Runner:
    """Depth first over the tree of a job; values are kept only along the way to the node."""

    def __init__(self, job: Job, seed: int = 0) -> None:
        self.job, self.tree = job, Tree.of(job.recipes)
        self.calls = calls_of(self.tree, len(job.scans))
        self._rng = np.random.default_rng([seed, 77])
        self._peaks: dict[tuple[Any, ...], float] = {}
        self._children: dict[int, list[int]] = {n: [] for n in range(-1, len(self.tree))}
        for node, parent in enumerate(self.tree.parents):
            self._children[parent].append(node)

    def run(self) -> Measured:
        """Run everything, on one thread."""
        count, tree = len(self.tree), self.tree
        self.found = Measured(
            tree,
            np.zeros(count, np.float32),
            np.full(count, np.nan, np.float32),
            np.full(count, np.nan, np.float32),
            np.full((count, len(self.job.goals)), np.nan, np.float32),
            np.zeros(count, bool),
        )
        allow_threads(1)
        sources: dict[Place, Any] = {}
        for index, scan in enumerate(self.job.scans):
            rows = np.arange(scan.info.rows)
            sources[-1, index] = ScanSource(scan).take_rows(rows)
        for node in self._children[-1]:
            self._visit(node, sources)
        return self.found

    def _visit(self, node: int, values: Mapping[Place, Any]) -> None:
        made = self._made(node, values)
        if made is None:
            self._fail(node)
            return
        values = {**values, **made}
        if self.tree.complete[node]:
            self.found.quality[node] = self._quality(node, values)
        for child in self._children[node]:
            self._visit(child, values)

    def _fail(self, node: int) -> None:
        self.found.failed[node] = True
        for child in self._children[node]:
            self._fail(child)

    def _made(self, node: int, values: Mapping[Place, Any]) -> dict[Place, Any] | None:
        step = self.tree.steps[node]
        made: dict[Place, Any] = {}
        seconds, peak, again = 0.0, 0.0, 0.0
        repeat = self._rng.random() < REPEATED
        try:
            for copy, call in enumerate(self.calls[node]):
                tool = make_tool(step.tool, step.parameters)
                inputs = _inputs(tool, call, values)
                if step.tool not in _warm:
                    called(tool, inputs)
                    _warm.add(step.tool)
                made[node, copy], spent, at_peak = self._gauged(step_key(step), tool, inputs)
                seconds, peak = seconds + spent, max(peak, at_peak)
                if repeat and seconds < REPEATED_SECONDS:
                    again += timed(lambda t=tool, i=inputs: called(t, i))[1]  # type: ignore[misc]
        except TomoplanError as error:
            print(f"{self.job.name}: {step.tool} failed: {error}", file=sys.stderr)
            made = {}
        except Exception as error:  # as the engine does: a step that fails ends this branch only
            told = f"{type(error).__name__}: {error}"
            print(f"{self.job.name}: {step.tool} broke: {told}", file=sys.stderr)
            made = {}
        self.found.seconds[node], self.found.peak_bytes[node] = seconds, peak
        if again:
            self.found.again[node] = again
        return made or None

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

    def _quality(self, node: int, values: Mapping[Place, Any]) -> list[float]:
        last: dict[DataKind, Any] = {}
        for step in self.tree.path(node):
            copies = len(self.calls[step])
            if len(self.job.scans) == 1 or copies == 1:
                last[kind_of(self.tree, step)] = values[step, 0]
        delivered = Delivered(self.job, last, self.tree.recipe(node))
        return [measure(goal, delivered) for goal in self.job.goals]


def called(tool: Tool, inputs: dict[str, Any]) -> Any:
    """A tool tuned on the sample that the engine would take, and called on everything (what
    measures a sample: on that)."""
    blocks = {p: b for p, b in inputs.items() if isinstance(b, Block)}
    sample = inputs
    if blocks:
        common = min(len(b.rows) for b in blocks.values())
        rows = sample_rows(tool.card, range(common))
        sample = inputs | {p: cut(b, b.rows[rows]) for p, b in blocks.items()}
    if tool.needs_tuning():
        hold_threads()
        tool = tool.tune(**sample).tool
    hold_threads()
    return tool(**(sample if split_of(tool) is Split.SAMPLE else inputs))


def _inputs(tool: Tool, call: Call, values: Mapping[Place, Any]) -> dict[str, Any]:
    ports = tool.card.inputs
    pair = (DataKind.PROJECTIONS, DataKind.SINOGRAM)
    found = {}
    for port, place in call.inputs.items():
        value = values[place]
        if isinstance(value, Block) and value.kind in pair and ports[port].kind in pair:
            value = value.as_kind(ports[port].kind)
        found[port] = value
    return found
