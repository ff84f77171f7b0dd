"""The day's swing of a metric: its mean shape over the last weeks, two waves a day."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import BIN_S

Floats = NDArray[np.float64]

SLOTS = round(86400.0 / BIN_S)
LEAST_DAYS = 3.0


def _waves() -> Floats:
    """Cosine and sine, once and twice a day, at the middle of each bin of a day (slots, 4)."""
    phase = 2 * np.pi * (np.arange(SLOTS) + 0.5) / SLOTS
    return np.stack([np.cos(phase), np.sin(phase), np.cos(2 * phase), np.sin(2 * phase)], axis=1)


WAVES = _waves()


def daily_profile(index: NDArray[np.int64], values: Floats, there: NDArray[np.bool_]) -> Floats:
    """Mean difference from the level of the day around, for each bin of a day (slots,).

    ``index`` numbers of neighbouring bins, falling by one; ``values`` their means where
    ``there``. Zero until three days are known.
    """
    held = np.where(there, values, 0.0)
    sums, counts = _around(held), _around(there.astype(np.float64))
    # Both ends of the window have half a day around them only.
    known = there & (counts >= SLOTS - 1)
    known[: SLOTS // 2] = False
    known[-SLOTS // 2 :] = False
    if known.sum() < LEAST_DAYS * SLOTS:
        return np.zeros(SLOTS)
    apart = held[known] - sums[known] / counts[known]
    limit = 4 * float(np.median(np.abs(apart))) + 1e-300
    slot = (index[known] % SLOTS).astype(np.int64)
    apart = np.clip(apart, -limit, limit)
    number = np.bincount(slot, minlength=SLOTS)
    if number.min() == 0:
        return np.zeros(SLOTS)
    mean = np.bincount(slot, apart, minlength=SLOTS) / number
    # Two waves a day: what is left is noise; orthogonal over the slots of a day.
    return WAVES @ (WAVES.T @ mean) / (SLOTS / 2)


def _around(row: Floats) -> Floats:
    """Sum over the day around each bin, nine bins with the outer two half."""
    half = SLOTS // 2
    total = np.convolve(row, np.ones(SLOTS), mode="full")
    # Nine bins with halved ends are the mean of two windows of eight.
    return (total[half : half + len(row)] + total[half - 1 : half - 1 + len(row)]) / 2
