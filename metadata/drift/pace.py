"""How far apart the readings of a metric usually come."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

LAST, LEAST = 9, 3


class Pace:
    """The last nine intervals (s).

    >>> pace = Pace()
    >>> pace.add(np.array([900.0, 900.0, 86400.0]))
    >>> pace.usual
    900.0
    """

    def __init__(self) -> None:
        self._last: Floats = np.empty(0)

    def add(self, intervals: Floats) -> None:
        """Intervals (n,) in the order in which they ended."""
        self._last = np.concatenate([self._last, intervals[-LAST:]])[-LAST:].copy()

    @property
    def usual(self) -> float:
        """Their median, s; 0 while fewer than three are known."""
        return float(np.median(self._last)) if len(self._last) >= LEAST else 0.0

    def longer(self, intervals: Floats, factor: float, least: float) -> NDArray[np.int64]:
        """Places of the ``intervals`` (n,) that are longer than ``least`` (s) and than ``factor``
        times the usual one before them; none is while the usual one is not known."""
        long = np.flatnonzero(intervals > least)
        if not len(long):
            return long
        held = np.concatenate([self._last, intervals])
        known = len(self._last)
        usual = [held[max(0, k + known - LAST) : k + known] for k in long.tolist()]
        return long[[len(u) >= LEAST and intervals[k] > factor * float(np.median(u))
                     for k, u in zip(long.tolist(), usual, strict=True)]]  # fmt: skip

    def to_state(self) -> dict[str, Any]:
        return {"last": self._last}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Pace:
        pace = cls()
        pace._last = np.array(state["last"], float)
        return pace
