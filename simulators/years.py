"""Five years of one metric: set-points that come back after months, ageing, limits that change."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.rig import ornstein_uhlenbeck

Values = NDArray[np.float64]

DAY, STEP_S, START = 86400.0, 900.0, 1767571200.0
COMMON, RARE = (18.0, 25.0, 31.0), (9.0, 42.0)
RARE_DAYS = (140.0, 210.0)  # from one return of a rare set-point to the next
STAY_DAYS, RARE_STAY_DAYS = (2.0, 9.0), (4.0, 6.0)


@dataclass(frozen=True)
class Fall:
    """A drift to the limit, and its repair (unix s)."""

    onset: float
    crossing: float
    repair: float


@dataclass(frozen=True, eq=False)
class Years:
    """``times`` (n,) unix s each 15 minutes, ``values`` as read and the true ``level``; ``events``
    (time, kind, text) of the log book; ``limits`` (time, low, high) from when they hold;
    ``returns`` (time, set-point) of rare set-points that were in force before; ``drifts``."""

    times: Values
    values: Values
    level: Values
    noise: float
    events: list[tuple[float, str, str]]
    limits: list[tuple[float, float, float]]
    returns: list[tuple[float, float]]
    drifts: list[Fall]


def draw_years(seed: int, *, years: float = 5.0) -> Years:
    """A random metric over years.

    Noise of 1 that grows by a tenth a year, wander of 0.3 to 0.8, a day's swing, a season; three
    set-points in turn for 2 to 9 days and two rare ones for 4 to 6 days each 140 to 210 days,
    with levels 2.5 and swings a third apart (standard deviations); limits 8 to 13 beyond the
    reach of all, moved once or twice a year; drifts of 4 to 25 days' life each 60 to 120 days,
    repaired half a day after the limit; a maintenance day each fortnight.

    >>> made = draw_years(1, years=0.5)
    >>> len(made.times) == len(made.values), len(made.limits) > 0
    (True, True)
    """
    rng = np.random.default_rng([seed, 0x5EA])
    days = 365.25 * years
    times = START + np.arange(0, days * DAY, STEP_S)
    day = (times - START) / DAY
    events: list[tuple[float, str, str]] = []
    key, returns = _set_points(rng, day, events)
    levels = {k: rng.normal(0, 2.5) for k in (*COMMON, *RARE)}
    gains = {k: float(np.exp(rng.normal(0, 0.33))) for k in (*COMMON, *RARE)}
    offset = np.select([key == k for k in levels], list(levels.values()))
    gain = np.select([key == k for k in gains], list(gains.values()))
    swing = rng.uniform(0.5, 2) * np.cos(2 * np.pi * (day - rng.random()))
    season = rng.uniform(0, 1.5) * np.cos(2 * np.pi * (day / 365.25 - rng.random()))
    ageing = 1 + 0.1 * day / 365.25
    wander = rng.uniform(0.3, 0.8) * ornstein_uhlenbeck(
        rng, len(day), rng.uniform(1, 4) * DAY / STEP_S
    )
    normal = offset + gain * swing + season + ageing * wander
    limits = _limits(rng, days, float(normal.min()), float(normal.max()))
    drift, drifts, repairs = _drifts(rng, day, normal, limits)
    dark = _maintenance(rng, days, repairs, events)
    level = normal + drift
    values = level + ageing * rng.standard_normal(len(day))
    values = values + 6 * rng.standard_normal(len(day)) * (rng.random(len(day)) < 0.001)
    for start, end in dark:
        values[(times >= start) & (times < end)] = np.nan
    events.sort()
    there = np.isfinite(values)
    return Years(times[there], values[there], level[there], 1.0, events, limits, returns, drifts)


def _set_points(
    rng: np.random.Generator, day: Values, events: list[tuple[float, str, str]]
) -> tuple[Values, list[tuple[float, float]]]:
    """The set-point in force at each time, and when rare ones return."""
    key = np.full(len(day), COMMON[0])
    returns, turn, at = [], 0, 0.0
    rare_at = rng.uniform(15, 40)
    now = COMMON[0]
    while at < day[-1]:
        if at >= rare_at:
            now, stay = RARE[turn % 2], rng.uniform(*RARE_STAY_DAYS)
            if turn >= 2:
                returns.append((START + at * DAY, now))
            # Both are met in the first months.
            rare_at = at + (rng.uniform(15, 25) if turn == 0 else rng.uniform(*RARE_DAYS) / 2)
            turn += 1
        else:
            now = float(rng.choice([k for k in COMMON if k != now]))
            stay = rng.uniform(*STAY_DAYS)
        key[(day >= at) & (day < at + stay)] = now
        events.append((START + at * DAY, "energy_change", f"Energy to {now:.3f} keV."))
        at += stay
    return key, returns


def _limits(
    rng: np.random.Generator, days: float, low: float, high: float
) -> list[tuple[float, float, float]]:
    """Each objective has limits of its own."""
    found: list[tuple[float, float, float]] = []
    at = 0.0
    while at < days:
        way = rng.uniform(8, 13, 2)
        found.append((START + at * DAY, low - float(way[0]), high + float(way[1])))
        at += rng.uniform(200, 400)
    return found


def _drifts(
    rng: np.random.Generator, day: Values, normal: Values, limits: list[tuple[float, float, float]]
) -> tuple[Values, list[Fall], list[float]]:
    """Drifts, each sized so that the true value meets the limit when its life is over."""
    drift = np.zeros(len(day))
    found: list[Fall] = []
    repairs: list[float] = []
    at = rng.uniform(50, 90)
    while True:
        life = float(np.exp(rng.uniform(np.log(4), np.log(25))))
        if at + life + 2 > day[-1]:
            return drift, found, repairs
        over = START + (at + life) * DAY
        _, low, high = [limit for limit in limits if limit[0] <= over][-1]
        side, power = rng.choice([-1, 1]), rng.choice([1.0, 1.3])
        part = np.clip((day - at) / life, 0, 1.2)
        room = (high - normal) if side > 0 else (normal - low)
        inside = (part > 0) & (part <= 1)
        size = float(np.min(room[inside] / part[inside] ** power))
        met = day[inside][int(np.argmin(room[inside] / part[inside] ** power))]
        repair = float(met) + 0.5
        running = (part > 0) & (day < repair)
        drift[running] += side * size * part[running] ** power
        crossing = START + float(met) * DAY
        found.append(Fall(START + at * DAY, crossing, START + repair * DAY))
        repairs.append(START + repair * DAY)
        at = repair + rng.uniform(60, 120)


def _maintenance(
    rng: np.random.Generator, days: float, repairs: list[float],
    events: list[tuple[float, str, str]],
) -> list[tuple[float, float]]:  # fmt: skip
    """Machine days and repairs: without readings."""
    begins = [START + (k + rng.uniform(0.3, 0.4)) * DAY for k in range(14, int(days), 14)]
    dark: list[tuple[float, float]] = []
    for start in sorted([*begins, *repairs]):
        if dark and start < dark[-1][1] + DAY / 4 and start not in repairs:
            continue
        end = start + 6 * 3600
        dark.append((start, end))
        events += [(start, "maintenance", "Maintenance."), (end, "beam_back", "Beam back.")]
    return dark
