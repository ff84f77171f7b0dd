"""CUSUM with its threshold from block bootstrap: so many days between two false alarms."""

from __future__ import annotations

from array import array
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

ALLOWED = 0.5  # deviations of the level that are not counted
KEPT, FIRST, BLOCK = 768, 256, 32
ROUNDS = 64


class Cusum:
    """Sums of deviations above :data:`ALLOWED` to either side (Page, 1954). Textbook thresholds
    take readings for independent; here blocks of the metric's own past are drawn again
    (Künsch, 1989), and the threshold is what the sums pass once in ``days``, of as many readings as
    there were a day since the threshold before.

    The score is the larger sum over its threshold, 1 at an alarm; then the sums begin anew.
    """

    def __init__(self, days: float = 100.0) -> None:
        self.days = days
        self._past = array("f")
        self._sums = [0.0, 0.0]
        self._centre, self._spread, self._threshold = np.nan, np.nan, np.nan
        self._count, self._next = 0, FIRST
        #: Readings and the time (unix s) when the last threshold was learned.
        self._before, self._since = 0, np.nan

    def update(self, times: Floats, values: Floats) -> Floats:
        rows = zip(times.tolist(), values.tolist(), strict=True)
        return np.array([self._one(time, value) for time, value in rows])

    def _one(self, time: float, value: float) -> float:
        if value != value:
            return 0.0
        if not self._since <= time:  # NaN is not
            self._since = time
        self._count += 1
        self._past.append(float(np.float32(value)))
        if len(self._past) > KEPT:
            del self._past[: len(self._past) - KEPT]
        if self._count == self._next:
            a_day = 86400.0 * (self._count - self._before) / max(time - self._since, 1e-3)
            self._calibrate(self.days * a_day)
            self._before, self._since = self._count, time
            self._next = self._count + max(FIRST, self._count // 2)
        if self._threshold != self._threshold:
            return 0.0
        z = (value - self._centre) / self._spread
        z = min(max(z, -8.0), 8.0)
        up = max(0.0, self._sums[0] + z - ALLOWED)
        down = max(0.0, self._sums[1] - z - ALLOWED)
        score = min(1.0, max(up, down) / self._threshold)
        if score == 1.0:
            # What was passed is the new level; the past belongs to the old one.
            self._past, self._threshold = array("f"), np.nan
            self._next = self._count + FIRST
            up = down = 0.0
        self._sums = [up, down]
        return score

    def _calibrate(self, between: float) -> None:
        past = np.array(self._past, float)
        if len(past) < FIRST // 2:
            return
        self._centre = float(np.median(past))
        spread = 1.4826 * float(np.median(np.abs(past - self._centre)))
        self._spread = max(spread, 0.2 * float(past.std()), 1e-12 * (1 + abs(self._centre)))
        z = np.clip((past - self._centre) / self._spread, -8, 8)
        rng = np.random.default_rng(self._count)
        length = 4 * len(z) // BLOCK
        starts = rng.integers(0, len(z) - BLOCK + 1, (ROUNDS, length))
        drawn = z[(starts[:, :, None] + np.arange(BLOCK)).reshape(ROUNDS, -1)]
        # The level itself is known only as well as the means of blocks agree.
        means = z[: len(z) // BLOCK * BLOCK].reshape(-1, BLOCK).mean(axis=1)
        drawn = drawn + rng.normal(0, float(means.std()) / np.sqrt(len(means)), (ROUNDS, 1))
        self._threshold = max(self._passed(drawn, between), self._passed(-drawn, between), 5.0)

    def _passed(self, drawn: Floats, between: float) -> float:
        """What the upper sums of readings (rounds, n) pass once in ``between`` of them."""
        up = np.zeros(len(drawn))
        highest = np.zeros(len(drawn))
        for column in drawn.T:
            up = np.maximum(0.0, up + column - ALLOWED)
            highest = np.maximum(highest, up)
        # Maxima over a length are Gumbel: read where one of twice `between` readings lies.
        scale = max(float(highest.std()) * np.sqrt(6) / np.pi, 0.5)
        middle = float(highest.mean()) - 0.5772 * scale
        return float(middle + scale * np.log(2 * between / drawn.shape[1]))

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "_past": np.array(self._past, np.float32)}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            setattr(self, name, value)
        self._past = array("f", np.asarray(state["_past"], np.float32).tolist())
        self._sums = [float(v) for v in state["_sums"]]
