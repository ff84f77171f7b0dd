"""How many metrics a core keeps up with, how long a year takes, and what is remembered of one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metadata.drift.follower import Follower
from metadata.drift.monitor import Monitor
from metadata.series import Limits, MetricInfo, Samples
from planner.benchmarks.drift.footprint import held, written

YEAR_BLOCK = 65536
LEARNED_DAYS = 10
SPAN_S = 3 * 3600
BEGIN = 1.7e9 // SPAN_S * SPAN_S  # unix s, the end of a bin
BLOCKS = 3


@dataclass(frozen=True)
class Speed:
    """By how many seconds come at once: ``metrics_at_1_hz`` that one core keeps up with over three
    hours after ten days were learned (every other one has limits). ``longest_s``: of 10 000
    metrics at 1 Hz, processor seconds for the slowest of the blocks of ten seconds after the end of
    a bin, at which all are to be judged. ``seconds`` for ``year_days`` of 1 Hz of one
    metric, only changes of state told, and the same brought to 365 days, with limits and
    ``without``; the most bytes of state that one of them had, or one without limits that is
    refilled, written down and, between two blocks, in memory.
    """

    metrics_at_1_hz: Mapping[str, float]
    longest_s: float
    year_days: float
    seconds: float
    year_seconds: float
    year_seconds_without: float
    state_bytes: int
    live_bytes: int


def measure(settings: Mapping[str, Any]) -> Speed:
    """Measure all of it on simulated noise, swing and refills."""
    found = {f"{block} s": _metrics(settings["metrics"], block) for block in settings["blocks_s"]}
    days = settings["year_days"]
    seconds, limited = _year(days, Limits(-9.0, 9.0))
    longer, free = _year(days, None)
    sizes = np.array([*limited, *free, _sizes(refilled())])
    return Speed(
        metrics_at_1_hz=found,
        longest_s=_longest(settings["metrics"], settings["many"]),
        year_days=days,
        seconds=seconds,
        year_seconds=seconds * 365 / days,
        year_seconds_without=longer * 365 / days,
        state_bytes=int(sizes[:, 0].max()),
        live_bytes=int(sizes[:, 1].max()),
    )


def signal(times: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise, the day's swing, a saw-tooth of refills each 330 s, at unix s (n,)."""
    values = np.sin(2 * np.pi * times / 86400) + 0.5 * (times % 330) / 330
    return times, values + 0.3 * rng.standard_normal(len(times))


def _learned(many: int) -> Monitor:
    """A monitor of so many metrics that has seen ten days."""
    rng = np.random.default_rng(1)
    names = [f"metric_{k}" for k in range(many)]
    # What has no limit is looked at reading by reading, and what has one bin by bin.
    limits = [Limits(-9.0, 9.0) if k % 2 else None for k in range(many)]
    monitor = Monitor(
        {name: MetricInfo(name, "", limit) for name, limit in zip(names, limits, strict=True)}
    )
    for day in range(LEARNED_DAYS):
        times, values = signal(BEGIN + (day - LEARNED_DAYS) * 86400 + 900.0 * np.arange(96), rng)
        list(monitor.update([Samples.of(name, times, values) for name in names]))
    return monitor


def _metrics(many: int, block: int) -> float:
    """Metrics at 1 Hz that one core keeps up with: samples by the processor's seconds, over
    :data:`SPAN_S`."""
    monitor, rng, spent = _learned(many), np.random.default_rng(3), 0.0
    for number in range(SPAN_S // block):
        times, values = signal(BEGIN + number * block + np.arange(float(block)), rng)
        blocks = [Samples.of(name, times, values) for name in monitor.followers]
        began = time.process_time()
        for verdicts in monitor.update(blocks):
            verdicts.changes()
        spent += time.process_time() - began
    return many * (SPAN_S // block) * block / spent


def _longest(few: int, many: int) -> float:
    """Processor seconds for the slowest block of ten seconds at the end of a bin, of so many
    metrics; each is one of a few that were learned, under a name of its own."""
    learned = _learned(few)
    states = [follower.to_state() for follower in learned.followers.values()]
    monitor, rng, longest = Monitor({}), np.random.default_rng(4), 0.0
    for number in range(many):
        state = states[number % few]
        name = f"metric_{number}"
        state = state | {"info": [name, *state["info"][1:]]}
        monitor.followers[name] = Follower.from_state(state, monitor.settings)
    for number in range(-1, BLOCKS):
        times, values = signal(BEGIN + 10.0 * number + np.arange(10.0), rng)
        blocks = [Samples.of(name, times, values) for name in monitor.followers]
        began = time.process_time()
        for verdicts in monitor.update(blocks):
            verdicts.changes()
        longest = max(longest, time.process_time() - began)
    return longest


def _year(days: float, limits: Limits | None) -> tuple[float, list[tuple[int, int]]]:
    """Processor seconds for so many days of 1 Hz of one metric, and :func:`_sizes` on the way."""
    rng = np.random.default_rng(2)
    monitor = Monitor({"one": MetricInfo("one", "", limits)})
    count = int(days * 86400)
    spent, changes, sizes = 0.0, 0, []
    for number, start in enumerate(range(0, count, YEAR_BLOCK)):
        times, values = signal(1.7e9 + np.arange(start, min(start + YEAR_BLOCK, count)), rng)
        block = Samples.of("one", times, values)
        began = time.process_time()
        for verdicts in monitor.update([block]):
            changes += len(list(verdicts.changes()))
        spent += time.process_time() - began
        if number % 50 == 0:
            sizes.append(_sizes(monitor))
    return spent, [*sizes, _sizes(monitor)]


def refilled() -> Monitor:
    """Has followed a metric without limits and found its refills."""
    monitor = Monitor({"one": MetricInfo("one")})
    times = BEGIN + 10.0 * np.arange(80000.0)
    _, noise = signal(times, np.random.default_rng(5))
    list(monitor.update([Samples.of("one", times, 0.01 * noise - (times % 330) / 330)]))
    return monitor


def _sizes(monitor: Monitor) -> tuple[int, int]:
    """Bytes of one metric as it is written down, and in memory."""
    return written(monitor.to_state()), held(monitor.followers)
