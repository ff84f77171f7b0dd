"""The cause, ranked among metrics of which at least three only share the refills or the day."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from metadata.drift.verdicts import Verdicts
from planner.benchmarks.drift.case import DAY, Case
from planner.benchmarks.drift.forecast import half_of_life
from planner.benchmarks.drift.resample import Figure, figure
from planner.benchmarks.drift.watched import place, warned

MOMENTS = ("first warning", "half of the life", "limit")


@dataclass(frozen=True)
class Named:
    """Which metric was ranked first at each of :data:`MOMENTS` ("": none was named); ``among``
    so many others."""

    seed: int
    shape: str
    cause: str
    among: int
    first: Mapping[str, str]

    def right(self, moment: str) -> bool:
        return self.first[moment] == self.cause


def moments(case: Case, verdicts: Verdicts) -> dict[str, float]:
    """Unix s of the moments at which the ranking is read; without a warning, the limit's."""
    half = half_of_life(case)
    assert case.onset is not None
    assert case.crossing is not None
    assert half is not None
    on = warned(verdicts) & (verdicts.times >= case.onset) & (verdicts.times < case.crossing)
    first = float(verdicts.times[on].min()) if on.any() else case.crossing
    return {"first warning": first, "half of the life": half, "limit": case.crossing - 1.0}


def named(case: Case, verdicts: Verdicts) -> Named:
    """What the monitor ranked first."""
    found = {}
    for name, moment in moments(case, verdicts).items():
        row = place(verdicts, moment)
        causes = verdicts.causes[verdicts.cause_rows[row]] if (
            row is not None and verdicts.cause_rows[row] >= 0) else ()  # fmt: skip
        found[name] = causes[0].metric if causes else ""
    return Named(case.seed, case.shape, str(case.cause), len(case.samples) - 1, found)


def correlated(case: Case, verdicts: Verdicts, days: float) -> Named:
    """The largest correlation of hourly means over the last ``days`` instead."""
    found = {name: _most_correlated(case, moment, days)
             for name, moment in moments(case, verdicts).items()}  # fmt: skip
    return Named(case.seed, case.shape, str(case.cause), len(case.samples) - 1, found)


def _most_correlated(case: Case, moment: float, days: float) -> str:
    edges = np.arange(max(case.start, moment - days * DAY), moment + 1, 3600.0)
    hourly = {}
    for name, record in case.samples.items():
        fine = np.isfinite(record.values)
        times, values = record.times[fine], record.values[fine]
        total = np.histogram(times, edges, weights=values)[0]
        many = np.histogram(times, edges)[0]
        hourly[name] = np.where(many > 0, total / np.maximum(many, 1), np.nan)
    target = hourly.pop(case.metric)
    strength = {name: _correlation(target, values) for name, values in hourly.items()}
    return max(strength, key=lambda name: strength[name])


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    both = np.isfinite(a) & np.isfinite(b)
    a, b = a[both] - a[both].mean(), b[both] - b[both].mean()
    scale = float(np.sqrt((a**2).sum() * (b**2).sum()))
    return abs(float((a * b).sum())) / scale if scale > 0 else 0.0


@dataclass(frozen=True)
class Ranking:
    """The part of histories in which the cause was ranked first, at each moment."""

    name: str
    first: Mapping[str, Figure]
    histories: int


def summarise(name: str, found: Sequence[Named], resamples: int) -> Ranking:
    def share(moment: str) -> Figure:
        return figure(found, lambda some: float(np.mean([n.right(moment) for n in some])),
                      resamples)  # fmt: skip

    return Ranking(name, {moment: share(moment) for moment in MOMENTS}, len(found))


def by_chance(found: Sequence[Named], resamples: int) -> Ranking:
    """What a random choice among the others would get."""
    chance = figure(found, lambda some: float(np.mean([1 / n.among for n in some])), resamples)
    return Ranking("random choice", dict.fromkeys(MOMENTS, chance), len(found))
