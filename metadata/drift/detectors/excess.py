"""How far a statistic is above what it usually reaches, to a score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KEPT, EVERY, LEAST = 1024, 64, 128
USUAL = 0.95
HALF = 1.35  # times the usual at which the score is a half


class Excess:
    """Statistics (n,) to scores by their ratio to the level that one in twenty of the metric's own
    past passes, which is at least ``floor``: what neighbouring windows share makes tails of no use
    (:class:`metadata.drift.detectors.rarity.Rarity`), and a cycle passes the same each time."""

    def __init__(self, floor: float) -> None:
        self.floor = floor
        self.level = floor
        self.past: NDArray[np.float32] = np.empty(0, np.float32)
        self.waiting: Floats = np.empty(0)

    def update(self, statistics: Floats) -> Floats:
        """What is usual is counted anew every 64 statistics, whatever the blocks."""
        out = np.zeros(len(statistics))
        at = 0
        while at < len(statistics):
            stop = min(len(statistics), at + EVERY - len(self.waiting))
            ratio = np.nan_to_num(statistics[at:stop]) / self.level
            out[at:stop] = ratio / (ratio + HALF)
            self.waiting = np.concatenate([self.waiting, statistics[at:stop]])
            if len(self.waiting) == EVERY:
                new = self.waiting[np.isfinite(self.waiting)].astype(np.float32)
                self.past = np.concatenate([self.past, new])[-KEPT:].copy()
                self.waiting = np.empty(0)
                if len(self.past) >= LEAST:
                    usual = np.quantile(self.past.astype(np.float64), USUAL)
                    self.level = max(self.floor, float(usual))
            at = stop
        return out
