"""How rare a statistic is, by its own past: from the tail of what it was, to a score."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

KEPT = 1024
EVERY = 64
TAIL = 0.05
LEAST = 128
HALF = 3.2  # powers of ten at which the score is a half


class Rarity:
    """Statistics (n,) to scores: 0 for the usual 95 %, then with the powers of ten of how rarely
    so much is passed (exponential tail over a high quantile, as in SPOT, Siffer et al. 2017)."""

    def __init__(self, finest: float = 1e-12) -> None:
        """``finest``: what the tail is at least as wide as, in the statistic's unit."""
        self.finest = finest
        self.past: NDArray[np.float32] = np.empty(0, np.float32)
        self.waiting: Floats = np.empty(0)
        self.level, self.scale = np.nan, np.nan

    def update(self, statistics: Floats) -> Floats:
        """What is usual is counted anew every 64 statistics, whatever the blocks."""
        out = np.zeros(len(statistics))
        at = 0
        while at < len(statistics):
            stop = min(len(statistics), at + EVERY - len(self.waiting))
            piece = statistics[at:stop]
            if np.isfinite(self.level):
                over = np.maximum(piece - self.level, 0) / self.scale
                tens = np.where(over > 0, (over - np.log(TAIL)) / np.log(10), 0)
                # Never 1: of two that are rare the rarer one has to be told.
                out[at:stop] = tens / (tens + HALF)
            self.waiting = np.concatenate([self.waiting, piece])
            if len(self.waiting) == EVERY:
                self._learn()
            at = stop
        return np.asarray(np.nan_to_num(out))

    def _learn(self) -> None:
        new = self.waiting[np.isfinite(self.waiting)]
        if np.isfinite(self.level):  # one anomaly must not make the next one usual
            new = np.minimum(new, self.level + 6 * self.scale)
        self.past = np.concatenate([self.past, new.astype(np.float32)])[-KEPT:]
        self.waiting = np.empty(0)
        if len(self.past) >= LEAST:
            self.level = float(np.quantile(self.past, 1 - TAIL))
            past = self.past.astype(np.float64)
            above = past[past > self.level] - self.level
            spread = float(np.std(past))
            self.scale = max(float(above.mean()) if len(above) else 0.0, 0.05 * spread, self.finest)
