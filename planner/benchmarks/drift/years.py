"""Five years of a metric: what is adapted to, and what is forgotten."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metadata.drift.bins import BIN_S
from metadata.drift.judge import KEY_SIZE
from metadata.drift.monitor import Monitor
from metadata.drift.settings import MonitorSettings
from metadata.drift.verdicts import ALARM, WARNING
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples
from planner.benchmarks.drift.early import daily
from planner.benchmarks.drift.footprint import written
from planner.benchmarks.drift.spread import spread

DAY = 86400.0
AFTER_DAYS = 6.0  # that a rare set-point's return is looked at
WAYS = ("remembers set-points", "forgets them after 40 days", "begins anew at each")
RECENT_DAYS = 8.0
NAME = "metric"


@dataclass(frozen=True)
class Lived:
    """One metric's years, one way. By year: ``false`` warnings (one a day that it stands) in
    ``quiet_days`` without a drift, ``lefts`` of the drifts' lives; ``errors`` of the level expected
    at each return of a rare set-point (deviations of a reading), and false warnings in
    ``after_days`` after them; the most bytes of state."""

    way: str
    false: tuple[int, ...]
    quiet_days: tuple[float, ...]
    lefts: tuple[tuple[float, ...], ...]
    errors: tuple[float, ...]
    after_false: int
    after_days: float
    state_bytes: int


def live(todo: tuple[int, str, float]) -> Lived:
    """The years of a seed as the monitor meets them, day by day."""
    from simulators.years import draw_years

    seed, way, years = todo
    made = draw_years(seed, years=years)
    start = made.times[0]
    monitor = Monitor(
        {NAME: MetricInfo(NAME, "", Limits(*made.limits[0][1:]))},
        MonitorSettings(remember=way == WAYS[0]),
    )
    book = [LoggedEvent(*event) for event in made.events]
    if way == WAYS[2]:
        book += [LoggedEvent(e.time, "set_point") for e in book if e.kind == "energy_change"]
        book.sort(key=lambda event: event.time)
    changes, returns = list(made.limits[1:]), list(made.returns)
    times, codes, errors, most = [], [], [], 0
    told = at = 0
    while at < len(made.times):
        end = made.times[at] + DAY
        if changes and changes[0][0] < end:
            monitor.set_limits(NAME, Limits(*changes.pop(0)[1:]))
        if returns and returns[0][0] < end:
            moment, key = returns.pop(0)
            # While a drift holds or is just repaired there is no level to be expected.
            if not any(f.onset < moment + DAY and f.repair > moment - RECENT_DAYS * DAY
                       for f in made.drifts):  # fmt: skip
                errors.append(_error(monitor, made, moment, key))
        stop = int(np.searchsorted(made.times, end))
        until = told
        while until < len(book) and book[until].time < end:
            until += 1
        block = Samples.of(NAME, made.times[at:stop], made.values[at:stop])
        for said in monitor.update([block], book[told:until]):
            times.append(said.times)
            codes.append(said.codes)
        told, at = until, stop
        if len(times) % 100 == 0:
            most = max(most, written(monitor.to_state()))
    most = max(most, written(monitor.to_state()))
    time, code = np.concatenate(times), np.concatenate(codes)
    return _judged(way, made, start, years, time, (code == WARNING) | (code == ALARM), errors, most)


def _error(monitor: Monitor, made: Any, moment: float, key: float) -> float:
    """How far the level expected at a set-point is from the true one of its first day."""
    judge = monitor.followers[NAME].judge
    newest = int(moment // BIN_S) - 1
    window = judge.recent.window(newest, judge.since)
    if window is None:
        return float("nan")
    window = judge.set_points.at(window, key, KEY_SIZE * judge.reading, newest)
    recent = window.ages < RECENT_DAYS
    if not recent.any():
        return float("nan")
    expected = float(np.average(window.y[recent], weights=window.n[recent]))
    first = (made.times >= moment) & (made.times < moment + DAY)
    return abs(expected - float(made.level[first].mean())) / made.noise


def _judged(
    way: str, made: Any, start: float, years: float, time: np.ndarray, warned: np.ndarray,
    errors: Sequence[float], most: int,
) -> Lived:  # fmt: skip
    drifting = np.zeros(len(time), bool)
    lefts: list[list[float]] = [[] for _ in range(int(np.ceil(years)))]
    for fall in made.drifts:
        inside = (time >= fall.onset) & (time < fall.crossing)
        drifting |= (time >= fall.onset) & (time < fall.repair + DAY)
        left = 0.0
        if (warned & inside).any():
            first = time[np.argmax(warned & inside)]
            left = float((fall.crossing - first) / (fall.crossing - fall.onset))
        lefts[int((fall.onset - start) / DAY / 365.25)].append(left)
    year = ((time - start) / DAY / 365.25).astype(int)
    quiet = ~drifting
    false = tuple(daily(time[quiet & warned & (year == y)]) for y in range(len(lefts)))
    step = float(np.median(np.diff(time))) / DAY
    after = np.zeros(len(time), bool)
    for moment, _ in made.returns:
        after |= (time >= moment) & (time < moment + AFTER_DAYS * DAY)
    return Lived(
        way, false, tuple(float((quiet & (year == y)).sum()) * step for y in range(len(lefts))),
        tuple(map(tuple, lefts)), tuple(e for e in errors if np.isfinite(e)),
        daily(time[quiet & after & warned]), float((quiet & after).sum()) * step, most,
    )  # fmt: skip


def measure(how: Mapping[str, Any], workers: int = 1) -> dict[str, list[Lived]]:
    """By the way: the years of each metric."""
    seeds = range(how["first_seed"], how["first_seed"] + how["count"])
    todo = [(seed, way, float(how["years"])) for way in WAYS for seed in seeds]
    rows = list(spread(live, todo, workers, "years"))
    return {way: [row for row in rows if row.way == way] for way in WAYS}
