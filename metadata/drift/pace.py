"""How far apart the readings of a metric usually come, and how many there are a day."""

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


GATHERED = 64


class Often:
    """How many readings there usually are a day, from how long the last rounds of 64 took.

    >>> often = Often()
    >>> often.update(900.0 * np.arange(300))[[0, 191, 192]].tolist()
    [nan, nan, 96.0]
    """

    def __init__(self) -> None:
        self._pace = Pace()
        self._count, self._began = 0, np.nan

    def update(self, times: Floats) -> Floats:
        """At each of the times (n,) unix s what was known by then; NaN while nothing is."""
        out = np.empty(len(times))
        at = 0
        while at < len(times):
            if self._count == 0:
                if np.isfinite(self._began):
                    self._pace.add(np.array([max(float(times[at]) - self._began, 1e-3)]))
                self._began = float(times[at])
            stop = min(len(times), at + GATHERED - self._count)
            usual = self._pace.usual
            out[at:stop] = 86400.0 * GATHERED / usual if usual else np.nan
            self._count = (self._count + stop - at) % GATHERED
            at = stop
        return out

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "_pace": self._pace.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Often:
        often = cls()
        often._pace = Pace.from_state(state["_pace"])
        often._count, often._began = int(state["_count"]), float(state["_began"])
        return often
