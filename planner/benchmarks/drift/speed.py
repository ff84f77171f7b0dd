"""How many metrics a core keeps up with, how long a year takes, and what is remembered of one."""

from __future__ import annotations

import time
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.series import Limits, MetricInfo, Samples

YEAR_BLOCK = 65536
LEARNED_DAYS = 10
SPAN_S = 3 * 3600


@dataclass(frozen=True)
class Speed:
    """By how many seconds come at once: ``metrics_at_1_hz`` that one core keeps up with over three
    hours after ten days were learned (every other one has limits), and ``longest_s`` that 10 000
    metrics wait for what is said of one such block. ``seconds`` for ``year_days`` of 1 Hz of one
    metric, only changes of state told, and the same brought to 365 days; the most bytes of state
    that this metric had.
    """

    metrics_at_1_hz: Mapping[str, float]
    longest_s: Mapping[str, float]
    year_days: float
    seconds: float
    year_seconds: float
    state_bytes: int


def measure(settings: Mapping[str, Any]) -> Speed:
    """Measure all of it on simulated noise, swing and refills."""
    found = {f"{block} s": _metrics(settings["metrics"], block) for block in settings["blocks_s"]}
    seconds, held = _year(settings["year_days"])
    return Speed(
        metrics_at_1_hz={block: kept for block, (kept, _) in found.items()},
        longest_s={block: wait for block, (_, wait) in found.items()},
        year_days=settings["year_days"],
        seconds=seconds,
        year_seconds=seconds * 365 / settings["year_days"],
        state_bytes=held,
    )


def signal(times: np.ndarray, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """Noise, the day's swing, a saw-tooth of refills each 330 s, at unix s (n,)."""
    values = np.sin(2 * np.pi * times / 86400) + 0.5 * (times % 330) / 330
    return times, values + 0.3 * rng.standard_normal(len(times))


def _metrics(many: int, block: int) -> tuple[float, float]:
    """Metrics at 1 Hz that one core keeps up with (samples by the processor's seconds, over
    :data:`SPAN_S`), and the longest it takes for 10 000 of them to be told of one block."""
    rng = np.random.default_rng(1)
    names = [f"metric_{k}" for k in range(many)]
    # What has no limit is looked at reading by reading, and what has one bin by bin.
    limits = [Limits(-9.0, 9.0) if k % 2 else None for k in range(many)]
    monitor = Monitor(
        {name: MetricInfo(name, "", limit) for name, limit in zip(names, limits, strict=True)}
    )
    begin = 1.7e9 - LEARNED_DAYS * 86400
    for day in range(LEARNED_DAYS):
        times, values = signal(begin + day * 86400 + 900.0 * np.arange(96), rng)
        list(monitor.update([Samples.of(name, times, values) for name in names]))
    spent, longest = 0.0, 0.0
    rounds = SPAN_S // block
    for number in range(rounds):
        times, values = signal(1.7e9 + number * block + np.arange(float(block)), rng)
        blocks = [Samples.of(name, times, values) for name in names]
        began = time.process_time()
        for verdicts in monitor.update(blocks):
            verdicts.changes()
        took = time.process_time() - began
        spent, longest = spent + took, max(longest, took)
    return many * rounds * block / spent, longest / many * 10000


def _year(days: float) -> tuple[float, int]:
    """Processor seconds for so many days of 1 Hz of one metric, and the bytes then remembered."""
    rng = np.random.default_rng(2)
    monitor = Monitor({"one": MetricInfo("one", "", Limits(-9.0, 9.0))})
    count = int(days * 86400)
    spent, changes, most = 0.0, 0, 0
    for number, start in enumerate(range(0, count, YEAR_BLOCK)):
        times, values = signal(1.7e9 + np.arange(start, min(start + YEAR_BLOCK, count)), rng)
        block = Samples.of("one", times, values)
        began = time.process_time()
        for verdicts in monitor.update([block]):
            changes += len(list(verdicts.changes()))
        spent += time.process_time() - began
        if number % 50 == 0:
            most = max(most, size(monitor.to_state()))
    return spent, max(most, size(monitor.to_state()))


def size(state: Any) -> int:
    """Bytes of everything that is remembered, as it is written down."""
    import pickle

    return len(pickle.dumps(state))
