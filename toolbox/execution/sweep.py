"""Reads a scan in slabs of rows in order, so that a stored chunk is read once per pass."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field

from metadata.scan import Frames, Scan
from metadata.scan_info import Content
from toolbox.execution.evaluation import Bench
from toolbox.execution.slab import Slab, SlabJob
from toolbox.execution.sources import Rows, ScanSource
from toolbox.kinds import DataKind
from toolbox.values import Block, Geometry

PRIMED_BYTES = 1 << 30


@dataclass
class Sweep:
    """A scan read slab after slab by one thread; rows out of turn are read directly."""

    plain: ScanSource
    slabs: Iterator[tuple[slice, Frames]]
    at: int = 0  # rows before this one have gone by
    _next: list[tuple[slice, Frames]] = field(default_factory=list)

    @property
    def available(self) -> range:
        return self.plain.available

    @property
    def frames(self) -> int:
        return self.plain.frames

    def take_frames(self, start: int, stop: int) -> Block:
        return self.plain.take_frames(start, stop)

    def take_rows(self, rows: Rows) -> Block:
        first, stop = int(rows[0]), int(rows[-1]) + 1
        while first >= self.at:
            slab, frames = next(self.slabs, (None, None))
            if slab is None or frames is None:
                break
            self.at = slab.start + 1
            if (slab.start, slab.stop) == (first, stop) == (first, first + len(rows)):
                return self._block(rows, slab, frames)
        return self.plain.take_rows(rows)

    def _block(self, rows: Rows, slab: slice, frames: Frames) -> Block:
        import numpy as np

        scan, info = self.plain.scan, self.plain.scan.info
        return Block(
            frames, DataKind.PROJECTIONS, info.state, Geometry.of(info), rows,
            np.arange(info.projections),
            scan.flats(slab) if info.flats else None,
            scan.darks(slab) if info.darks else None,
            scan.monitor(),
        )  # fmt: skip


def swept(job: SlabJob, slabs: Sequence[Slab]) -> SlabJob:
    """The job reading its scans in the order of the slabs."""
    sources = dict(job.bench.sources)
    middle = slabs[len(slabs) // 2]
    needs = job.bench.row_needs(job.wanted(middle))
    for name, source in job.bench.sources.items():
        if not isinstance(source, ScanSource) or name not in needs or not len(needs[name]):
            continue
        if source.scan.info.content is Content.VOLUME:
            continue
        first, stop = int(needs[name][0]), int(needs[name][-1]) + 1
        halo = max(middle.start - first, stop - middle.stop, 0)
        height = slabs[0].stop - slabs[0].start
        rows = slice(slabs[0].start, slabs[-1].stop)
        sources[name] = Sweep(source, source.scan.row_slabs(height, halo=halo, rows=rows))
    bench = job.bench
    return dataclasses.replace(job, bench=Bench(bench.pipeline, bench.tools, sources, bench.values))


def prime(scan: Scan) -> None:
    """Let a large scan turn badly chunked frames into rows once, before samples ask for some."""
    if scan.info.bytes > PRIMED_BYTES and type(scan).row_slabs is not Scan.row_slabs:
        next(iter(scan.row_slabs(16)), None)
