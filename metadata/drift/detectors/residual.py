"""What several channels do that they do not do together: the multivariate residual."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.rarity import Rarity

Floats = NDArray[np.float64]

FORGET = 1 / 500
SHRINK = 0.1
FIRST = 64  # a multiple of 16: the inverse is made first just after


class Residual:
    """Mahalanobis distance of the readings (n, channels), averaged over the last ten, from a mean
    and a covariance that forget (Hotelling's T² with shrinkage, Ledoit and Wolf, 2004)."""

    def __init__(self) -> None:
        self._mean: Floats = np.empty(0)
        self._moment: Floats = np.empty((0, 0))
        self._last: Floats = np.empty(0)
        self._inverse: Floats = np.empty((0, 0))
        self._count = 0
        self._rarity = Rarity()

    def update(self, times: Floats, values: Floats) -> Floats:
        rows = np.nan_to_num(np.asarray(values, float).reshape(len(values), -1))
        if len(rows) and not self._count:
            size = rows.shape[1]
            self._mean, self._moment = rows[0].copy(), np.zeros((size, size))
            self._last = np.zeros(size)
        return self._rarity.update(np.array([self._one(row) for row in rows]))

    def _one(self, row: Floats) -> float:
        apart = row - self._mean
        self._last = 0.9 * self._last + 0.1 * apart
        self._count += 1
        share = max(FORGET, 1 / self._count)
        found = np.nan
        if self._count > FIRST:
            if self._count % 16 == 1:
                spread = np.diag(np.diag(self._moment)) + 1e-12 * np.eye(len(row))
                shrunk = (1 - SHRINK) * self._moment + SHRINK * spread
                self._inverse = np.asarray(np.linalg.inv(shrunk), np.float64)
            found = float(np.log1p(max(float(self._last @ self._inverse @ self._last), 0.0)))
        self._mean = self._mean + share * apart
        self._moment = self._moment + share * (np.outer(apart, apart) - self._moment)
        return found

    def to_state(self) -> dict[str, Any]:
        state = {k: v for k, v in vars(self).items() if k != "_rarity"}
        return {**state, "rarity": dict(vars(self._rarity))}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if name != "rarity":
                setattr(self, name, value)
        for name, value in state["rarity"].items():
            setattr(self._rarity, name, value)
