"""Runs the steps of a pass over one slab: pure, the same on a thread, a cluster or a sample."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from metadata.errors import TomoplanError, WorkError
from toolbox.execution.sources import Rows, Source, runs_of, shape_of
from toolbox.execution.threads import hold_threads
from toolbox.kinds import DataKind
from toolbox.pipeline import Pipeline
from toolbox.tool import Tool
from toolbox.values import Block


@dataclass
class Clock:
    """Seconds and nominal operations by step."""

    seconds: dict[str, float] = field(default_factory=dict)
    operations: dict[str, float] = field(default_factory=dict)

    def add(self, name: str, seconds: float, operations: float = 0.0) -> None:
        self.seconds[name] = self.seconds.get(name, 0.0) + seconds
        self.operations[name] = self.operations.get(name, 0.0) + float(operations)

    def merge(self, other: Clock) -> None:
        for name, seconds in other.seconds.items():
            self.add(name, seconds, other.operations.get(name, 0.0))


@dataclass
class Bench:
    """What steps work with: the tools of a pipeline, stacks at hand, values found so far."""

    pipeline: Pipeline
    tools: dict[str, Tool]
    sources: dict[str, Source]
    values: dict[str, Any]

    def available(self, name: str) -> range:
        """Rows of a stack that can be computed from the sources."""
        if name in self.sources:
            return self.sources[name].available
        ranges = [self.available(s) for s in self.stack_inputs(name).values()]
        return range(max(r.start for r in ranges), min(r.stop for r in ranges))

    def stack_inputs(self, name: str) -> dict[str, str]:
        """Input port → source, for the stacks among the inputs of a step."""
        inputs = self.pipeline.inputs_of(name)
        return {p: s for p, s in inputs.items() if self.pipeline.kind_of(s).is_stack}

    def value_inputs(self, name: str) -> dict[str, Any]:
        """Input port → value, for the other inputs."""
        inputs = self.pipeline.inputs_of(name)
        return {
            p: self.values[s] for p, s in inputs.items() if not self.pipeline.kind_of(s).is_stack
        }

    def row_needs(self, wanted: Mapping[str, Rows]) -> dict[str, Rows]:
        """Which rows of every step and source some wanted rows need, halos included."""
        needs = {n: np.asarray(r, np.intp) for n, r in wanted.items() if len(r)}
        for name in reversed(self.pipeline.order):
            if name not in needs or name in self.sources:
                continue
            halo = self.tools[name].halo()
            for source in self.stack_inputs(name).values():
                rows = dilate(needs[name], halo, self.available(source))
                needs[source] = np.union1d(needs[source], rows) if source in needs else rows
        return needs

    def read_rows(self, wanted: Mapping[str, Rows]) -> dict[str, Block]:
        """The blocks of the sources that some wanted rows need."""
        needs = self.row_needs(wanted)
        return {n: self.sources[n].take_rows(r) for n, r in needs.items() if n in self.sources}

    def rows(
        self, wanted: Mapping[str, Rows], read: dict[str, Block], clock: Clock
    ) -> dict[str, Block]:
        """The wanted rows of some steps, from blocks that :meth:`read_rows` gave (used up)."""
        needs = self.row_needs(wanted)
        last = self._last_uses(set(needs))
        at_hand, results = dict(read), {}
        read.clear()
        for name in self.pipeline.order:
            if name not in needs:
                continue
            if name not in at_hand:
                at_hand[name] = self._row_step(name, needs[name], at_hand, clock)
            if name in wanted:
                results[name] = cut(at_hand[name], wanted[name])
            for gone in last.get(name, ()):
                at_hand.pop(gone, None)
        return results

    def frames(
        self, wanted: tuple[str, ...], read: dict[str, Block], clock: Clock
    ) -> dict[str, Block]:
        """Some steps done projection by projection on the frames read from the sources."""
        needs = self.frame_needs(wanted)
        last = self._last_uses(needs)
        at_hand = dict(read)
        read.clear()
        results = {}
        for name in self.pipeline.order:
            if name not in needs:
                continue
            if name not in at_hand:
                inputs = {p: at_hand[s] for p, s in self.stack_inputs(name).items()}
                at_hand[name] = self.call(name, inputs, clock)
            if name in wanted:
                results[name] = at_hand[name]
            for gone in last.get(name, ()):
                at_hand.pop(gone, None)
        return results

    def frame_needs(self, wanted: tuple[str, ...]) -> set[str]:
        """Steps and sources on the way to some steps."""
        needs = set(wanted)
        for name in reversed(self.pipeline.order):
            if name in needs and name not in self.sources:
                needs |= set(self.stack_inputs(name).values())
        return needs

    def read_frames(self, wanted: tuple[str, ...], start: int, stop: int) -> dict[str, Block]:
        return {
            n: self.sources[n].take_frames(start, stop)
            for n in self.frame_needs(wanted)
            if n in self.sources
        }

    def call(self, name: str, stacks: dict[str, Block], clock: Clock) -> Any:
        """One call of one step, its inputs turned to the axes of its ports."""
        tool, ports = self.tools[name], self.tools[name].card.inputs
        turned = {
            p: b.as_kind(ports[p].kind) if _turns(b.kind, ports[p].kind) else b
            for p, b in stacks.items()
        }
        hold_threads()
        begin = time.perf_counter()
        try:
            result = tool(**turned, **self.value_inputs(name))
        except TomoplanError:
            raise
        except Exception as error:
            raise WorkError(_failed(name, tool, turned, error)) from error
        seconds = time.perf_counter() - begin
        operations = tool.cost(**{p: shape_of(b) for p, b in turned.items()}).operations
        clock.add(name, seconds, operations)
        if tool.card.output.kind.is_stack and not isinstance(result, Block):
            raise WorkError(
                f"Step {name} ({tool.card.name}) gave {type(result).__name__}, expected a Block: "
                f"this is a mistake in that tool."
            )
        return result

    def _row_step(self, name: str, rows: Rows, at_hand: dict[str, Block], clock: Clock) -> Block:
        tool, stacks = self.tools[name], self.stack_inputs(name)
        halo = tool.halo()
        pieces = []
        for run in runs_of(rows) if halo else [rows]:
            inputs = {
                p: cut(at_hand[s], dilate(run, halo, self.available(s))) for p, s in stacks.items()
            }
            result = self.call(name, inputs, clock)
            given = next(iter(inputs.values())).rows
            if result.values.shape[result.row_axis] != len(given):
                raise WorkError(
                    f"Step {name} ({tool.card.name}) made "
                    f"{result.values.shape[result.row_axis]} rows of {len(given)}, though its "
                    f"card says split={tool.card.split}: this is a mistake in that tool."
                )
            pieces.append(cut(result.with_values(result.values, rows=given), run))
        return join_rows(pieces)

    def _last_uses(self, needs: set[str]) -> dict[str, list[str]]:
        """Step → stacks that nothing after it needs."""
        last: dict[str, str] = {}
        for name in self.pipeline.order:
            if name in needs and name not in self.sources:
                for source in self.stack_inputs(name).values():
                    last[source] = name
        ended: dict[str, list[str]] = {}
        for source, name in last.items():
            ended.setdefault(name, []).append(source)
        return ended


def dilate(rows: Rows, halo: int, whole: range) -> Rows:
    """Rows with their neighbours up to ``halo`` away, inside the whole."""
    if not halo:
        return rows
    near = np.unique((rows[:, None] + np.arange(-halo, halo + 1)).ravel())
    return near[(near >= whole.start) & (near < whole.stop)]


def cut(block: Block, rows: Rows) -> Block:
    """The block's part that holds some rows."""
    if len(block.rows) == len(rows):
        return block
    at = np.searchsorted(block.rows, rows)
    if at[-1] - at[0] == len(at) - 1:
        return block.take_rows(slice(int(at[0]), int(at[-1]) + 1))
    return block.take_rows(at)  # type: ignore[arg-type]  # positions cut as a slice does


