"""Early warning: false warnings, drifts warned before their limit, life left at the warning."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.benchmarks.drift.case import DAY, Case
from planner.benchmarks.drift.resample import Figure, figure

Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Outcome:
    """What was said of one metric of one history.

    ``false``: warnings where nothing drifts (or not yet), a standing one counted once a day, in
    ``watched_days``; ``begun``: how many times one began. ``left``: the part of the life that
    was left at the first warning after the onset, 0 where none came before the limit;
    ``stays``: the same at the warning that then stood until the limit. Both are None where the
    metric does not drift over its limit within the record.
    """

    seed: int
    shape: str
    watched_days: float
    false: int
    begun: int
    life_days: float | None = None
    left: float | None = None
    stays: float | None = None


def judge(case: Case, times: NDArray[np.float64], warned: Flags) -> Outcome:
    """``warned`` (n,) says for each of ``times`` (n,) unix s whether a warning stood."""
    order = np.argsort(times, kind="stable")
    times, warned = times[order], warned[order]
    until = case.end if case.onset is None else case.onset
    early = times < until
    false = daily(times[early & warned])
    begun = int((np.diff(warned[early].astype(np.int8), prepend=0) == 1).sum())
    watched = (until - case.start) / DAY
    life = case.life_days
    if life is None or case.onset is None or case.crossing is None:
        return Outcome(case.seed, case.shape, watched, false, begun)
    inside = (times >= case.onset) & (times < case.crossing)
    left = stays = 0.0
    if warned[inside].any():
        first = times[inside][np.argmax(warned[inside])]
        left = (case.crossing - first) / DAY / life
        stays = (case.crossing - standing(times[inside], warned[inside])) / DAY / life
    return Outcome(case.seed, case.shape, watched, false, begun, life, float(left), float(stays))


def daily(times: NDArray[np.float64]) -> int:
    """How many warnings those samples are: one a day while it stands.

    >>> daily(np.array([0.0, 900.0, 90000.0, 200000.0]))
    3
    """
    count, last = 0, -np.inf
    for time in times:
        if time - last >= DAY:
            count, last = count + 1, time
    return count


def standing(times: NDArray[np.float64], warned: Flags) -> float:
    """When the warning began that stood until the end: never off for a day's worth of samples.
    The end itself (infinitely late counts as the last time) where it was off then."""
    step = float(np.median(np.diff(times))) if len(times) > 1 else DAY
    day = max(1, round(DAY / max(step, 1.0)))
    on = np.flatnonzero(warned)
    off = np.diff(np.append(on, len(warned))) - 1
    broken = np.flatnonzero(off >= day)
    if len(broken) and broken[-1] == len(on) - 1:
        return float(times[-1])
    return float(times[on[broken[-1] + 1 if len(broken) else 0]])


@dataclass(frozen=True)
class Early:
    """The summary over histories, with bootstrap intervals."""

    name: str
    false_per_30_days: Figure
    begun_per_30_days: Figure
    warned: Figure
    left: Figure
    stays: Figure
    drifts: int
    metric_days: float


def false_rate(outcomes: Iterable[Outcome]) -> float:
    """False warnings per metric per 30 days."""
    listed = list(outcomes)
    return 30 * sum(o.false for o in listed) / sum(o.watched_days for o in listed)


def summarise(name: str, outcomes: Sequence[Outcome], resamples: int) -> Early:
    drifts = [o for o in outcomes if o.left is not None]

    def begun(some: Sequence[Outcome]) -> float:
        return 30 * sum(o.begun for o in some) / sum(o.watched_days for o in some)

    return Early(
        name=name,
        false_per_30_days=figure(outcomes, false_rate, resamples),
        begun_per_30_days=figure(outcomes, begun, resamples),
        warned=figure(drifts, lambda some: float(np.mean([bool(o.left) for o in some])), resamples),
        left=figure(drifts, lambda some: float(np.mean([o.left for o in some])), resamples),
        stays=figure(drifts, lambda some: float(np.mean([o.stays for o in some])), resamples),
        drifts=len(drifts),
        metric_days=sum(o.watched_days for o in outcomes),
    )


def by_shape(outcomes: Sequence[Outcome]) -> dict[str, dict[str, float]]:
    """Share warned and mean life left for each shape of drift."""
    found: dict[str, dict[str, float]] = {}
    for shape in sorted({o.shape for o in outcomes if o.left is not None}):
        some = [o.left for o in outcomes if o.shape == shape and o.left is not None]
        found[shape] = {"drifts": len(some), "warned": float(np.mean(np.array(some) > 0)),
                        "left": float(np.mean(some))}  # fmt: skip
    return found
