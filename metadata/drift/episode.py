"""One drift from when it is warned of: whether it went back, or came to rest."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.window import PER_DAY, Window

Floats = NDArray[np.float64]

NOW_DAYS, BACK = 0.55, 0.4
# A drift that has not come a twentieth of the way nearer in ten days comes to no limit that the
# bank knows; rest is told by days of half a day's level.
REST_DAYS, REST_SHARE = 10, 0.05
CLEAR = 4.0  # deviations


class Episode:
    """While a warning stands: ``base`` is the level from which the metric moved, ``way`` what there
    is from it to the limit, with its sign. No entry of a log book is needed: what has come back
    was repaired, and what rests is a new normal."""

    def __init__(self) -> None:
        self.base, self.way = np.nan, np.nan
        self._peak = 0.0
        self._ended = -1  # the first bin without the warning
        self._levels: list[tuple[int, float]] = []

    def over(self, index: int, window: Window, base: float, way: float, spread: float) -> int:
        """Since which bin another normal holds, at the end of bin ``index``; −1: none does.

        ``base`` and ``way`` as the forecast has them, believed when the warning begins;
        ``spread``: standard deviation of half a day's level."""  # fmt: skip
        self._ended = -1
        now = window.ages < NOW_DAYS
        if not now.any():
            return -1
        level = float(np.average(window.y[now], weights=window.n[now]))
        if self._back(level, spread):
            return index - 1  # the half day before may hold some of what was
        # What is on its way back looks like a drift to the other side.
        turned = np.sign(way) != np.sign(self.way) and self._peak <= CLEAR * spread
        if not np.isfinite(self.base) or turned:
            self.base, self.way, self._peak, self._levels = base, way, 0.0, []
        height = (level - self.base) * np.sign(self.way)
        self._peak = max(self._peak, height)
        if not self._levels or index - self._levels[-1][0] >= PER_DAY:
            self._levels = [*self._levels, (index, height)][-REST_DAYS - 1 :]
        first, then = self._levels[0]
        if index - first >= REST_DAYS * PER_DAY and height < abs(self.way):
            highest = max(h for _, h in self._levels)
            if highest - then < max(REST_SHARE * abs(self.way), spread):
                return first
        return -1

    def past(self, index: int) -> bool:
        """At the end of a bin without a warning: whether the last one is a day ago."""
        if not np.isfinite(self.base):
            return True
        self._ended = index if self._ended < 0 else self._ended
        return index - self._ended > PER_DAY

    def left(self, window: Window, spread: float) -> bool:
        """Whether what had moved is back, now that no warning stands."""
        now = window.ages < NOW_DAYS
        level = float(np.average(window.y[now], weights=window.n[now])) if now.any() else np.nan
        return bool(np.isfinite(level)) and self._back(level, spread)

    def _back(self, level: float, spread: float) -> bool:
        """Whether what had moved is back: with its base known from when the warning began."""
        if not np.isfinite(self.base):
            return False
        height = (level - self.base) * np.sign(self.way)
        return bool(height < min(BACK * self._peak, self._peak - CLEAR * spread)
                    and self._peak > CLEAR * spread)  # fmt: skip

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Episode:
        episode = cls()
        for name in vars(episode):
            setattr(episode, name, state.get(name, getattr(episode, name)))
        episode._levels = [(int(i), float(h)) for i, h in state["_levels"]]
        return episode
