"""Streams of operating metrics of which nothing is told, and the windows in which something is
wrong: counts of traffic, loads of servers, temperatures, rates, latencies, cycles of a machine.

Each is regular, noisy and restless in its own way before anything happens; what happens is drawn
from a list of its family, over the later 80 %.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.rig import ornstein_uhlenbeck

Values = NDArray[np.float64]

START = 1767571200.0
DAY_S = 86400.0
#: Of the rows, all windows of a stream together.
COVERED = 0.1
QUIET = 0.17  # of the rows, at first
SHORTEST, LONGEST = 1100, 18000  # rows


@dataclass(frozen=True, eq=False)
class StreamRecord:
    """``times`` (n,) unix s; ``values`` (n,); ``windows`` first and last row about the begin of
    each anomaly; ``family`` and the ``kinds`` of the anomalies."""

    times: Values
    values: Values
    windows: tuple[tuple[int, int], ...]
    family: str
    kinds: tuple[str, ...]


@dataclass(frozen=True, eq=False)
class Course:
    """What a family makes of ``phase``s (n,) of the day and the ``week`` day (n,): its ``regular``
    part (n,) and the size of its ``noise`` (n,), and how readings come of both."""

    regular: Values
    noise: Values
    read: Callable[[Values, Values], Values]
    kinds: Sequence[str]
    step: float = 300.0


def draw_stream(seed: int, *, healthy: bool | None = None) -> StreamRecord:
    """A random stream; ``healthy``: without (True) or with (False) anomalies, else one in ten is.

    >>> record = draw_stream(5, healthy=False)
    >>> len(record.windows) >= 1, bool(np.isfinite(record.values).all())
    (True, True)
    >>> draw_stream(5, healthy=True).windows
    ()
    """
    rng = np.random.default_rng([seed, 0x5EA])
    count = int(np.exp(rng.uniform(np.log(SHORTEST), np.log(LONGEST))))
    family = str(rng.choice(list(FAMILIES)))
    step = float(rng.choice([300.0, 300.0, 300.0, 600.0, 1800.0, 3600.0]))
    course = FAMILIES[family](rng, count, step)
    none = rng.random() < 0.1 if healthy is None else healthy
    many = 0 if none else int(rng.choice([1, 2, 3, 4, 5], p=[0.35, 0.3, 0.2, 0.1, 0.05]))
    onsets = _onsets(rng, count, many)
    regular, noise = _restless(rng, course)
    after: list[Callable[[Values], None]] = []
    kinds = []
    usual = float(np.std(course.regular) + np.mean(course.noise))
    for at in onsets:
        kind = str(rng.choice(list(course.kinds)))
        length = int(np.clip(np.exp(rng.uniform(np.log(3), np.log(0.05 * count))), 2, count - at))
        size = float(np.exp(rng.uniform(np.log(1.2), np.log(7))))
        after += _happen(rng, kind, regular, noise, at, length, size, usual, course)
        kinds.append(kind)
    values = course.read(regular, noise)
    for change in after:
        change(values)
    scale = float(np.exp(rng.normal(0, 3)))
    times = START + np.arange(float(count)) * course.step
    if rng.random() < 0.15:  # read when it comes, not by the clock
        times = START + np.cumsum(rng.exponential(course.step, count).round() + 1)
    half = int(COVERED * count / max(many, 1) / 2)
    windows = tuple((max(at - half, 0), min(at + half, count - 1)) for at in onsets)
    return StreamRecord(times, scale * values, windows, family, tuple(kinds))


def _onsets(rng: np.random.Generator, count: int, many: int) -> list[int]:
    apart = COVERED * count / max(many, 1)
    while True:
        found = np.sort(rng.uniform(QUIET * count + apart / 2, 0.98 * count, many))
        if many < 2 or np.diff(found).min() > 1.05 * apart:
            return [int(at) for at in found]


def _restless(rng: np.random.Generator, course: Course) -> tuple[Values, Values]:
    """The regular part and the noise with what is not quite regular and nothing is wrong with: a
    noise that comes and goes, a slow wander, small steps for good."""
    regular, noise = course.regular.copy(), course.noise.copy()
    count, usual = len(regular), float(np.mean(course.noise))
    if rng.random() < 0.5:
        memory = float(np.exp(rng.uniform(np.log(50), np.log(1000))))
        noise *= np.exp(rng.uniform(0.1, 0.5) * ornstein_uhlenbeck(rng, count, memory))
    if rng.random() < 0.4:
        memory = float(np.exp(rng.uniform(np.log(200), np.log(3000))))
        regular += rng.uniform(0.2, 1.0) * usual * ornstein_uhlenbeck(rng, count, memory)
    if rng.random() < 0.3:
        for at in rng.integers(0, count, rng.integers(1, 6)).tolist():
            regular[at:] += rng.normal(0, 0.7) * usual
    return regular, noise


def _happen(
    rng: np.random.Generator,
    kind: str,
    regular: Values,
    noise: Values,
    at: int,
    length: int,
    size: float,
    usual: float,
    course: Course,
) -> list[Callable[[Values], None]]:
    """Put an anomaly into the course; what has to be done to the readings is given back."""
    end = at + length
    span = slice(at, end)
    sign = float(rng.choice([-1.0, 1.0]))
    level = float(np.median(regular))
    longer = slice(at, min(at + max(length, 40) * 3, len(regular)))
    if kind == "spike":
        few = slice(at, at + int(rng.integers(1, 5)))
        regular[few] += size * usual * 1.5 * (sign if rng.random() < 0.3 else 1.0)
    elif kind == "burst":
        rows = np.arange(end - at)
        regular[span] += size * usual * np.minimum(1, (rows + 1) / max(1, 0.2 * length))
    elif kind == "shift":
        regular[at:] += sign * size * usual * 0.6
    elif kind == "other":  # of another level for some time
        regular[longer] += sign * size * usual * 0.6
    elif kind == "drop":
        regular[span] -= size * usual
    elif kind == "outage":
        return [_set(span, 0.0)]
    elif kind == "stuck":
        return [_hold(longer)]
    elif kind == "noisy":
        noise[longer] *= 1 + size
    elif kind == "calm":
        noise[longer] *= 0.1
        regular[longer] = level + 0.2 * (regular[longer] - level)
    elif kind == "missing":  # the regular part does not come
        regular[longer] = float(np.quantile(regular, rng.choice([0.05, 0.5])))
    elif kind == "changed":  # what is regular comes at another time
        move = int(rng.integers(5, max(6, len(regular) // 20)))
        regular[longer] = np.roll(regular, move)[longer]
    elif kind == "larger":
        regular[longer] = level + (1 + 0.5 * size) * (regular[longer] - level)
    elif kind == "faster":
        rows = np.arange(longer.stop - at)
        regular[longer] = regular[np.clip(at + 2 * rows, 0, len(regular) - 1)]
    elif kind == "decline":
        rows = np.arange(len(regular) - at)
        slow = max(0.05 * len(regular), 30.0)
        regular[at:] += sign * size * usual * np.minimum(rows / slow, 3.0) * 0.7
    elif kind == "fall":
        rows = np.arange(longer.stop - at)
        regular[longer] -= 2 * size * usual * np.exp(-rows / max(length, 10))
    return []


def _set(span: slice, value: float) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        values[span] = value

    return change


def _hold(span: slice) -> Callable[[Values], None]:
    def change(values: Values) -> None:
        values[span] = values[span.start]

    return change


def _day(rng: np.random.Generator, count: int, step: float) -> tuple[Values, Values, Values]:
    """A profile of the day (n,) of 0 … 1, a factor of the week (n,) and the phase of the day."""
    time = np.arange(count) * step / DAY_S + rng.uniform(0, 7)
    phase = time % 1
    profile = np.zeros(count)
    for _ in range(rng.integers(1, 4)):
        centre, width = rng.uniform(0.2, 0.9), rng.uniform(0.04, 0.2)
        apart = (phase - centre + 0.5) % 1 - 0.5
        profile += rng.uniform(0.4, 1.0) * np.exp(-0.5 * (apart / width) ** 2)
    profile /= profile.max() + 1e-9
    weekend = (time % 7) >= 5
    week = np.where(weekend, rng.uniform(0.4, 1.1), 1.0)
    days = np.floor(time).astype(int)
    each = np.exp(rng.normal(0, 0.06, days.max() + 2))[days]
    return profile, np.asarray(week * each), np.asarray(time % 1)


def _traffic(rng: np.random.Generator, count: int, step: float) -> Course:
    profile, week, _ = _day(rng, count, step)
    base = float(np.exp(rng.uniform(np.log(20), np.log(20000))))
    regular = base * (rng.uniform(0.05, 0.6) + profile * week)
    noise = rng.uniform(0.02, 0.15) * regular + np.sqrt(regular)
    memory = ornstein_uhlenbeck(rng, count, float(rng.uniform(1, 12)))

    def read(mean: Values, size: Values) -> Values:
        return np.maximum(np.round(mean + size * memory), 0)

    kinds = ("spike", "burst", "drop", "outage", "missing", "changed", "other", "larger", "drop")
    return Course(regular, noise, read, kinds, step)


def _mentions(rng: np.random.Generator, count: int, step: float) -> Course:
    profile, week, _ = _day(rng, count, step)
    base = float(np.exp(rng.uniform(np.log(2), np.log(200))))
    regular = base * (0.3 + profile * week)
    shape = float(rng.uniform(1.5, 8))
    gamma = rng.gamma(shape, 1 / shape, count)
    viral = np.zeros(count)  # bursts that are usual, with a heavy tail
    for at in np.flatnonzero(rng.random(count) < rng.uniform(0.002, 0.01)).tolist():
        height = base * rng.pareto(2.5) * 2
        rows = np.arange(min(60, count - at))
        viral[at : at + len(rows)] += height * np.exp(-rows / rng.uniform(1, 8))

    def read(mean: Values, size: Values) -> Values:
        rate = np.maximum(mean, 0) * gamma ** np.minimum(size / regular, 3) + viral
        return rng.poisson(np.minimum(rate, 1e9)).astype(float)

    return Course(regular, regular.copy(), read, ("spike", "burst", "burst", "burst", "other",
                                                  "outage"), step)  # fmt: skip


def _server(rng: np.random.Generator, count: int, step: float) -> Course:
    base = rng.uniform(1, 50)
    regular = np.full(count, base)
    size = base * rng.uniform(0.01, 0.2)
    if rng.random() < 0.6:  # jobs
        every, long = int(rng.integers(8, 300)), int(rng.integers(1, 12))
        at = np.arange(count) + int(rng.integers(0, every))
        on = at % every < min(long, every // 2 + 1)
        regular = (
            regular
            + on
            * base
            * rng.uniform(0.3, 4)
            * np.exp(rng.normal(0, 0.15, count // every + 2))[at // every % (count // every + 2)]
        )
    if rng.random() < 0.4:
        profile, week, _ = _day(rng, count, step)
        regular = regular + base * rng.uniform(0.2, 1.5) * profile * week
    white = rng.standard_normal(count) if rng.random() < 0.6 else rng.standard_t(4, count) / 1.4
    memory = ornstein_uhlenbeck(rng, count, float(rng.uniform(1, 40)))
    share = rng.uniform(0, 1)
    rough = share * white + (1 - share) * memory
    spikes = _spikes(rng, count, base * rng.uniform(0.1, 2))

    def read(mean: Values, noise: Values) -> Values:
        return np.clip(mean + noise * rough + spikes, 0, None)

    kinds = ("spike", "shift", "shift", "other", "burst", "noisy", "missing", "stuck", "outage",
             "larger", "faster", "calm")  # fmt: skip
    return Course(regular, np.full(count, size), read, kinds, step)


def _network(rng: np.random.Generator, count: int, step: float) -> Course:
    base = float(np.exp(rng.uniform(np.log(10), np.log(1e6))))
    width = rng.uniform(0.05, 0.6)
    regular = np.full(count, base)
    if rng.random() < 0.5:
        profile, week, _ = _day(rng, count, step)
        regular = regular * (0.4 + profile * week)
    rough = ornstein_uhlenbeck(rng, count, float(rng.uniform(0.3, 10)))
    spikes = _spikes(rng, count, base * rng.uniform(1, 10))

    def read(mean: Values, noise: Values) -> Values:
        return np.maximum(mean, 0.01 * base) * np.exp(np.minimum(noise / base, 5) * rough) + spikes

    kinds = ("spike", "burst", "burst", "other", "shift", "noisy", "outage", "drop")
    return Course(regular, np.full(count, width * base), read, kinds, step)


def _temperature(rng: np.random.Generator, count: int, step: float) -> Course:
    size = rng.uniform(0.5, 4)
    regular = rng.uniform(20, 90) + size * ornstein_uhlenbeck(
        rng, count, float(rng.uniform(50, 1000)))  # fmt: skip
    regular += size * rng.normal(0, 1) * np.linspace(-1, 1, count)
    profile, week, _ = _day(rng, count, step)
    regular += rng.choice([0.0, 0.5, 2.0]) * size * profile * week
    rough = ornstein_uhlenbeck(rng, count, float(rng.uniform(0.3, 5)))

    def read(mean: Values, noise: Values) -> Values:
        return mean + noise * rough

    kinds = ("decline", "fall", "fall", "shift", "spike", "drop", "stuck", "noisy")
    return Course(regular, np.full(count, size * rng.uniform(0.05, 0.6)), read, kinds, step)


def _rate(rng: np.random.Generator, count: int, step: float) -> Course:
    base, width = rng.uniform(0.1, 5), rng.uniform(0.1, 0.5)
    regular = np.full(count, base)
    profile, week, _ = _day(rng, count, 3600.0)
    regular = regular * (1 + rng.uniform(0, 0.5) * profile * week)
    freedom = rng.uniform(2.5, 8)
    rough = rng.standard_t(freedom, count)

    def read(mean: Values, noise: Values) -> Values:
        return np.maximum(mean, 0.01) * np.exp(np.minimum(noise, 2 * base) / base * rough)

    kinds = ("spike", "spike", "burst", "other", "noisy")
    return Course(regular, np.full(count, width * base), read, kinds, 3600.0)


def _latency(rng: np.random.Generator, count: int, step: float) -> Course:
    base = float(np.exp(rng.uniform(np.log(1), np.log(500))))
    shape = rng.uniform(1.5, 20)
    regular = np.full(count, base)
    profile, week, _ = _day(rng, count, step)
    regular = regular * (1 + rng.choice([0.0, 0.5, 2.0]) * profile * week)
    gamma = rng.gamma(shape, 1 / shape, count) - 1
    spikes = _spikes(rng, count, base * rng.uniform(0.5, 6))

    def read(mean: Values, noise: Values) -> Values:
        return np.maximum(mean + noise * gamma + spikes, 0.05 * base)

    kinds = ("spike", "burst", "other", "shift", "noisy", "decline")
    return Course(regular, regular.copy(), read, kinds, step)


def _road(rng: np.random.Generator, count: int, step: float) -> Course:
    """Speeds or occupancies: free most of the time, jammed at the rush hours."""
    profile, week, _ = _day(rng, count, step)
    jam = 1 / (1 + np.exp(-12 * (profile * week - rng.uniform(0.5, 0.8))))
    high = rng.uniform(50, 90)
    down = rng.uniform(0.1, 0.7)
    regular = high * (1 - down * jam) if rng.random() < 0.5 else high * (0.05 + down * jam)
    rough = ornstein_uhlenbeck(rng, count, float(rng.uniform(0.3, 3)))
    spikes = _spikes(rng, count, high * rng.uniform(0.1, 0.5)) * rng.choice([-1, 1])

    def read(mean: Values, noise: Values) -> Values:
        return np.maximum(np.round(mean + noise * rough + spikes), 0)

    kinds = ("spike", "burst", "drop", "drop", "missing", "outage", "other", "changed")
    return Course(regular, np.full(count, high * rng.uniform(0.02, 0.12)), read, kinds, step)


def _cycle(rng: np.random.Generator, count: int, step: float) -> Course:
    """A machine's cycle, the same each time but for noise."""
    period = int(np.exp(rng.uniform(np.log(12), np.log(300))))
    phase = (np.arange(count) % period) / period
    form = rng.choice(["square", "sine", "tooth", "pulse"])
    wave = {"square": (phase < 0.5) * 1.0, "sine": 0.5 + 0.5 * np.sin(2 * np.pi * phase),
            "tooth": phase, "pulse": (phase < 0.08) * 1.0}[str(form)]  # fmt: skip
    size = rng.uniform(10, 80)
    regular = np.asarray(rng.uniform(0, 60) + size * wave)
    rough = rng.standard_normal(count)
    noise = np.full(count, size * float(rng.choice([0.0, 0.02, 0.08, 0.15])))

    def read(mean: Values, sizes: Values) -> Values:
        return mean + sizes * rough

    kinds = ("missing", "larger", "changed", "faster", "calm", "stuck", "spike", "shift", "other",
             "noisy")  # fmt: skip
    return Course(regular, noise, read, kinds, step)


