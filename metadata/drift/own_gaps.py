"""A metric that is silent without beam tells by itself that the beam is back.

Only where neither a log book nor a ring current says so: after hours without a reading a metric
recovers and is not judged, and after many its level may be another, as after maintenance.
"""

from __future__ import annotations

from bisect import bisect_right, insort
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.pace import Pace
from metadata.drift.regimes import OPERATION, RECOVERY, RECOVERY_S

Floats = NDArray[np.float64]

SILENT_S, LONG_S = 2 * 3600.0, 3.5 * 3600.0
# What comes rarely is not silent between two readings.
SILENT_STEPS, LONG_STEPS = 4.0, 6.0
KEPT = 100


class OwnGaps:
    """Marks the recovery after a silence; ``eras`` are the ends of the long ones."""

    def __init__(self) -> None:
        self._last = np.nan
        self._pace = Pace()
        self.until = -np.inf
        self.eras: list[float] = []
        self._gone = 0

    def update(
        self, clock: Floats, real: NDArray[np.bool_], regimes: NDArray[np.int8]
    ) -> NDArray[np.int8]:
        """The regimes with the recoveries in; ``clock`` (n,) must not fall."""
        places = np.flatnonzero(real)
        times = clock[places]
        silence = np.diff(times, prepend=self._last if np.isfinite(self._last) else times[:1])
        ends = times[self._pace.longer(silence, SILENT_STEPS, SILENT_S)]
        out = regimes.copy()
        for end in [self.until - RECOVERY_S, *ends.tolist()]:
            inside = (clock >= end) & (clock < end + RECOVERY_S)
            out[inside & (regimes == OPERATION)] = RECOVERY
        if len(ends):
            self.until = float(ends[-1]) + RECOVERY_S
            long = times[self._pace.longer(silence, LONG_STEPS, LONG_S)]
            eras = [*self.eras, *long.tolist()]
            self.eras = eras[-KEPT:]
            self._gone += len(eras) - len(self.eras)
        if len(times):
            self._pace.add(silence if np.isfinite(self._last) else silence[1:])
            self._last = float(times[-1])
        return out

    def back(self, time: float) -> None:
        """From ``time`` (unix s) on the level may be another too, for another reason."""
        insort(self.eras, time)

    def era(self, time: float) -> int:
        return self._gone + bisect_right(self.eras, time)

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "_pace": self._pace.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> OwnGaps:
        gaps = cls()
        for name in vars(gaps):
            setattr(gaps, name, state[name])
        gaps._pace = Pace.from_state(state["_pace"])
        return gaps
