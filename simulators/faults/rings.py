"""Columns that respond otherwise during the scan than in the flats: rings of every kind.

Four kinds, each with its severity: ``rings`` (all the scan), ``partial_rings`` (a part of it),
``wide_rings`` (spots of dust or damage of many columns and rows) and ``intermittent_rings``
(columns that come and go).
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

if TYPE_CHECKING:
    from simulators.world import World

FAINT, STRONG = 0.01, 0.08  # RMS of the gain at severity 1: every column; one in sixty
PARTIAL, WIDE, INTERMITTENT = 0.1, 0.05, 0.15
DWELL = 25  # projections that a column stays in one state, in the mean


@dataclass(frozen=True, eq=False)
class Rings:
    """Truth of one row: ``steady`` gain of each column over that in the flats, and the segments
    ``n, (col, first, last)`` of angle indices in which a column has ``change`` more of it."""

    steady: NDArray[np.float32]  # col
    segments: NDArray[np.intp]  # n, (col, first, last), last not included
    change: NDArray[np.float32]  # n

    def gain(self, angles: slice | NDArray[np.intp], projections: int) -> NDArray[np.float32]:
        """Gain over that in the flats, axes ``angle, col`` (one angle where all are alike)."""
        if not len(self.segments):
            return self.steady[None, :]
        at = np.arange(projections)[angles]
        gain = np.repeat(self.steady[None, :], len(at), axis=0)
        for (column, first, last), change in zip(self.segments, self.change, strict=True):
            gain[(at >= first) & (at < last), column] += change
        return np.maximum(gain, 0)


def rings(world: World, row: int) -> Rings:
    """What every ring fault does to one row."""
    steady = 1 + _columns(world, row) + _spots_on(world, row)
    kinds = [_partial(world, row), _intermittent(world, row)]
    return Rings(
        np.maximum(steady, 0).astype(np.float32),
        np.concatenate([k[0] for k in kinds]),
        np.concatenate([k[1] for k in kinds]).astype(np.float32),
    )


def _detector(world: World) -> int:
    return world.seed if world.detector_seed is None else world.detector_seed


def _columns(world: World, row: int) -> NDArray[np.float64]:
    if not world.rings:
        return np.zeros(world.columns)
    rng = generator(_detector(world), Stream.RINGS, row)
    change = FAINT * world.rings * rng.standard_normal(world.columns)
    strong = rng.choice(world.columns, max(1, world.columns // 60), replace=False)
    change[strong] += STRONG * world.rings * rng.standard_normal(len(strong))
    return change


def _partial(world: World, row: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    if not world.partial_rings:
        return np.zeros((0, 3), np.intp), np.zeros(0)
    rng = generator(_detector(world), Stream.PARTIAL_RINGS, row)
    count = max(1, world.columns // 80)
    columns = rng.choice(world.columns, count, replace=False)
    length = rng.uniform(0.15, 0.6, count) * world.projections
    first = rng.uniform(0, world.projections - length)
    change = PARTIAL * world.partial_rings * rng.choice([-1, 1], count) * rng.uniform(0.3, 1, count)
    segments = np.stack([columns, first, np.maximum(first + length, first + 1)], axis=1)
    return segments.astype(np.intp), change


def _intermittent(world: World, row: int) -> tuple[NDArray[np.intp], NDArray[np.float64]]:
    if not world.intermittent_rings:
        return np.zeros((0, 3), np.intp), np.zeros(0)
    rng = generator(_detector(world), Stream.INTERMITTENT_RINGS, row)
    count = max(1, world.columns // 120)
    segments, change = [], []
    for column in rng.choice(world.columns, count, replace=False):
        amount = INTERMITTENT * world.intermittent_rings * rng.choice([-1, 1]) * rng.uniform(0.3, 1)
        edges = np.cumsum(rng.geometric(1 / DWELL, 2 + 2 * world.projections // DWELL))
        for first, last in zip(edges[::2], edges[1::2], strict=False):
            if first < world.projections:
                segments.append((column, first, min(last, world.projections)))
                change.append(amount)
    return np.array(segments, np.intp).reshape(-1, 3), np.array(change)


def _spots_on(world: World, row: int) -> NDArray[np.float64]:
    change = np.zeros(world.columns)
    if not world.wide_rings:
        return change
    for column, at, width, height, depth in _spots(
        _detector(world), world.rows, world.columns, world.wide_rings
    ):
        if abs(row - at) < height:
            x = np.abs(np.arange(world.columns) - column) / width
            across = np.where(x < 1, 0.5 + 0.5 * np.cos(np.pi * np.minimum(x, 1)), 0)
            change += depth * across * (0.5 + 0.5 * np.cos(np.pi * (row - at) / height))
    return change


@lru_cache(maxsize=8)
def _spots(seed: int, rows: int, columns: int, severity: float) -> tuple[tuple[float, ...], ...]:
    """Spots of the detector: column, row, half width, half height in px, depth. One for each
    20 000 pixels, and one at least that meets the middle row."""
    rng = generator(seed, Stream.WIDE_RINGS)
    count = 1 + rows * columns // 20_000
    found = []
    for number in range(count):
        column, height = rng.uniform(0, columns), rng.uniform(3, 12)
        row = (rows - 1) / 2 if number == 0 else rng.uniform(0, rows)
        depth = WIDE * severity * rng.choice([-1, 1]) * rng.uniform(0.4, 1)
        found.append((column, row, rng.uniform(4, 14), height, depth))
    return tuple(found)
