"""Whether the limit has been reached: two of three readings in a row are at or beyond it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.series import Limits

Floats = NDArray[np.float64]


class Passage:
    """``reached``: 1 the upper limit, −1 the lower, 0 neither; it stays until a bin's mean lies
    inside again (:meth:`release`)."""

    def __init__(self) -> None:
        self.reached = 0
        self._before = [False, False]

    def update(self, values: Floats, use: NDArray[np.bool_], limits: Limits) -> NDArray[np.bool_]:
        """For each reading whether the limit was reached by then; only ``use`` counts."""
        places = np.flatnonzero(use)
        out = np.zeros(len(values), bool)
        if self.reached:
            out[:] = True
        beyond = (values[places] >= limits.high) | (values[places] <= limits.low)
        flags = np.concatenate([self._before, beyond])
        if len(places):
            self._before = [bool(flags[-2]), bool(flags[-1])]
        if self.reached or not beyond.any():
            return out
        twice = flags[2:] & (flags[1:-1] | flags[:-2])
        if twice.any():
            first = places[np.argmax(twice)]
            self.reached = 1 if values[first] >= limits.high else -1
            out[first:] = True
        return out

    def outside(self) -> None:
        """What was not heard until now was beyond the limit all the while."""
        self._before = [True, True]

    def release(self, mean: float, limits: Limits, margin: float = 0.0) -> None:
        """A bin is over, with this mean; it has to lie inside by a margin."""
        if self.reached and limits.low + margin < mean < limits.high - margin:
            self.reached = 0

    def to_state(self) -> dict[str, Any]:
        return {"reached": self.reached, "before": self._before}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Passage:
        passage = cls()
        passage.reached = int(state["reached"])
        passage._before = [bool(b) for b in state["before"]]
        return passage
