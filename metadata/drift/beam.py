"""Whether there is beam, told by a ring current."""

from __future__ import annotations

import re
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.regimes import DUMP, Timeline
from metadata.series import MetricInfo

Floats = NDArray[np.float64]

# Names under which facilities keep their stored current (SR_current at the APS, DCCT monitors).
NAMED = re.compile(
    r"(ring|beam|storage|machine|sr|dcct|topup)[\W_]*(current|curr)(?![a-z])|dcct", re.I
)
DARK_SHARE = 0.2


def is_ring_current(info: MetricInfo) -> bool:
    """By its name or what is said about it.

    >>> is_ring_current(MetricInfo("SR_current")), is_ring_current(MetricInfo("axis"))
    (True, False)
    """
    return bool(NAMED.search(info.name) or re.search(r"stored (beam )?current", info.about, re.I))


class Beam:
    """Tells the timeline when a current is lost and when it is back (two readings say so)."""

    def __init__(self) -> None:
        self._most = 0.0
        self._flags = (False, False)
        self._dark = False

    def update(
        self, times: Floats, values: Floats, good: NDArray[np.bool_], timeline: Timeline
    ) -> None:
        times, values = times[good], values[good]
        if not len(values):
            return
        most = np.maximum.accumulate(np.concatenate([[self._most], values]))
        flags = np.concatenate([self._flags, values < DARK_SHARE * most[1:]])
        lost = flags[2:] & flags[1:-1]
        back = ~flags[2:] & ~flags[1:-1]
        for k in np.flatnonzero(lost | back):
            if lost[k] and not self._dark:
                timeline.begin(float(times[k]), DUMP)
                self._dark = True
            elif back[k] and self._dark:
                timeline.end(float(times[k]))
                self._dark = False
        self._most = float(most[-1])
        self._flags = (bool(flags[-2]), bool(flags[-1]))

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Beam:
        beam = cls()
        beam._most, beam._dark = float(state["_most"]), bool(state["_dark"])
        beam._flags = (bool(state["_flags"][0]), bool(state["_flags"][1]))
        return beam
