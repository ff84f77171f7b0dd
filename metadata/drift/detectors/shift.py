"""A level that is another than it was: the mean of the last readings against those before."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.excess import Excess
from metadata.drift.detectors.windowed import Windowed

Floats = NDArray[np.float64]

FLOOR = 2.0  # deviations of the readings before


class Shift(Windowed):
    """Mean of the last ten readings less that of the 120 before, in deviations of these (a
    two-window test, Basseville and Nikiforov, 1993, ch. 2)."""

    width = 130
    recent = 10

    def __init__(self) -> None:
        super().__init__()
        self._usual = Excess(FLOOR)

    def scores(self, statistics: Floats) -> Floats:
        return self._usual.update(statistics)

    def statistic(self, windows: Floats) -> Floats:
        rows = windows[:, :, 0]
        now, before = rows[:, -self.recent :], rows[:, : -self.recent]
        middle = before.mean(axis=1)
        # Resolution is no noise: readings that were all the same have no deviation to count in.
        fine = 1e-9 * np.abs(rows).max(axis=1) + 1e-300
        return np.asarray(np.abs(now.mean(axis=1) - middle) / (before.std(axis=1) + fine))
