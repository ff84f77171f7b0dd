"""A state in which a metric is for hours or days, far outside its limits, and from which it comes
back by itself: what is cooled, heated or lit by the beam, when that is off.

Only where neither a log book nor a ring current says so. The first time it is an alarm as any
other; but what was read there is not learned from, nor what follows while the metric recovers.
From the second time on a state on the same side is known when it begins, for as long as it may last
and as long as the metric is where it was the times before.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.regimes import RECOVERY_S
from metadata.series import Limits

Floats = NDArray[np.float64]

#: What is known of a reading: at home, away and nobody knows why, in a known state, recovering.
HOME, OUT, KNOWN, BACK = range(4)

HOUR, DAY = 3600.0, 86400.0
#: A drift does not come to its limit from the inner part of its range within so long.
QUICK_S = 2 * HOUR
#: Shorter ones are outliers; what is longer is another normal.
LEAST_S, MOST_S = HOUR, 5 * DAY
LONGER, AT_LEAST_S = 2.0, DAY  # a known one may last so many times as long as the longest, or this
APART = 0.5  # of the way from the limit to its level that a known one may be off that
AGREE = 2  # readings in a row that it takes to be back
# Deviations of a reading from the level of the hours before: so far out noise takes no drift.
FAR = 6.0


@dataclass
class Known:
    """A state on one ``side`` (1 above, -1 below): the mean of its readings, the longest it
    lasted (s)."""

    side: int
    level: float
    longest: float


class Away:
    """Follows a metric with limits from reading to reading."""

    def __init__(self) -> None:
        self.state = HOME
        self.known: list[Known] = []
        #: Last reading in the inner part of the range, begin and side of the absence, its first
        #: settled readings (sum, number), readings inside in a row, end of the recovery.
        self._home, self._began, self._side = np.nan, np.nan, 0
        self._sum, self._number, self._inside, self._until = 0.0, 0, 0, np.nan
        #: Level of the last hours at home, given by the one who follows.
        self.level = np.nan

    def update(
        self,
        clock: Floats,
        values: Floats,
        use: NDArray[np.bool_],
        edges: tuple[float, float],
        limits: Limits,
        reading: float,
    ) -> tuple[NDArray[np.int8], list[int], list[int]]:
        """Of readings (n,) at unix s what is known (one of :data:`HOME`, …), the places at which
        the metric came back, and those at which it did not and is known no longer. Between
        ``edges`` lies the inner part of its range; ``reading``: standard deviation of one."""
        codes = np.zeros(len(values), np.int8)
        places = np.flatnonzero(use)
        if not len(places):
            codes[:] = self.state
            return codes, [], []
        row = values[places]
        if self.state == HOME and not ((row >= limits.high) | (row <= limits.low)).any():
            inner = places[(row > edges[0]) & (row < edges[1])]
            if len(inner):
                self._home = float(clock[inner[-1]])
            return codes, [], []
        back, lost = [], []
        codes[: places[0]] = self.state
        for k, after in zip(places.tolist(), [*places[1:].tolist(), len(values)], strict=True):
            before = self.state
            self._one(float(clock[k]), float(values[k]), edges, limits, reading)
            codes[k:after] = self.state
            if before in (OUT, KNOWN) and self._inside >= AGREE:
                back.append(k)
            elif before == KNOWN and self.state in (OUT, HOME):
                lost.append(k)
        return codes, back, lost

    def _one(
        self, time: float, value: float, edges: tuple[float, float], limits: Limits, reading: float
    ) -> None:
        inner = edges[0] < value < edges[1]
        side = int(value >= limits.high) - int(value <= limits.low)
        if self.state == BACK and time >= self._until:
            self.state = HOME
        if self.state in (HOME, BACK):
            # What drifts is near its limit itself when noise first takes it beyond.
            far = edges[0] < self.level < edges[1] and abs(value - self.level) > FAR * reading
            if side and far and (self.state == BACK or time - self._home <= QUICK_S):
                self._began, self._side = time, side
                self._sum, self._number, self._inside = 0.0, 0, 0
                self.state = OUT
                self._recognise(time, limits)
        else:
            self._inside = self._inside + 1 if inner else 0
            if self._inside >= AGREE:
                self._return(time)
            elif time - self._began > MOST_S:
                self.state, self._home = HOME, np.nan
            else:
                if side == self._side and time - self._began > QUICK_S:
                    self._sum, self._number = self._sum + value, self._number + 1
                self._recognise(time, limits)
        if inner:
            self._home = time

    def _recognise(self, time: float, limits: Limits) -> None:
        """Whether it is where it was before."""
        known = self._of(self._side)
        self.state = OUT
        if known is None or time - self._began > max(LONGER * known.longest, AT_LEAST_S):
            return
        limit = limits.high if self._side > 0 else limits.low
        if self._number:
            apart = abs(self._sum / self._number - known.level)
            if apart > APART * abs(known.level - limit):
                return
        self.state = KNOWN

    def _return(self, time: float) -> None:
        lasted = time - self._began
        self.state = HOME
        if lasted < LEAST_S:
            return
        self.state, self._until = BACK, time + RECOVERY_S
        if not self._number:
            return
        level, known = self._sum / self._number, self._of(self._side)
        if known is None:
            self.known.append(Known(self._side, level, lasted))
        else:
            known.level, known.longest = level, max(known.longest, lasted)

    def _of(self, side: int) -> Known | None:
        return next((known for known in self.known if known.side == side), None)

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "known": [list(vars(known).values()) for known in self.known]}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Away:
        away = cls()
        for name, kept in vars(away).items():
            if name != "known":
                setattr(away, name, type(kept)(state.get(name, kept)))
        away.known = [Known(int(s), float(v), float(t)) for s, v, t in state["known"]]
        return away
