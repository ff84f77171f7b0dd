"""Plans how often a pipeline goes through the data, and in which direction."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

from toolbox.kinds import DataKind, Split
from toolbox.pipeline import SCAN, Pipeline
from toolbox.tool import Tool

VOLUMES = (DataKind.VOLUME, DataKind.LABELS, DataKind.MATERIALS)


class Direction(StrEnum):
    """How a pass cuts the data."""

    ROWS = "rows"
    ANGLES = "angles"
    WHOLE = "whole"


@dataclass(frozen=True)
class Pass:
    """One way through the data: ``nodes`` are done by it in this order (measurements included,
    which look at samples before the slabs start); the stacks of ``keeps`` are written."""

    direction: Direction
    nodes: tuple[str, ...]
    keeps: tuple[str, ...]


def plan_passes(pipeline: Pipeline) -> tuple[Pass, ...]:
    """The passes of a valid pipeline, as few as its cuts allow.

    Steps that work pixel by pixel join the pass of their neighbours and are done again where two
    directions need them, for that costs less than keeping their result.
    """
    return _Planner(pipeline).plan()


def published(pipeline: Pipeline) -> tuple[str, ...]:
    """Stacks that go into the output: the last volume, labels and materials, and every other
    stack that nothing takes further."""
    stacks = [
        n for n in pipeline.order if pipeline.kind_of(n).is_stack and pipeline.node(n).tool != SCAN
    ]
    last = {pipeline.kind_of(n): n for n in stacks if pipeline.kind_of(n) in VOLUMES}
    ends = {n for n in stacks if not pipeline.consumers_of(n)}
    return tuple(n for n in stacks if n in ends or n in last.values())


def split_of(tool: Tool) -> Split:
    """How a tool may be cut; what makes one value of a stack, or a stack of a sample, is not."""
    card = tool.card
    if card.output.kind.is_stack == (card.split is Split.SAMPLE):
        return Split.WHOLE
    return card.split


class _Planner:
    def __init__(self, pipeline: Pipeline) -> None:
        self.pipeline = pipeline
        self.order = pipeline.order
        self.tools = {n: pipeline.tool(n) for n in self.order if pipeline.node(n).tool != SCAN}
        self.split = {n: split_of(t) for n, t in self.tools.items()}
        self.stack = {n: pipeline.kind_of(n).is_stack for n in self.order}
        self.published = set(published(pipeline))
        self.stored = {n for n in self.order if n not in self.tools}
        self.done = set(self.stored)

    def plan(self) -> tuple[Pass, ...]:
        passes: list[Pass] = []
        while len(self.done) < len(self.order):
            passes.append(self._next())
        return tuple(passes)

    def _next(self) -> Pass:
        by_angles, by_rows = self._reach(Direction.ANGLES), self._reach(Direction.ROWS)
        if any(self.split[n] is Split.ANGLES for n in by_angles):
            return self._close(Direction.ANGLES, by_angles)
        if any(self.split[n] in (Split.ROWS, Split.SAMPLE) for n in by_rows):
            return self._close(Direction.ROWS, by_rows)
        virtual = self._virtual()
        for name in self.order:
            if (
                name not in self.done
                and self.split.get(name) is Split.WHOLE
                and self._ready(name, self.stored | virtual, self.done)
            ):
                self.done.add(name)
                if self.stack[name]:
                    self.stored.add(name)
                return Pass(Direction.WHOLE, (name,), (name,) if self.stack[name] else ())
        return self._close(Direction.ROWS, by_rows)

    def _virtual(self) -> set[str]:
        """Steps done pixel by pixel from what is stored: at hand in either direction."""
        found: set[str] = set()
        for name in self.order:
            if (
                name not in self.done
                and self.split[name] is Split.ANY
                and self._ready(name, self.stored | found, self.done)
            ):
                found.add(name)
        return found

    def _ready(self, name: str, stacks: set[str], values: set[str]) -> bool:
        sources = self.pipeline.inputs_of(name).values()
        return all(s in (stacks if self.stack[s] else values) for s in sources)

    def _reach(self, direction: Direction) -> list[str]:
        """What one pass in a direction could do from what is stored."""
        reached: list[str] = []
        split = Split.ROWS if direction is Direction.ROWS else Split.ANGLES
        virtual = self._virtual()
        for name in self.order:
            if name in self.done:
                continue
            here = self.stored | set(reached)
            sampled = here if direction is Direction.ROWS else self.stored | virtual
            values = self.done | set(reached)
            if self.split[name] is Split.SAMPLE:
                fits = self._ready(name, sampled, values)
            elif self.split[name] in (Split.ANY, split):
                fits = self._ready(name, here, values) and (
                    not self.tools[name].needs_tuning() or self._ready(name, sampled, values)
                )
            else:
                fits = False
            if fits:
                reached.append(name)
        return reached

    def _close(self, direction: Direction, reached: list[str]) -> Pass:
        virtual = self._virtual() & set(reached)
        ends = {n for n in virtual if n in self.published} if direction is Direction.ROWS else set()
        nodes, keeps = [], []
        for name in reached:
            if self.stack[name]:
                leaves = any(e.target not in reached for e in self.pipeline.consumers_of(name))
                wanted = name in self.published or leaves
                if wanted and (name not in virtual or name in ends):
                    keeps.append(name)
                if name in virtual and name not in ends:
                    continue
            nodes.append(name)
        self.done |= set(nodes)
        self.stored |= set(keeps)
        for name in reversed(self.order):  # pixelwise steps that nothing needs any more
            after = self.pipeline.consumers_of(name)
            if name in virtual and after and all(e.target in self.done for e in after):
                self.done.add(name)
        return Pass(direction, tuple(nodes), tuple(keeps))


def rows_needed(
    pipeline: Pipeline, tools: Mapping[str, Tool], selected: range, rows: Mapping[str, int]
) -> dict[str, range]:
    """Which rows of each stack a run of some output rows needs, halos included.

    ``rows`` is the full height of each stack. Measurements take the rows that there are.
    """
    wanted: dict[str, range] = {}
    for name in reversed(pipeline.order):
        if not pipeline.kind_of(name).is_stack:
            continue
        whole = range(rows[name])
        needs = [] if pipeline.consumers_of(name) else [_clip(selected, whole)]
        if name in published(pipeline):
            needs.append(_clip(selected, whole))
        for edge in pipeline.consumers_of(name):
            split = split_of(tools[edge.target])
            if split is Split.ANGLES:
                needs.append(whole)
            elif split is Split.WHOLE:
                volume = pipeline.kind_of(name) in VOLUMES
                needs.append(_clip(selected, whole) if volume else whole)
            elif split in (Split.ROWS, Split.ANY) and edge.target in wanted:
                after, halo = wanted[edge.target], tools[edge.target].halo()
                needs.append(_clip(range(after.start - halo, after.stop + halo), whole))
        if needs:
            wanted[name] = range(min(r.start for r in needs), max(r.stop for r in needs))
        else:
            wanted[name] = whole
    return wanted


def _clip(rows: range, whole: range) -> range:
    start = min(max(rows.start, 0), whole.stop)
    return range(start, max(start, min(rows.stop, whole.stop)))
