"""Random numbers and correlated noise that can be entered anywhere.

Everything is made in blocks at fixed places, so what is asked for never changes what comes out.
"""

from __future__ import annotations

import zlib
from collections.abc import Callable
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

BLOCK = 8192
Values = NDArray[np.float64]


def stream(seed: int, *names: str | int) -> np.random.Generator:
    """A generator of its own for each name.

    >>> stream(1, "noise", 0).random() == stream(1, "noise", 1).random()
    False
    """
    key = [zlib.crc32(n.encode()) if isinstance(n, str) else n for n in names]
    return np.random.default_rng([seed, *key])


def cut(block: Callable[[int], Values], start: int, stop: int) -> Values:
    """Values ``start … stop`` of an endless row of blocks of :data:`BLOCK`."""
    if stop <= start:
        return np.empty(0)
    first, last = start // BLOCK, (stop - 1) // BLOCK
    whole = np.concatenate([block(b) for b in range(first, last + 1)])
    return whole[start - first * BLOCK : stop - first * BLOCK]


class White:
    """Independent numbers, one for each index ≥ −:data:`BLOCK`: normal, or uniform in 0 … 1."""

    def __init__(self, seed: int, *names: str | int, uniform: bool = False) -> None:
        def make(block: int) -> Values:
            rng = stream(seed, *names, block + 1)
            return rng.random(BLOCK) if uniform else rng.standard_normal(BLOCK)

        self._make = lru_cache(maxsize=2)(make)

    def __call__(self, start: int, stop: int) -> Values:
        return cut(self._make, start, stop)


class Correlated:
    """Unit normal noise with autocorrelation exp(−|t|/memory), at any time ≥ 0 s.

    White numbers on knots a quarter of the memory apart, weighted by a one-sided exponential
    (an autoregressive process cut off after six memories), interpolated linearly.
    """

    PER_MEMORY = 4

    def __init__(self, memory_s: float, seed: int, *names: str | int) -> None:
        self.step_s = memory_s / self.PER_MEMORY
        self._white = White(seed, *names)
        kernel = np.exp(-np.arange(6 * self.PER_MEMORY) / self.PER_MEMORY)
        # Linear interpolation lowers the mean square between knots: (2 + correlation) / 3.
        lowered = (2 + np.exp(-1 / self.PER_MEMORY)) / 3
        self._kernel = kernel / np.sqrt((kernel**2).sum() * lowered)
        self._block = lru_cache(maxsize=8)(self._make)

    def _make(self, block: int) -> Values:
        start = block * BLOCK
        lead = len(self._kernel) - 1
        return np.convolve(self._white(start - lead, start + BLOCK), self._kernel, mode="valid")

    def __call__(self, seconds: Values) -> Values:
        """Noise at times (s) that do not jump about much: the knots between them are all made."""
        place = seconds / self.step_s
        below = np.floor(place).astype(np.int64)
        first = int(below.min())
        knots = cut(self._block, first, int(below.max()) + 2)
        part = place - below
        return knots[below - first] * (1 - part) + knots[below - first + 1] * part


def low_pass(values: Values, step_s: float, lag_s: float) -> Values:
    """First-order low pass of evenly spaced values, in a steady state at the first."""
    if lag_s <= 0:
        return values
    keep = float(np.exp(-step_s / lag_s))
    # y[k] = keep·y[k−1] + (1−keep)·x[k], summed in pieces over which keep^−n stays finite.
    piece = max(1, int(min(len(values), 500 / -np.log(keep))))
    powers = keep ** np.arange(1, piece + 1)
    out = np.empty_like(values)
    state = float(values[0])
    for start in range(0, len(values), piece):
        x = values[start : start + piece]
        p = powers[: len(x)]
        y = p * (state + (1 - keep) * np.cumsum(x / p))
        out[start : start + len(x)] = y
        state = float(y[-1])
    return out


def wander(count: int, step_s: float, memory_s: float, rng: np.random.Generator) -> Values:
    """A unit Ornstein-Uhlenbeck path on evenly spaced knots."""
    keep = float(np.exp(-step_s / memory_s))
    pushes = rng.standard_normal(count) * np.sqrt(1 - keep**2) / (1 - keep)
    pushes[0] = rng.standard_normal()
    return low_pass(pushes, step_s, memory_s)
