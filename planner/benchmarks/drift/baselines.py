"""What the early warning is compared with: simple scores, each with a threshold that is tuned.

Every baseline gets what helps it: the log book (times without beam and the hours after are left
out), smoothing over a window that is tuned, and :data:`LEARN_DAYS` of normal to learn from.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.series import Samples
from planner.benchmarks.drift.case import DAY, Case
from planner.benchmarks.drift.trailing import trailing

Values = NDArray[np.float64]
#: Scores (n,) of a case at unix times (n,), higher: more of a warning, for one inner setting.
Score = Callable[[Case, float], tuple[Values, Values]]

LEARN_DAYS = 10.0
RECOVERY_H = 4.0
HOUR = 3600.0


@dataclass(frozen=True)
class Baseline:
    """``score`` with each of the inner settings ``variants``. ``said_once``: it says by itself
    when it fires (score 1, else 0) and its own setting is what is tuned."""

    name: str
    score: Score
    variants: tuple[float, ...]
    said_once: bool = False


def steady(case: Case) -> Samples:
    """The judged record in time order, without the times that the log book calls disturbed."""
    record = case.target
    record = record[np.argsort(record.times, kind="stable")]
    keep = np.isfinite(record.values)
    since = np.inf
    for event in case.events:
        if event.kind in ("dump", "maintenance", "shutdown"):
            since = min(since, event.time)
        elif event.kind == "beam_back":
            out = (record.times >= since) & (record.times < event.time + RECOVERY_H * HOUR)
            keep &= ~out
            since = np.inf
    keep &= record.times < since
    return record[keep]


def smoothed(case: Case, hours: float) -> tuple[Values, Values, Values]:
    """Times and trailing medians over ``hours`` of the steady record, and those of the first days
    to learn from."""
    record = steady(case)
    step = float(np.median(np.diff(record.times)))
    width = max(1, round(hours * HOUR / step))
    values = record.values
    if width > 1:
        padded = np.concatenate([np.full(width - 1, values[0]), values])
        values = np.median(np.lib.stride_tricks.sliding_window_view(padded, width), axis=1)
    normal = values[record.times < case.start + LEARN_DAYS * DAY]
    return record.times, values, normal if len(normal) > 10 else values[:10]


def learned(case: Case, times: Values, scores: Values) -> tuple[Values, Values]:
    """Nothing is said while the normal is learned."""
    return times, np.where(times < case.start + LEARN_DAYS * DAY, -np.inf, scores)


def share_of_the_way(case: Case, hours: float) -> tuple[Values, Values]:
    """How much of the way from the normal to the nearer limit is gone."""
    times, values, normal = smoothed(case, hours)
    middle = float(np.median(normal))
    up = (values - middle) / (case.limits.high - middle)
    down = (middle - values) / (middle - case.limits.low)
    return learned(case, times, np.maximum(up, down))


def three_sigma(case: Case, hours: float) -> tuple[Values, Values]:
    """Distance from the normal in its standard deviations."""
    times, values, normal = smoothed(case, hours)
    return learned(case, times, np.abs(values - normal.mean()) / (normal.std() + 1e-12))


def windowed_gaussian(case: Case, days: float) -> tuple[Values, Values]:
    """The last hours' mean in deviations of the trailing ``days`` before them."""
    times, values, _ = smoothed(case, 0)
    step = float(np.median(np.diff(times)))
    long, short = round(days * DAY / step), max(1, round(6 * HOUR / step))
    off, deviation, _ = trailing(values, long, short, 1e-18)
    return learned(case, times, np.abs(off) / deviation)


def robust_line(case: Case, days: float) -> tuple[Values, Values]:
    """One over the days until a line through the last ``days`` (Theil and Sen's) meets a limit."""
    times, forecast = lines(case, days)
    with np.errstate(divide="ignore"):
        return learned(case, times, 1.0 / np.maximum(forecast[:, 0], 1e-3))


