"""Time to the limit at half of the life: its error, its interval, and both in one score."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.benchmarks.drift.case import DAY, Case
from planner.benchmarks.drift.resample import Figure, figure

SHORTEST_DAYS = 0.01
ALPHA = 0.1


@dataclass(frozen=True)
class Forecast:
    """Days to the limit, said when ``true_days`` were left, with a 90 % interval; ``said`` is
    False where there was none, and the length of the record stands for it."""

    seed: int
    shape: str
    true_days: float
    value: float
    low: float
    high: float
    said: bool = True

    @property
    def error(self) -> float:
        """Relative: ``|value - true| / true``."""
        return abs(self.value - self.true_days) / self.true_days

    @property
    def covered(self) -> bool:
        return self.low <= self.true_days <= self.high

    @property
    def interval_score(self) -> float:
        """The interval score of Winkler (J. Amer. Statist. Assoc. 67 (1972) 187; Gneiting and
        Raftery, ibid. 102 (2007) 359) of the natural logarithms: with ``a = 0.1``,
        ``ln(high / low) + (2 / a) ln(low / true)`` where the true time is below,
        ``+ (2 / a) ln(true / high)`` where it is above. Times under 0.01 days count as that.

        >>> round(Forecast(0, "wear", 5.0, 5.0, 1.5, 16.0).interval_score, 3)
        2.367
        """
        low, high, true = (
            float(np.log(max(v, SHORTEST_DAYS))) for v in (self.low, self.high, self.true_days)
        )
        return high - low + 2 / ALPHA * (max(low - true, 0.0) + max(true - high, 0.0))


def half_of_life(case: Case) -> float | None:
    """Unix s of the moment at which forecasts are held to the truth."""
    if case.onset is None or case.crossing is None:
        return None
    return case.onset + (case.crossing - case.onset) / 2


def forecast(case: Case, moment: float, days: Sequence[float] | None) -> Forecast:
    """``days``: value, low and high said at ``moment``; None: nothing was said, which is taken
    for "not within such a record". Infinite ones count as the length of the record too."""
    assert case.crossing is not None
    longest = (case.end - case.start) / DAY
    given = (longest,) * 3 if days is None or np.isnan(days[0]) else days
    value, low, high = (min(float(v), longest) for v in given)
    true = (case.crossing - moment) / DAY
    return Forecast(case.seed, case.shape, true, value, low, high, said=days is not None)


@dataclass(frozen=True)
class Ahead:
    """The summary over histories, with bootstrap intervals. ``score_said`` leaves those
    without a forecast out, the others take the length of the record for it."""

    name: str
    error: Figure
    coverage: Figure
    interval_score: Figure
    said: Figure
    score_said: Figure
    median_width: float
    drifts: int


def summarise(name: str, forecasts: Sequence[Forecast], resamples: int) -> Ahead:
    def error(some: Sequence[Forecast]) -> float:
        return float(np.median([f.error for f in some]))

    def score(some: Sequence[Forecast]) -> float:
        return float(np.mean([f.interval_score for f in some]))

    widths = [np.log(max(f.high, SHORTEST_DAYS) / max(f.low, SHORTEST_DAYS)) for f in forecasts]
    return Ahead(
        name=name,
        error=figure(forecasts, error, resamples),
        coverage=figure(forecasts, lambda some: float(np.mean([f.covered for f in some])),
                        resamples),
        interval_score=figure(forecasts, score, resamples),
        said=figure(forecasts, lambda some: float(np.mean([f.said for f in some])), resamples),
        score_said=figure([f for f in forecasts if f.said], score, resamples),
        median_width=float(np.median(widths)) if widths else float("nan"),
        drifts=len(forecasts),
    )  # fmt: skip


def by_shape(forecasts: Sequence[Forecast]) -> dict[str, dict[str, float]]:
    """Median error, coverage and score of each shape of drift."""
    found: dict[str, dict[str, float]] = {}
    for shape in sorted({f.shape for f in forecasts}):
        some = [f for f in forecasts if f.shape == shape]
        found[shape] = {
            "drifts": len(some),
            "error": float(np.median([f.error for f in some])),
            "coverage": float(np.mean([f.covered for f in some])),
            "interval_score": float(np.mean([f.interval_score for f in some])),
        }
    return found
