"""The last six weeks of a metric as rows: six hours each, older ones twelve, the oldest a day."""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import BIN_S, SUBS, ClosedBin
from metadata.drift.swing import daily_profile

Floats = NDArray[np.float64]

DAY = 86400.0
#: Rows and the bins of each, the newest first.
TIERS = ((32, 2), (16, 4), (24, 8))
ROWS = sum(rows for rows, _ in TIERS)
KEPT = sum(rows * bins for rows, bins in TIERS)
PER_DAY = DAY / BIN_S


@cache
def pooling() -> Floats:
    """Which bins a row is the mean of: (rows, bins), both the newest first."""
    matrix = np.zeros((ROWS, KEPT))
    row = start = 0
    for rows, bins in TIERS:
        for _ in range(rows):
            matrix[row, start : start + bins] = 1 / bins
            row, start = row + 1, start + bins
    return matrix


def bin_ages() -> Floats:
    """How long ago the middle of each bin was, in days, the newest first."""
    return np.asarray((np.arange(KEPT) + 0.5) / PER_DAY, np.float64)


@dataclass(frozen=True)
class Window:
    """Rows with readings, the newest first: ``rows`` their places in the nominal window, ``ages``
    (days ago), means ``y`` without the day's swing, sub-bins ``n``, the ``swing`` that was taken
    off; ``eras`` and ``keys`` (rows, k) say which part of a row lies after each moment of a new
    baseline and under each set-point. ``low`` and ``high``: how far the swing reaches."""

    rows: NDArray[np.int64]
    ages: Floats
    y: Floats
    n: Floats
    swing: Floats
    eras: Floats
    keys: Floats
    low: float
    high: float
    #: The set-points in it, of which the columns of ``keys`` are (none where there is one only).
    set_points: Floats = field(default_factory=lambda: np.empty(0))


class Recent:
    """The closed bins of the last six weeks."""

    def __init__(self) -> None:
        self.index = np.full(KEPT, -1, np.int32)
        self.subs = np.zeros(KEPT, np.int8)
        self.mean = np.zeros(KEPT)
        self.noise = np.full(KEPT, np.nan, np.float32)  # log of the variance: any unit fits
        self.era = np.zeros(KEPT, np.int32)
        self.key = np.zeros(KEPT)

    def add(self, closed: ClosedBin, era: int, key: float) -> None:
        place = closed.index % KEPT
        self.index[place] = closed.index
        self.subs[place] = closed.subs
        self.mean[place] = closed.mean
        with np.errstate(divide="ignore"):
            known = np.log(closed.noise) if closed.pairs >= SUBS // 4 else np.nan
        self.noise[place] = known
        self.era[place] = era
        self.key[place] = key

    def noise_variance(self) -> float:
        """Of one part of a bin, from neighbours; NaN where readings come too rarely for any."""
        known = np.sort(self.noise[~np.isnan(self.noise)])
        middle = (
            known[[(len(known) - 1) // 2, len(known) // 2]] if len(known) else np.full(2, np.nan)
        )
        return float(np.exp(middle.astype(np.float64)).mean()) * 1.06

    def window(self, newest: int, since: int = -1) -> Window | None:
        """The window that ends with bin ``newest``, without what was before bin ``since``."""
        index = newest - np.arange(KEPT)
        place = index % KEPT
        there = (self.index[place] == index) & (self.subs[place] > 0) & (index >= since)
        if not there.any():
            return None
        weight = np.where(there, self.subs[place], 0.0).astype(np.float64)
        y = np.where(there, self.mean[place], 0.0)
        profile = daily_profile(index, y, there)
        swing = profile[index % len(profile)]
        y = y - swing
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
        return Window(
            rows, share @ bin_ages(), share @ y, n[rows], share @ swing,
            empty if eras is None else eras, empty if keys is None else keys,
            float(profile.min()), float(profile.max()), found,
        )  # fmt: skip

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Recent:
        recent = cls()
        for name, kept in vars(recent).items():
            setattr(recent, name, np.array(state[name], kept.dtype))
        return recent
