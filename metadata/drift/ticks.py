"""Feeds the detectors: every reading at first, means of a minute when there are very many."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.ensemble import Ensemble

Floats = NDArray[np.float64]

NATIVE = 2048
TICK_S = 60.0


class Ticks:
    """Scores of single samples by the :class:`Ensemble`; a minute's score goes to the sample with
    which the next minute begins."""

    def __init__(self, days: float = 100.0) -> None:
        """``days``: expected time between two false alarms."""
        self.ensemble = Ensemble(days)
        self._count = 0
        self._minute = -1.0
        self._sum, self._number = 0.0, 0

    def update(
        self, clock: Floats, values: Floats, real: NDArray[np.bool_]
    ) -> tuple[Floats, NDArray[np.bool_]]:
        """Scores (n,) of the samples, and whether they are worth saying; what is not ``real`` has
        no score and is not."""
        out, moved = np.zeros(len(values)), np.zeros(len(values), bool)
        places = np.flatnonzero(real)
        native = places[: max(0, NATIVE - self._count)]
        if len(native):
            out[native], moved[native] = self.ensemble.judge(clock[native], values[native])
            self._count += len(native)
        later = places[len(native) :]
        if not len(later):
            return out, moved
        minute = np.floor_divide(clock[later], TICK_S)
        label = np.concatenate([[self._minute], minute])
        opens = np.flatnonzero(np.diff(label) != 0)
        slot = np.cumsum(np.diff(label) != 0)
        sums = np.bincount(np.concatenate([[0], slot]),
                           np.concatenate([[self._sum], values[later]]))  # fmt: skip
        number = np.bincount(slot, minlength=len(sums)).astype(np.float64)
        number[0] += self._number
        closed = number[:-1] > 0
        means = sums[:-1][closed] / number[:-1][closed]
        if len(means):
            told = later[opens[closed]]
            out[told], moved[told] = self.ensemble.judge(clock[told], means)
        self._minute, self._sum = float(minute[-1]), float(sums[-1])
        self._number = int(number[-1])
        return out, moved

    def to_state(self) -> dict[str, Any]:
        state = {k: v for k, v in vars(self).items() if k != "ensemble"}
        return {**state, "days": self.ensemble.days, "ensemble": self.ensemble.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Ticks:
        ticks = cls(float(state["days"]))
        for name in ("_count", "_minute", "_sum", "_number"):
            setattr(ticks, name, state[name])
        ticks.ensemble.restore(state["ensemble"])
        return ticks
