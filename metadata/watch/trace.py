"""A metric's whole course in bounded memory: what reports and dashboards draw."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.drift.verdicts import GAP, Verdicts
from metadata.series import Times, Values

BINS = 2048


@dataclass
class Trace:
    """At most :data:`BINS` bins over all that was judged; they are doubled in width when the time
    outgrows them.

    ``start`` unix s of the first bin, ``width`` s; for each bin ``least``, ``most``, ``sums`` and
    ``counts`` of the readings, ``states`` the worst state code (−1: nothing was judged),
    ``regimes`` the last regime code (−1: none).
    """

    unit: str = ""
    start: float = np.nan
    width: float = 2.0**-6
    least: Values = field(default_factory=lambda: np.full(BINS, np.inf))
    most: Values = field(default_factory=lambda: np.full(BINS, -np.inf))
    sums: Values = field(default_factory=lambda: np.zeros(BINS))
    counts: NDArray[np.int64] = field(default_factory=lambda: np.zeros(BINS, np.int64))
    states: NDArray[np.int8] = field(default_factory=lambda: np.full(BINS, -1, np.int8))
    regimes: NDArray[np.int8] = field(default_factory=lambda: np.full(BINS, -1, np.int8))

    def add(self, block: Verdicts, keys: Times) -> None:
        """Take the verdicts of a block; ``keys`` are its times in order."""
        if not len(block):
            return
        if np.isnan(self.start):
            self.start = float(keys[0])
        while keys[-1] - self.start >= BINS * self.width:
            self._widen()
        bins = ((keys - self.start) // self.width).astype(np.int64)
        first = np.flatnonzero(np.diff(bins, prepend=-1))
        where = bins[first]
        read = np.isfinite(block.values) & (block.codes != GAP)
        zeroed = np.where(read, block.values, 0.0)
        low, high = np.where(read, block.values, np.inf), np.where(read, block.values, -np.inf)
        self.least[where] = np.minimum(self.least[where], np.minimum.reduceat(low, first))
        self.most[where] = np.maximum(self.most[where], np.maximum.reduceat(high, first))
        self.sums[where] += np.add.reduceat(zeroed, first)
        self.counts[where] += np.add.reduceat(read.astype(np.int64), first)
        self.states[where] = np.maximum(
            self.states[where], np.maximum.reduceat(block.codes.astype(np.int8), first)
        )
        last = np.append(first[1:], len(keys)) - 1
        self.regimes[where] = block.regimes[last]

    def _widen(self) -> None:
        half = BINS // 2
        self.width *= 2
        for name, join, empty in (
            ("least", np.minimum, np.inf), ("most", np.maximum, -np.inf), ("sums", np.add, 0),
            ("counts", np.add, 0), ("states", np.maximum, -1), ("regimes", np.maximum, -1),
        ):  # fmt: skip
            old = getattr(self, name)
            new = np.full_like(old, empty)
            new[:half] = join(old[0::2], old[1::2])
            setattr(self, name, new)

    @property
    def used(self) -> int:
        """How many bins hold anything, up to the last."""
        filled = np.flatnonzero(self.states >= 0)
        return int(filled[-1]) + 1 if len(filled) else 0

    @property
    def times(self) -> Times:
        """The middles of the bins that are used, unix s."""
        middles = np.arange(self.used, dtype=np.float64) + 0.5
        return self.start + self.width * middles

    @property
    def means(self) -> Values:
        """Mean of each bin; NaN where nothing was read."""
        counts = self.counts[: self.used]
        sums = self.sums[: self.used]
        means: Values = np.full(self.used, np.nan)
        np.divide(sums, counts, out=means, where=counts > 0)
        return means

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Self:
        return cls(**state)
