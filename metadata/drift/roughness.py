"""The noise of single readings, from neighbours."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

FIRST, MOST = 16, 512
CAP = 16.0  # mean squares: four deviations; an outlier or a step tells nothing of the noise
HALF = 0.4549  # median of the square of a normal deviate
FORGET = 1 / 320  # a bin: forty days of them


class Roughness:
    """Mean square of the steps from one reading to the next; the same however the readings are
    cut: what is too much is settled at the end of each bin (:meth:`settle`).

    >>> rough = Roughness()
    >>> rough.update(np.random.default_rng(0).normal(0, 2.0, 2000))
    >>> rough.settle()
    >>> round(rough.deviation, 1)
    2.0
    """

    def __init__(self) -> None:
        self._last = np.nan
        self._first: Floats = np.empty(0)
        self._sum, self._count, self._cap = 0.0, 0.0, np.nan

    @property
    def deviation(self) -> float:
        """Standard deviation of one reading; NaN while too few are known."""
        return float(np.sqrt(self._sum / self._count / 2)) if self._count else np.nan

    def update(self, values: Floats) -> None:
        """Readings (n,), in their order."""
        if not len(values):
            return
        row = np.concatenate([[self._last], values]) if np.isfinite(self._last) else values
        squares = np.diff(row) ** 2
        if np.isfinite(self._cap):
            kept = np.concatenate([[self._sum], np.minimum(squares, self._cap)])
            self._sum = float(np.cumsum(kept)[-1])
            self._count += len(squares)
        else:
            self._first = np.concatenate([self._first, squares[: MOST - len(self._first)]])
        self._last = float(values[-1])

    def settle(self) -> None:
        """A bin is over."""
        if np.isfinite(self._cap):
            self._sum, self._count = (1 - FORGET) * self._sum, (1 - FORGET) * self._count
        elif len(self._first) >= FIRST and self._first.any():
            middle = float(np.median(self._first)) / HALF
            cap = CAP * (middle or float(self._first.mean()))
            self._sum = float(np.minimum(self._first, cap).sum())
            self._count = float(len(self._first))
            self._first = np.empty(0)
        if self._count:
            self._cap = CAP * self._sum / self._count

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Roughness:
        rough = cls()
        for name in vars(rough):
            setattr(rough, name, state[name])
        rough._first = np.array(state["_first"], float)
        return rough