def join_rows(pieces: list[Block]) -> Block:
    """Blocks of the same stack with increasing rows as one."""
    first = pieces[0]
    if len(pieces) == 1:
        return first

    def joined(name: str) -> Any:
        parts = [getattr(p, name) for p in pieces]
        return None if parts[0] is None else np.concatenate(parts, axis=1)

    return first.with_values(
        np.concatenate([p.values for p in pieces], axis=first.row_axis),
        rows=np.concatenate([p.rows for p in pieces]),
        flats=joined("flats"),
        darks=joined("darks"),
    )


def _turns(kind: DataKind, port: DataKind) -> bool:
    return kind != port and {kind, port} == {DataKind.PROJECTIONS, DataKind.SINOGRAM}


def _failed(name: str, tool: Tool, inputs: Mapping[str, Block], error: Exception) -> str:
    block = next((b for b in inputs.values() if isinstance(b, Block)), None)
    place = f" on rows {block.rows[0]} to {block.rows[-1]}" if block and len(block.rows) else ""
    if isinstance(error, MemoryError):
        return (
            f"Step {name} ({tool.card.name}) ran out of memory{place}: {error}. Give the run less "
            f"memory per slab (--memory, --workers) or fewer rows (--slices)."
        )
    return (
        f"Step {name} ({tool.card.name}) failed{place}: {type(error).__name__}: {error}. "
        f"Change its parameters or take another tool for this step."
    )
