"""What a run needs in memory and work, told from sizes alone, and the slabs that fit."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import numpy as np

from metadata.errors import WorkError
from toolbox.execution.passes import Direction, Pass, plan_passes, split_of
from toolbox.kinds import Split
from toolbox.pipeline import SCAN, Pipeline
from toolbox.tool import Tool
from toolbox.values import Shape

SLAB_BYTES = 256 << 20  # larger slabs gain nothing and lose more when a run is killed
SLABS_PER_WORKER = 4  # fewer leave workers idle at the end
FLOAT = 4
BASE = 40 << 20  # measured: buffers of HDF5, thread stacks, library caches, quality slices


@dataclass(frozen=True)
class Sizes:
    """A pipeline with the sizes of all its stacks (keys: node ids)."""

    pipeline: Pipeline
    tools: Mapping[str, Tool]
    shapes: Mapping[str, Shape]
    field_frames: int = 0  # flats and darks that ride along with the projections

    @classmethod
    def of(
        cls,
        pipeline: Pipeline,
        scans: Sequence[Shape],
        tools: Mapping[str, Tool] | None = None,
        field_frames: int = 0,
    ) -> Sizes:
        if tools is None:
            tools = {n.id: pipeline.tool(n.id) for n in pipeline.nodes if n.tool != SCAN}
        shapes: dict[str, Shape] = {}
        for name in pipeline.order:
            node = pipeline.node(name)
            if node.tool == SCAN:
                shapes[name] = scans[int(node.parameters.get("index", 0))]
            elif pipeline.kind_of(name).is_stack:
                inputs = _stack_inputs(pipeline, name)
                shapes[name] = tools[name].output_shape(**{p: shapes[s] for p, s in inputs.items()})
        return cls(pipeline, tools, shapes, field_frames)

    def itemsize(self, name: str) -> int:
        """Bytes of one value of a stack."""
        node = self.pipeline.node(name)
        if node.tool == SCAN:
            return FLOAT
        return np.dtype(self.tools[name].card.output.dtype).itemsize

    def cut(self, name: str, direction: Direction, size: int) -> Shape:
        """The size of a slab of a stack."""
        shape = self.shapes[name]
        if direction is Direction.ROWS:
            return replace(shape, rows=min(size, shape.rows))
        if direction is Direction.ANGLES:
            return replace(shape, frames=min(size, shape.frames))
        return shape

    def needed(self, ends: Sequence[str], stored: set[str]) -> list[str]:
        """Stacks on the way from what is stored to some stacks, in order."""
        needs = set(ends)
        for name in reversed(self.pipeline.order):
            if name in needs and name not in stored:
                needs |= set(_stack_inputs(self.pipeline, name).values())
        return [n for n in self.pipeline.order if n in needs]

    def halo(self, ends: Sequence[str], stored: set[str]) -> int:
        """Rows on each side that the steps of a pass add to a slab."""
        return sum(self.tools[n].halo() for n in self.needed(ends, stored) if n not in stored)

    def slab_bytes(
        self, ends: Sequence[str], stored: set[str], direction: Direction, size: int
    ) -> tuple[float, float]:
        """Peak bytes of computing one slab, and bytes of its sources alone."""
        needs = self.needed(ends, stored)
        if direction is Direction.ROWS:
            size += 2 * self.halo(ends, stored)
        live: dict[str, float] = {}
        for name in needs:
            if name in stored:
                shape = self.cut(name, direction, size)
                fields = FLOAT * self.field_frames * shape.rows * shape.columns
                live[name] = float(self.itemsize(name) * shape.voxels)
                if direction is not Direction.ANGLES:
                    live[name] += fields
        sources = sum(live.values())
        peak = 1.5 * sources  # while reading, part of it is there as stored, too
        todo = [n for n in needs if n not in stored]
        for at, name in enumerate(todo):
            inputs = _stack_inputs(self.pipeline, name)
            shapes = {p: self.cut(s, direction, size) for p, s in inputs.items()}
            made = float(self.itemsize(name) * self.cut(name, direction, size).voxels)
            during = self.tools[name].cost(**shapes).bytes
            peak = max(peak, sum(live.values()) + made + during)
            live[name] = made
            later = {s for n in todo[at + 1 :] for s in _stack_inputs(self.pipeline, n).values()}
            for gone in set(live) - later - set(ends):
                del live[gone]
        return peak, sources

    def shared_bytes(self, ends: Sequence[str], stored: set[str], direction: Direction) -> float:
        """Bytes of the whole flats and darks, which slabs of frames have in common."""
        if direction is not Direction.ANGLES:
            return 0.0
        shapes = [self.shapes[n] for n in self.needed(ends, stored) if n in stored]
        return float(FLOAT * self.field_frames * sum(s.rows * s.columns for s in shapes))

    def call_bytes(self, name: str, stored: set[str], height: int | None = None) -> float:
        """Peak bytes of a step that looks at a sample or at the whole (``height``: rows of it)."""
        tool = self.tools[name]
        inputs = _stack_inputs(self.pipeline, name)
        if not inputs:
            return 0.0
        rows = max(self.shapes[s].rows for s in inputs.values()) if height is None else height
        if split_of(tool) is not Split.WHOLE:
            rows = min(rows, tool.card.bands * tool.card.band_rows or rows)
        sources = list(inputs.values())
        chain, _ = self.slab_bytes(sources, stored, Direction.ROWS, rows)
        shapes = {p: self.cut(s, Direction.ROWS, rows) for p, s in inputs.items()}
        held = sum(
            float(self.itemsize(s) * self.cut(s, Direction.ROWS, rows).voxels) for s in sources
        )
        made = 0.0
        if self.pipeline.kind_of(name).is_stack and split_of(tool) is Split.WHOLE:
            made = float(self.itemsize(name) * self.cut(name, Direction.ROWS, rows).voxels)
        needed = tool.tuning_cost if tool.needs_tuning() else tool.cost
        return max(chain, held + made + needed(**shapes).bytes)

    def length(self, ends: Sequence[str], stored: set[str], direction: Direction) -> int:
        """How many rows or frames a pass goes through."""
        needs = [n for n in self.needed(ends, stored) if n in stored] or list(ends)
        sizes = [self.shapes[n] for n in needs]
        return min((s.rows if direction is Direction.ROWS else s.frames for s in sizes), default=0)


def slab_rows(
    sizes: Sizes,
    ends: Sequence[str],
    stored: set[str],
    direction: Direction,
    workers: int,
    budget: float,
    length: int | None = None,
) -> tuple[int, int]:
    """Height of the slabs (rows, or frames) of a pass and how many workers fit into a budget.

    Fewer workers come before slabs of less than one row; what does not fit even then is an error.
    """
    length = sizes.length(ends, stored, direction) if length is None else length
    workers = max(1, min(workers, length))
    budget -= sizes.shared_bytes(ends, stored, direction)
    halo = sizes.halo(ends, stored) if direction is Direction.ROWS else 0
    while True:
        fair = max(1, -(-length // (workers * SLABS_PER_WORKER)))
        if halo:  # rows that neighbouring slabs do twice stay few
            fair = max(fair, min(4 * halo, -(-length // workers)))
        height = 0
        for candidate in _heights(fair):
            peak, sources = sizes.slab_bytes(ends, stored, direction, candidate)
            if workers * peak + sources <= budget and (sources <= SLAB_BYTES or candidate == 1):
                height = candidate
                break
        if height:
            return height, workers
        if workers == 1:
            peak, sources = sizes.slab_bytes(ends, stored, direction, 1)
            raise WorkError(
                f"One {'row' if direction is Direction.ROWS else 'projection'} of this pipeline "
                f"needs {size_text(peak + sources)} at once ({', '.join(ends)}), and "
                f"{size_text(budget)} are left for it. Raise --memory, or take "
                f"steps that need less."
            )
        workers -= 1


def size_text(count: float) -> str:
    """Bytes in the unit that fits.

    >>> size_text(2.5 * 2**30), size_text(12_900_000), size_text(-5)
    ('2.5 GiB', '12.3 MiB', '0 bytes')
    """
    for unit, size in (("GiB", 2**30), ("MiB", 2**20), ("KiB", 2**10)):
        if count >= size:
            return f"{count / size:.3g} {unit}"
    return f"{max(count, 0):.0f} bytes"


def _heights(top: int) -> list[int]:
    """Heights to try, from ``top`` down; even ones, for tools that take rows in pairs."""
    tried = [top if top < 2 else top + top % 2]
    while tried[-1] > 2:
        smaller = int(tried[-1] * 0.85)
        tried.append(max(2, smaller - smaller % 2))
    return [*tried, 1] if tried[-1] > 1 else tried


def pass_bytes(sizes: Sizes, step: Pass, stored: set[str], workers: int, budget: float) -> float:
    """Peak bytes of one pass, its measurements included."""
    peaks = [0.0]
    for name in step.nodes:
        tool = sizes.tools[name]
        if split_of(tool) in (Split.SAMPLE, Split.WHOLE) or tool.needs_tuning():
            peaks.append(sizes.call_bytes(name, stored))
    if step.direction is not Direction.WHOLE and step.keeps:
        height, workers = slab_rows(sizes, step.keeps, stored, step.direction, workers, budget)
        peak, sources = sizes.slab_bytes(step.keeps, stored, step.direction, height)
        shared = sizes.shared_bytes(step.keeps, stored, step.direction)
        peaks.append(workers * peak + sources + shared)
    return max(peaks)


def predict_peak_bytes(
    pipeline: Pipeline, shapes: Sequence[Shape], workers: int, memory: float
) -> float:
    """Memory that a run will take at its peak, beside what the process holds before.

    ``shapes``: the scans' sizes; ``memory``: what slabs may use, in bytes.
    """
    sizes = Sizes.of(pipeline, shapes)
    stored = {n.id for n in pipeline.nodes if n.tool == SCAN}
    peak = 0.0
    for step in plan_passes(pipeline):
        peak = max(peak, pass_bytes(sizes, step, stored, workers, memory))
        stored |= set(step.keeps)
    return peak + BASE


def operations(pipeline: Pipeline, shapes: Sequence[Shape]) -> dict[str, float]:
    """Nominal operations of every step over the whole data (measurements: over their sample)."""
    sizes = Sizes.of(pipeline, shapes)
    found = {}
    for name, tool in sizes.tools.items():
        inputs = _stack_inputs(pipeline, name)
        if not inputs:
            found[name] = 0.0
            continue
        cut = {p: sizes.shapes[s] for p, s in inputs.items()}
        if split_of(tool) is Split.SAMPLE and tool.card.band_rows:
            rows = tool.card.bands * tool.card.band_rows
            cut = {p: replace(s, rows=min(s.rows, rows)) for p, s in cut.items()}
        found[name] = tool.cost(**cut).operations
    return found


def _stack_inputs(pipeline: Pipeline, name: str) -> dict[str, str]:
    if pipeline.node(name).tool == SCAN:
        return {}
    return {p: s for p, s in pipeline.inputs_of(name).items() if pipeline.kind_of(s).is_stack}
