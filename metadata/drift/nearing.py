"""Whether a metric has come so near to its limit that no more evidence is waited for.

What jumps may be at its limit before the next bin of three hours is over: where most readings lie
beyond two thirds of the way from last month's level for three quarters of an hour, a warning
is given at once. Maintenance steps of a quarter of the way, swing and wander do not get there
(draw_history, seeds 2000 to 2199 and 3000 to 3049: 0.62 of the way at the most).
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

SHARE = 2 / 3
QUARTER_S, RUN = 900.0, 3


class Nearing:
    """Counts the quarters of an hour in a row in which most readings lie beyond an edge (``run``,
    below 0 for the lower one). Only whole numbers are carried: no cut into blocks changes them."""

    def __init__(self) -> None:
        self.quarter, self.count = -1, 0
        self.above, self.below, self.run = 0, 0, 0

    @property
    def near(self) -> int:
        """1 or −1: the metric is near its upper or lower limit; 0: near none."""
        return (self.run >= RUN) - (self.run <= -RUN)

    def update(
        self, clock: Floats, values: Floats, use: NDArray[np.bool_], low: float, high: float
    ) -> NDArray[np.int8]:
        """:attr:`near` as of each reading (n,); only ``use`` counts. ``clock`` (unix s) does not
        fall; beyond ``low`` and ``high`` is near."""
        out = np.full(len(values), self.near, np.int8)
        places = np.flatnonzero(use)
        if not len(places):
            return out
        above, below = values[places] >= high, values[places] <= low
        quarters = np.floor_divide(clock[places], QUARTER_S).astype(np.int64)
        if not (self.run or self.above or self.below or above.any() or below.any()):
            newest = int(quarters[-1])
            here = len(quarters) - int(np.searchsorted(quarters, newest))
            self.count = here + (self.count if newest == self.quarter else 0)
            self.quarter = newest
            return out
        found, first, counts = np.unique(quarters, return_index=True, return_counts=True)
        ups, downs = (np.add.reduceat(some, first, dtype=np.int64) for some in (above, below))
        for k, quarter in enumerate(found.tolist()):
            if quarter != self.quarter:
                self._over(quarter)
                out[places[first[k]] :] = self.near
            self.count += int(counts[k])
            self.above += int(ups[k])
            self.below += int(downs[k])
        return out

    def _over(self, quarter: int) -> None:
        """A quarter of an hour is over; ``quarter`` is the next with a reading."""
        if 2 * self.above > self.count:
            self.run = max(self.run, 0) + 1
        elif 2 * self.below > self.count:
            self.run = min(self.run, 0) - 1
        else:
            self.run = 0
        self.quarter, self.count, self.above, self.below = quarter, 0, 0, 0

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Nearing:
        nearing = cls()
        for name in vars(nearing):
            setattr(nearing, name, int(state[name]))
        return nearing
