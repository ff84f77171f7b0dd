"""What years teach: how past forecasts turned out.

Forecasts are recalibrated by split conformal prediction on the instrument's own finished drifts:
the interval is stretched about its middle (in the logarithm of the time) until it would have held
as often as it says; before the instrument has any, as if :data:`PRIOR` simulated drifts were its
own and had held as often. The newest :data:`SCORES` count.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

HOLDS = 0.9
PRIOR = 20
SCORES = 200


class Learned:
    """What one metric's long past says."""

    def __init__(self) -> None:
        self.scores: Floats = np.empty(0)
        #: Forecasts (n, 4): when each was made (unix s), the least, the middle, the most seconds.
        self.told: Floats = np.empty((0, 4))

    def tell(self, time: float, low: float, middle: float, high: float) -> None:
        """A forecast made at ``time`` (unix s): seconds to the limit. One a day is kept."""
        if not len(self.told) or time - self.told[-1, 0] > 86400.0:
            self.told = np.concatenate([self.told[-59:], [[time, low, middle, high]]])

    def arrived(self, time: float) -> None:
        """The limit was reached: how did the forecasts of this drift, day by day, turn out?"""
        for made, low, middle, high in self.told.tolist():
            left = time - made
            if left > 0:
                wide = np.log(high / middle) if left > middle else np.log(middle / low)
                score = abs(np.log(left / middle)) / max(float(wide), 0.05)
                self.scores = np.append(self.scores[1 - SCORES :], score)
        self.told = np.empty((0, 4))

    def gone(self) -> None:
        """There is no drift any more; its forecasts came to nothing."""
        self.told = np.empty((0, 4))

    @property
    def stretch(self) -> float:
        """By what a 90 % interval must be stretched so that it holds."""
        fitted = np.linspace(0, 1 / HOLDS, PRIOR + 1)
        return float(np.quantile(np.concatenate([fitted, self.scores]), HOLDS))

    def interval(self, low: float, middle: float, high: float) -> tuple[float, float]:
        """The recalibrated interval.

        >>> low, high = Learned().interval(1.0, 2.0, 4.0)
        >>> round(low, 2), round(high, 2)
        (1.0, 4.0)
        """
        stretch = self.stretch
        return float(middle * (low / middle) ** stretch), float(middle * (high / middle) ** stretch)

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Learned:
        learned = cls()
        learned.scores = np.array(state["scores"], float)
        learned.told = np.array(state["told"], float).reshape(-1, 4)
        return learned