def lines(case: Case, days: float) -> tuple[Values, Values]:
    """Every six hours: times, and the days until a robust line over the last ``days`` meets a
    limit, with a 90 % interval from that of its slope (n, 3); infinite where it does not.

    Theil, Nederl. Akad. Wetensch. Proc. 53 (1950) 386; the slope's interval by Sen, J. Amer.
    Statist. Assoc. 63 (1968) 1379.
    """
    times, values, _ = smoothed(case, 0)
    bins = np.floor((times - case.start) / (6 * HOUR)).astype(int)
    kept = np.unique(bins)
    x = (kept + 1) / 4.0  # days: known when the six hours are over
    y = np.array([np.median(values[bins == b]) for b in kept])
    found = np.full((len(x), 3), np.inf)
    for k in range(len(x)):
        chosen = slice(int(np.searchsorted(x, x[k] - days, side="right")), k + 1)
        px, py = x[chosen], y[chosen]
        if len(px) < 6:
            continue
        first, second = np.triu_indices(len(px), 1)
        slopes = np.sort((py[second] - py[first]) / (px[second] - px[first]))
        spread = 1.645 * np.sqrt(len(px) * (len(px) - 1) * (2 * len(px) + 5) / 18)
        low = slopes[max(0, int((len(slopes) - spread) / 2))]
        high = slopes[min(len(slopes) - 1, int((len(slopes) + spread) / 2))]
        middle = float(np.median(slopes))
        now = float(np.median(py + middle * (x[k] - px)))
        found[k] = until(case, now, middle), *sorted((until(case, now, low, middle),
                                                      until(case, now, high, middle)))  # fmt: skip
    return case.start + x * DAY, found


def until(case: Case, now: float, slope: float, way: float | None = None) -> float:
    """Days until a line from ``now`` meets the limit that ``way`` (or itself) leads to."""
    limit = case.limits.high if (slope if way is None else way) > 0 else case.limits.low
    if slope == 0 or (limit - now) / slope < 0:
        beyond = (limit - now) * (1 if way is None else way) < 0
        return 0.0 if beyond else np.inf
    return float((limit - now) / slope)


def page_hinkley(case: Case, threshold: float) -> tuple[Values, Values]:
    """Page and Hinkley's test of river on hourly medians in deviations of the normal."""
    from river.drift import PageHinkley

    return _streamed(case, PageHinkley(min_instances=24, delta=0.25, threshold=threshold,
                                       alpha=0.9999))  # fmt: skip


def adwin(case: Case, exponent: float) -> tuple[Values, Values]:
    """ADWIN of river on hourly medians in deviations of the normal, with delta 10^exponent."""
    from river.drift import ADWIN

    return _streamed(case, ADWIN(delta=10.0**exponent, clock=1))


def _streamed(case: Case, detector: object) -> tuple[Values, Values]:
    times, values, normal = smoothed(case, 1)
    hours = np.floor((times - case.start) / HOUR)
    last = np.append(np.diff(hours) > 0, True)
    times, values = times[last], (values[last] - np.median(normal)) / (normal.std() + 1e-12)
    fired = np.zeros(len(times))
    for place, value in enumerate(values):
        detector.update(float(value))  # type: ignore[attr-defined]
        fired[place] = detector.drift_detected  # type: ignore[attr-defined]
    return learned(case, times, fired)


def always(case: Case, _: float) -> tuple[Values, Values]:
    """A warning at every sample."""
    return case.target.times, np.ones(len(case.target))


BASELINES = (
    Baseline("share of the way", share_of_the_way, (0, 3, 12, 24)),
    Baseline("3 sigma", three_sigma, (0, 3, 12, 24)),
    Baseline("windowed Gaussian", windowed_gaussian, (3, 7, 14)),
    Baseline("robust line", robust_line, (2, 4, 8)),
    Baseline("Page-Hinkley (river)", page_hinkley,
             (25, 50, 100, 150, 200, 300, 400, 600, 900, 1400), said_once=True),
    Baseline("ADWIN (river)", adwin,
             (-1, -3, -6, -10, -15, -20, -30, -45, -70, -100), said_once=True),
)  # fmt: skip


def available() -> Iterator[Baseline]:
    """Those whose library is installed."""
    from importlib.util import find_spec

    for baseline in BASELINES:
        if "river" not in baseline.name or find_spec("river") is not None:
            yield baseline
