"""Change of the spectrum: once-per-turn harmonics and vibration lines that come or grow."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.windowed import Windowed

Floats = NDArray[np.float64]


class Spectral(Windowed):
    """Compares the power in octave bands of the last 32 readings with that of the 96 before, band
    by band in the logarithm; the largest rise counts (Basseville and Nikiforov, 1993, ch. 8)."""

    width = 128
    recent = 32

    def statistic(self, windows: Floats) -> Floats:
        now = self._bands(windows[:, -self.recent :, 0])
        before = np.mean(
            [self._bands(windows[:, k : k + self.recent, 0]) for k in (0, 32, 64)], axis=0
        )
        floor = 1e-3 * before.sum(axis=1, keepdims=True) + 1e-300
        with np.errstate(over="ignore"):  # from stillness any rise is infinite
            rise = np.max((now + floor) / (before + floor), axis=1)
        return np.log(np.log1p(rise))

    def _bands(self, rows: Floats) -> Floats:
        taper = np.hanning(rows.shape[1])
        level = rows.mean(axis=1, keepdims=True)
        power = np.abs(np.fft.rfft((rows - level) * taper, axis=1)) ** 2
        edges = (1, 2, 4, 8, 17)
        return np.stack([power[:, a:b].sum(axis=1) for a, b in pairwise(edges)], axis=1)
