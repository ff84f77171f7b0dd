"""One slab of one pass: what to read, what to do, where to write."""

from __future__ import annotations

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from toolbox.devices import devices_allowed
from toolbox.execution.evaluation import Bench, Clock
from toolbox.execution.keeping import write_frames, write_rows
from toolbox.execution.passes import Direction
from toolbox.execution.sources import StoredStack
from toolbox.values import Block


@dataclass(frozen=True)
class Slab:
    """Rows (or frames) of one pass."""

    start: int
    stop: int


@dataclass(frozen=True)
class SlabReport:
    """What a slab took and what is in it: lowest and highest value of each kept stack (nan where
    a value is not finite)."""

    slab: Slab
    clock: Clock
    ranges: dict[str, tuple[float, float]] = field(default_factory=dict)


@dataclass(frozen=True)
class SlabJob:
    """All slabs of a pass: the same function of a slab wherever it runs."""

    bench: Bench
    direction: Direction
    keeps: tuple[str, ...]
    rows: dict[str, range]  # of each kept stack
    device: str = "any"  # that the steps may use, on whatever machine

    def read(self, slab: Slab) -> tuple[dict[str, Block], float]:
        """The blocks that a slab needs, and the seconds it took."""
        begin = time.perf_counter()
        if self.direction is Direction.ROWS:
            blocks = self.bench.read_rows(self.wanted(slab))
        else:
            blocks = self.bench.read_frames(self.keeps, slab.start, slab.stop)
        return blocks, time.perf_counter() - begin

    def work(
        self,
        slab: Slab,
        read: dict[str, Block],
        reading: float,
        place: Callable[[str, Block], StoredStack],
    ) -> SlabReport:
        """Compute and write a slab; ``place`` says where a stack lies."""
        clock = Clock()
        clock.add("read", reading)
        with devices_allowed(self.device):
            if self.direction is Direction.ROWS:
                made = self.bench.rows(self.wanted(slab), read, clock)
            else:
                made = self.bench.frames(self.keeps, read, clock)
        begin = time.perf_counter()
        ranges = {}
        for name in list(made):
            block = made.pop(name)
            if self.direction is Direction.ROWS:
                write_rows(place(name, block), block)
            else:
                write_frames(place(name, block), block, slab.start)
            ranges[name] = value_range(block.values)
        clock.add("write", time.perf_counter() - begin)
        return SlabReport(slab, clock, ranges)

    def wanted(self, slab: Slab) -> dict[str, Any]:
        """The rows of each kept stack that a slab makes."""
        wanted = {}
        for name in self.keeps:
            rows = self.rows[name]
            chosen = np.arange(max(slab.start, rows.start), min(slab.stop, rows.stop))
            if len(chosen):
                wanted[name] = chosen
        return wanted


def value_range(values: np.ndarray) -> tuple[float, float]:
    """Lowest and highest value; nan where any value is not finite."""
    if not values.size:
        return float("nan"), float("nan")
    low, high = float(values.min()), float(values.max())
    return (low, high) if np.isfinite(low) and np.isfinite(high) else (float("nan"),) * 2
