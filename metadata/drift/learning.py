"""What years teach: how past forecasts turned out, and the level of set-points long not seen.

Forecasts are recalibrated by split conformal prediction on the instrument's own finished drifts:
the interval is stretched about its middle (in the logarithm of the time) until it would have held
as often as it says; before the instrument has any, as if :data:`PRIOR` simulated drifts were its
own (draw_history, seeds 1000 to 1099, at half of their lives).

Levels under a set-point are kept as a few exemplars each. What is believed is computed from
all of them again (replay), with the same number for each set-point: a rare one is not forgotten
while a frequent one goes on, and the oldest exemplar of a set-point makes room for the newest.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

HOLDS = 0.9
PRIOR = 20
STRETCH = 0.78  # of the bank's interval, with which 90 % held there
SCORES = 200
EXEMPLARS, SET_POINTS = 6, 64


class Learned:
    """What one metric's long past says."""

    def __init__(self) -> None:
        self.scores: list[float] = []
        self.told: list[tuple[float, float, float, float]] = []
        self.levels: dict[str, list[tuple[float, float]]] = {}

    def tell(self, time: float, low: float, middle: float, high: float) -> None:
        """A forecast made at ``time`` (unix s): seconds to the limit. One a day is kept."""
        if not self.told or time - self.told[-1][0] > 86400.0:
            self.told = [*self.told, (time, low, middle, high)][-60:]

    def arrived(self, time: float) -> None:
        """The limit was reached: how did the forecasts of this drift, day by day, turn out?"""
        for made, low, middle, high in self.told:
            left = time - made
            if left > 0:
                wide = np.log(high / middle) if left > middle else np.log(middle / low)
                score = abs(np.log(left / middle)) / max(float(wide), 0.05)
                self.scores = [*self.scores, float(score)][-SCORES:]
        self.told = []

    def gone(self) -> None:
        """There is no drift any more; its forecasts came to nothing."""
        self.told = []

    @property
    def stretch(self) -> float:
        """By what a 90 % interval must be stretched so that it holds."""
        fitted = np.linspace(0, STRETCH / HOLDS, PRIOR + 1)
        return float(np.quantile(np.concatenate([fitted, self.scores]), HOLDS))

    def interval(self, low: float, middle: float, high: float) -> tuple[float, float]:
        """The recalibrated interval.

        >>> low, high = Learned().interval(1.0, 2.0, 4.0)
        >>> round(low, 2), round(high, 2)
        (1.16, 3.43)
        """
        stretch = self.stretch
        return float(middle * (low / middle) ** stretch), float(middle * (high / middle) ** stretch)

    def level(self, key: float, time: float, value: float) -> None:
        """The level under a set-point, as one exemplar."""
        name = repr(key)
        kept = [*self.levels.get(name, []), (time, value)]
        self.levels[name] = kept[-EXEMPLARS:]
        if len(self.levels) > SET_POINTS:
            oldest = min(self.levels, key=lambda k: self.levels[k][-1][0])
            del self.levels[oldest]

    def expected(self, key: float) -> tuple[float, int]:
        """Level under a set-point relative to the mean of all known ones, and on how many
        exemplars it stands (0: never seen)."""
        kept = self.levels.get(repr(key))
        if not kept:
            return 0.0, 0
        means = [float(np.mean([v for _, v in e])) for e in self.levels.values()]
        return float(np.mean([v for _, v in kept])) - float(np.mean(means)), len(kept)

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Learned:
        learned = cls()
        learned.scores = list(state["scores"])
        learned.told = [(a, b, c, d) for a, b, c, d in state["told"]]
        learned.levels = {k: [(t, v) for t, v in e] for k, e in state["levels"].items()}
        return learned
