"""How rare a statistic is among all that it was, in powers of ten; its past is counted in bins."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LOWEST, WIDTH, BINS = -14.0, 0.1, 240  # of the natural logarithm
EVERY, LEAST = 64, 128
REMEMBERED = 16384.0  # statistics that count
USUAL = 0.05
FINEST = 0.05
HALF = 3.2  # powers of ten at which a score is a half
FARTHEST = 10.0  # scales above the usual that are learned from


class Tail:
    """Statistics (n,) of 0 or more to powers of ten: 0 for the usual 95 %, then an exponential
    tail of their logarithm (as in SPOT, Siffer et al. 2017). Counting in bins keeps weeks in
    1 KiB: what comes each day or week at most is rare only by so long a past."""

    def __init__(self) -> None:
        self._counts: NDArray[np.float32] = np.zeros(BINS, np.float32)
        self._waiting: Floats = np.empty(0)
        self._level, self._scale = np.nan, np.nan

    def update(self, statistics: Floats) -> Floats:
        """What is usual is counted anew every 64 statistics, whatever the blocks."""
        logs = np.log(np.maximum(np.asarray(statistics, float), 1e-6))
        out = np.zeros(len(logs))
        at = 0
        while at < len(logs):
            stop = min(len(logs), at + EVERY - len(self._waiting))
            if np.isfinite(self._level):
                over = (logs[at:stop] - self._level) / self._scale
                out[at:stop] = np.where(over > 0, (over - np.log(USUAL)) / np.log(10), 0.0)
            self._waiting = np.concatenate([self._waiting, logs[at:stop]])
            if len(self._waiting) == EVERY:
                self._learn()
            at = stop
        return np.asarray(np.nan_to_num(out))

    def _learn(self) -> None:
        new = self._waiting[np.isfinite(self._waiting)]
        self._waiting = np.empty(0)
        if np.isfinite(self._level):  # one anomaly must not make the next one usual
            new = np.minimum(new, self._level + FARTHEST * self._scale)
        places = np.clip(((new - LOWEST) / WIDTH).astype(int), 0, BINS - 1)
        self._counts += np.bincount(places, minlength=BINS).astype(np.float32)
        total = float(self._counts.sum())
        if total > REMEMBERED:
            self._counts *= np.float32(REMEMBERED / total)
        if total < LEAST:
            return
        share = np.cumsum(self._counts.astype(np.float64)) / self._counts.sum(dtype=np.float64)
        edge = int(np.searchsorted(share, 1 - USUAL))
        below = float(share[edge - 1]) if edge else 0.0
        part = (1 - USUAL - below) / max(float(share[edge]) - below, 1e-12)
        self._level = LOWEST + WIDTH * (edge + part)
        centres = LOWEST + WIDTH * (np.arange(BINS) + 0.5)
        above = self._counts[edge:].astype(np.float64) * np.array([1 - part] + [1.0] * (
            BINS - edge - 1))  # fmt: skip
        beyond = np.maximum(centres[edge:] - self._level, 0.0)
        mean = float(above @ beyond / max(float(above.sum()), 1e-12))
        weight = self._counts.astype(np.float64)
        middle = float(weight @ centres / weight.sum())
        spread = float(np.sqrt(weight @ (centres - middle) ** 2 / weight.sum()))
        self._scale = max(mean, 0.05 * spread, FINEST)
