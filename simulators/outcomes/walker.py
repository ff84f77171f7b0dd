"""Runs a tree of pipelines in memory: each beginning that recipes share is run once."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from metadata.errors import TomoplanError
from metadata.scan import Scan
from simulators.outcomes.calls import Call, Place, calls_of, kind_of
from simulators.outcomes.tree import Tree
from toolbox.execution.evaluation import cut
from toolbox.execution.passes import split_of
from toolbox.execution.sampling import sample_rows
from toolbox.execution.sources import ScanSource
from toolbox.execution.threads import hold_threads
from toolbox.kinds import DataKind, Split
from toolbox.recipe import Recipe
from toolbox.registry import make_tool
from toolbox.tool import Tool
from toolbox.values import Block


class Walker:
    """Depth first over the tree of some recipes; values are kept only along the way to the node.
    A step that fails ends its branch: :meth:`failed` is told. ``name`` stands in messages."""

    def __init__(self, scans: Sequence[Scan], recipes: Sequence[Recipe], name: str) -> None:
        self.scans, self.name, self.tree = scans, name, Tree.of(recipes)
        self.calls = calls_of(self.tree, len(scans))
        self._children: dict[int, list[int]] = {n: [] for n in range(-1, len(self.tree))}
        for node, parent in enumerate(self.tree.parents):
            self._children[parent].append(node)

    def walk(self) -> None:
        """Run everything."""
        sources: dict[Place, Any] = {}
        for index, scan in enumerate(self.scans):
            rows = np.arange(scan.info.rows)
            sources[-1, index] = ScanSource(scan).take_rows(rows)
        for node in self._children[-1]:
            self._visit(node, sources)

    def arrived(self, node: int, values: Mapping[Place, Any]) -> None:
        """A pipeline ends at ``node``; ``values`` of all steps on the way."""

    def failed(self, node: int) -> None:
        """What ``node`` does, or something before it, could not be done."""

    def enough(self) -> bool:
        """Asked before each step: whether to do no more (those that follow are not told of)."""
        return False

    def work(self, node: int, tool: Tool, inputs: dict[str, Any]) -> Any:
        """One call of the tool of a node."""
        return called(tool, inputs)

    def last(self, node: int, values: Mapping[Place, Any]) -> dict[DataKind, Any]:
        """The last value of each kind on the way to a node (of one scan, or of what joins them)."""
        found: dict[DataKind, Any] = {}
        for step in self.tree.path(node):
            if len(self.scans) == 1 or len(self.calls[step]) == 1:
                found[kind_of(self.tree, step)] = values[step, 0]
        return found

    def _visit(self, node: int, values: Mapping[Place, Any]) -> None:
        if self.enough():
            return
        made = self._made(node, values)
        if made is None:
            self._fail(node)
            return
        values = {**values, **made}
        if self.tree.complete[node]:
            self.arrived(node, values)
        for child in self._children[node]:
            self._visit(child, values)

    def _fail(self, node: int) -> None:
        self.failed(node)
        for child in self._children[node]:
            self._fail(child)

    def _made(self, node: int, values: Mapping[Place, Any]) -> dict[Place, Any] | None:
        step = self.tree.steps[node]
        made: dict[Place, Any] = {}
        try:
            for copy, call in enumerate(self.calls[node]):
                tool = make_tool(step.tool, step.parameters)
                made[node, copy] = self.work(node, tool, _inputs(tool, call, values))
        except TomoplanError as error:
            print(f"{self.name}: {step.tool} failed: {error}", file=sys.stderr)
            return None
        except Exception as error:  # as the engine does: a step that fails ends this branch only
            told = f"{type(error).__name__}: {error}"
            print(f"{self.name}: {step.tool} broke: {told}", file=sys.stderr)
            return None
        return made


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
