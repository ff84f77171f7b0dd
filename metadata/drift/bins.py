"""Samples gathered into time bins, causally: 15 minutes, and twelve of those a bin.

Sums are carried on exactly: how the samples were cut into blocks changes no bit of them.
"""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SUB_S = 900.0
SUBS = 12
BIN_S = SUB_S * SUBS
OUTLYING = 4.0


@dataclass(frozen=True)
class ClosedBin:
    """One bin that is over: ``index`` (its start is ``index * BIN_S`` unix s), ``subs`` of its
    twelve parts with readings, their robust ``mean`` and the ``noise`` variance of one part."""

    index: int
    subs: int
    mean: float
    noise: float
    pairs: int
    count: int


class Bins:
    """The bin that is open, of one metric."""

    def __init__(self) -> None:
        self.open: int | None = None
        self.reference = 0.0
        self._sums: Floats = np.zeros(SUBS)
        self._counts: Floats = np.zeros(SUBS)

    def segments(self, clock: Floats, delay: float = 0.0) -> list[tuple[int, int]]:
        """Slices of the block, cut at the ends of bins and ``delay`` (s) after them."""
        cut = np.diff(np.floor_divide(clock, BIN_S)) != 0
        if delay:
            cut |= np.diff(np.floor_divide(clock - delay, BIN_S)) != 0
        edges = np.flatnonzero(cut) + 1
        bounds = [0, *edges.tolist(), len(clock)]
        return list(pairwise(bounds))

    def add(self, clock: Floats, values: Floats) -> None:
        """Good samples, all of the open bin."""
        if not len(values):
            return
        part = np.floor_divide(clock, SUB_S).astype(np.int64) - int(self.open or 0) * SUBS
        # A late sample has the clock of the newest: it stays in the open bin.
        part = np.concatenate([np.arange(SUBS), np.clip(part, 0, SUBS - 1)])
        weights = np.concatenate([self._sums, values - self.reference])
        # bincount adds one after the other from 0: carried sums first keep every bit.
        self._sums = np.bincount(part, weights, minlength=SUBS).astype(np.float64)
        self._counts = self._counts + np.bincount(part[SUBS:], minlength=SUBS)

    def advance(self, index: int) -> ClosedBin | None:
        """Open bin ``index``; what the bin before it held, if it is another."""
        before, self.open = self.open, index
        if before is None or before == index:
            return None
        there = self._counts > 0
        closed = ClosedBin(before, 0, np.nan, np.nan, 0, int(self._counts.sum()))
        if there.any():
            means = self._sums[there] / self._counts[there]
            places = np.flatnonzero(there)
            steps = np.diff(means)[np.diff(places) == 1]
            centre = float(np.median(means))
            spread = 1.4826 * float(np.median(np.abs(means - centre)))
            if len(means) >= 5 and spread > 0:
                means = np.clip(means, centre - OUTLYING * spread, centre + OUTLYING * spread)
            noise = float(np.mean(steps**2) / 2) if len(steps) else np.nan
            mean = float(means.mean()) + self.reference
            self.reference += centre  # sums of what is near 0 are exact enough
            closed = ClosedBin(before, len(means), mean, noise, len(steps), closed.count)
        self._sums = np.zeros(SUBS)
        self._counts = np.zeros(SUBS)
        return closed

    def to_state(self) -> dict[str, object]:
        return {
            "open": self.open,
            "reference": self.reference,
            "sums": self._sums,
            "counts": self._counts,
        }

    @classmethod
    def from_state(cls, state: dict[str, object]) -> Bins:
        bins = cls()
        bins.open = None if state["open"] is None else int(state["open"])  # type: ignore[call-overload]
        bins.reference = float(state["reference"])  # type: ignore[arg-type]
        bins._sums = np.array(state["sums"], float)
        bins._counts = np.array(state["counts"], float)
        return bins