def _usage(rng: np.random.Generator, count: int, step: float) -> Course:
    """A store that fills and is emptied."""
    period = int(rng.integers(40, 600))
    phase = ((np.arange(count) + rng.integers(0, period)) % period) / period
    regular = rng.uniform(5, 40) + rng.uniform(5, 50) * phase
    rough = ornstein_uhlenbeck(rng, count, float(rng.uniform(0.3, 20)))
    size = np.full(count, rng.uniform(0.1, 3))

    def read(mean: Values, sizes: Values) -> Values:
        return np.maximum(mean + sizes * rough, 0)

    kinds = ("shift", "other", "missing", "decline", "spike", "fall", "larger", "faster")
    return Course(regular, size, read, kinds, step)


def _spikes(rng: np.random.Generator, count: int, size: float) -> Values:
    """Those that are usual: now and then, alone or a few rows long, heavy-tailed."""
    out = np.zeros(count)
    if rng.random() < 0.35:
        return out
    chance = float(np.exp(rng.uniform(np.log(0.001), np.log(0.04))))
    tail = rng.uniform(2, 6)
    for at in np.flatnonzero(rng.random(count) < chance):
        out[at : at + int(rng.integers(1, 4))] += size * (0.3 + rng.pareto(tail))
    return out


FAMILIES: dict[str, Callable[[np.random.Generator, int, float], Course]] = {
    "traffic": _traffic, "mentions": _mentions, "server": _server, "network": _network,
    "temperature": _temperature, "rate": _rate, "latency": _latency, "road": _road,
    "cycle": _cycle, "usage": _usage,
}  # fmt: skip
