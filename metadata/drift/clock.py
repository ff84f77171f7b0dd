"""The time that counts, made of stamps some of which may be wrong."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.pace import Pace

Floats = NDArray[np.float64]

FAR_S, FAR_STEPS = 86400.0, 10.0
#: So many stamps in a row far behind, and it was the earlier ones that were wrong.
PATIENCE = 8


class Clock:
    """Never falls for a stamp that goes back a little: what was said cannot be undone. A stamp far
    ahead (a day, or ten usual steps) counts when the next one agrees, and one far behind when
    eight in a row do; until then it tells nothing, and its reading is of no known time.

    >>> day = 86400.0
    >>> times, placed = Clock().update(np.array([0.0, 900.0, 365 * day, 1800.0, np.nan, 2700.0]))
    >>> times.tolist(), placed.tolist()
    ([0.0, 900.0, 900.0, 1800.0, 1800.0, 2700.0], [True, True, False, True, False, True])
    """

    def __init__(self) -> None:
        self.now = -np.inf
        self.pace = Pace()
        self._ahead, self._behind, self._patience = np.nan, np.nan, 0

    def update(self, stamps: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """For each stamp (n,) unix s the time that counts, and whether it is believed."""
        steps = np.diff(stamps, prepend=self.now if np.isfinite(self.now) else stamps[:1])
        if np.all(np.abs(steps) < FAR_S):  # NaN is not
            before = self.now if np.isfinite(self.now) else stamps[0]
            times = np.maximum.accumulate(np.concatenate([[before], stamps]))
            # Within a block a row of small steps back may lead far.
            if np.all(times[1:] - stamps < FAR_S):
                self.pace.add(np.diff(times))
                self.now = float(times[-1])
                self._ahead, self._behind, self._patience = np.nan, np.nan, 0
                return times[1:], np.ones(len(stamps), bool)
        placed = np.array([self._one(stamp) for stamp in stamps.tolist()])
        return placed[:, 0], placed[:, 1] > 0

    def _one(self, stamp: float) -> tuple[float, bool]:
        believed = np.isfinite(stamp) and self._believed(stamp)
        if believed:
            self._patience = 0
            self._ahead = self._behind = np.nan
        # Before any time is known there is nothing to place it by.
        return (self.now if np.isfinite(self.now) else 0.0), bool(believed)

    def _believed(self, stamp: float) -> bool:
        if not np.isfinite(self.now):
            self.now = stamp
            return True
        far = max(FAR_S, FAR_STEPS * self.pace.usual)
        step = stamp - self.now
        if abs(step) < far:
            self.pace.add(np.array([max(step, 0.0)]))
            self.now = max(self.now, stamp)
            return True
        if step > 0:
            agreed = 0 <= stamp - self._ahead <= 2 * (self._ahead - self.now)
            before, self._ahead, self._patience = self._ahead, stamp, 0
            if agreed:
                self.pace.add(np.array([stamp - before]))
                self.now = stamp
            return bool(agreed)
        self._ahead = np.nan
        self._patience = self._patience + 1 if stamp > self._behind else 1
        self._behind = stamp
        if self._patience >= PATIENCE:
            self.now = stamp
            return True
        return False

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "pace": self.pace.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Clock:
        clock = cls()
        for name in ("now", "_ahead", "_behind", "_patience"):
            setattr(clock, name, state[name])
        clock.pace = Pace.from_state(state["pace"])
        return clock
