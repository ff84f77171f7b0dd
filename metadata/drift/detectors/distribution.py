"""Change of the distribution: level, spread or form of the readings."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.windowed import Windowed

Floats = NDArray[np.float64]


class Distribution(Windowed):
    """Mean difference between the quantiles of the last 24 readings and of the 96 before, in units
    of the spread before (Wasserstein distance; Ramdas, Garcia Trillos and Cuturi, 2017)."""

    width = 120
    recent = 24

    def statistic(self, windows: Floats) -> Floats:
        now = np.sort(windows[:, -self.recent :, 0], axis=1)
        before = np.sort(windows[:, : -self.recent, 0], axis=1)
        ratio = before.shape[1] // self.recent
        same = before.reshape(len(before), self.recent, ratio).mean(axis=2)
        # Half of what is read in steps may be one value: quartiles alone tell no spread then.
        spread = before[:, 3 * before.shape[1] // 4] - before[:, before.shape[1] // 4]
        spread += before.std(axis=1) + 1e-300
        return np.log(np.abs(now - same).mean(axis=1) / spread + 1e-9)
