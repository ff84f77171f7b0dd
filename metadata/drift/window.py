"""The last six weeks of a metric as rows: the newest in six hours each, the older in days."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import BIN_S, SUBS, ClosedBin

Floats = NDArray[np.float64]

DAY = 86400.0
FINE, PER_FINE = 64, 2
COARSE, PER_COARSE = 26, 8
KEPT = FINE * PER_FINE + COARSE * PER_COARSE
ROWS = FINE + COARSE
PER_DAY = DAY / BIN_S


@cache
def pooling() -> Floats:
    """Which bins a row is the mean of: (rows, bins), both the newest first."""
    matrix = np.zeros((ROWS, KEPT))
    for row in range(FINE):
        matrix[row, row * PER_FINE : (row + 1) * PER_FINE] = 1 / PER_FINE
    for row in range(COARSE):
        start = FINE * PER_FINE + row * PER_COARSE
        matrix[FINE + row, start : start + PER_COARSE] = 1 / PER_COARSE
    return matrix


def bin_ages() -> Floats:
    """How long ago the middle of each bin was, in days, the newest first."""
    return np.asarray((np.arange(KEPT) + 0.5) / PER_DAY, np.float64)


@dataclass(frozen=True)
class Window:
    """Rows with readings, the newest first: ``rows`` their places in the nominal window, ``ages``
    (days ago), means ``y``, sub-bins ``n``; ``eras`` and ``keys`` (rows, k) say which part of
    a row lies after each moment of a new baseline and under each set-point."""

    rows: NDArray[np.int64]
    ages: Floats
    y: Floats
    n: Floats
    eras: Floats
    keys: Floats


class Recent:
    """The closed bins of the last six weeks."""

    def __init__(self) -> None:
        self.index = np.full(KEPT, -1, np.int64)
        self.subs = np.zeros(KEPT, np.float32)
        self.mean = np.zeros(KEPT)
        self.noise = np.full(KEPT, np.nan, np.float32)
        self.era = np.zeros(KEPT, np.int32)
        self.key = np.zeros(KEPT)

    def add(self, closed: ClosedBin, era: int, key: float) -> None:
        place = closed.index % KEPT
        self.index[place] = closed.index
        self.subs[place] = closed.subs
        self.mean[place] = closed.mean
        self.noise[place] = closed.noise if closed.pairs >= SUBS // 2 else np.nan
        self.era[place] = era
        self.key[place] = key

    def noise_variance(self) -> float:
        """Of one sub-bin's mean, from neighbours; NaN when never two neighbours were read."""
        known = self.noise[np.isfinite(self.noise)]
        return float(np.median(known)) * 1.06 if len(known) else np.nan

    def window(self, newest: int) -> Window | None:
        """The window that ends with bin ``newest``."""
        index = newest - np.arange(KEPT)
        place = index % KEPT
        there = (self.index[place] == index) & (self.subs[place] > 0)
        if not there.any():
            return None
        weight = np.where(there, self.subs[place], 0.0).astype(np.float64)
        y = np.where(there, self.mean[place], 0.0)
        member = pooling() > 0
        n = member @ weight
        rows = np.flatnonzero(n > 0)
        share = (member[rows] * weight) / n[rows, None]
        era, key = self.era[place], self.key[place]
        steps = np.unique(era[there])[1:]
        # A row of which none is left of the first era has lost what came before.
        eras = np.stack([share @ (era >= s) for s in steps], axis=1) if len(steps) else None
        found = np.unique(key[there])
        keys = np.stack([share @ (key == k) for k in found], axis=1) if len(found) > 1 else None
        empty = np.zeros((len(rows), 0))
        return Window(rows, share @ bin_ages(), share @ y, n[rows],
                      empty if eras is None else eras, empty if keys is None else keys)  # fmt: skip

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Recent:
        recent = cls()
        for name, kept in vars(recent).items():
            setattr(recent, name, np.array(state[name], kept.dtype))
        return recent
