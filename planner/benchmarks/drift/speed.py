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


@dataclass(frozen=True)
class Speed:
    """``metrics_at_1_hz`` one core keeps up with, by how many seconds come at once;
    ``year_seconds`` for ``year_days`` of 1 Hz of one metric, events only, and the same brought
    to 365 days; bytes of state a metric after that long, and the most any had."""

    metrics_at_1_hz: Mapping[str, float]
    year_days: float
    seconds: float
    year_seconds: float
    state_bytes: int


def measure(settings: Mapping[str, Any]) -> Speed:
    """Measure all of it on simulated noise, swing and refills."""
    keeps_up = {
        f"{block} s": _metrics(settings["metrics"], settings["minutes"], block)
        for block in (60, 10)
    }
    seconds, held = _year(settings["year_days"])
    return Speed(keeps_up, settings["year_days"], seconds,
                 seconds * 365 / settings["year_days"], held)  # fmt: skip


def signal(start: float, count: int, rng: np.random.Generator) -> tuple[np.ndarray, np.ndarray]:
    """A value a second: noise, the day's swing, a saw-tooth of refills each 330 s."""
    times = start + np.arange(count, dtype=np.float64)
    values = np.sin(2 * np.pi * times / 86400) + 0.5 * (times % 330) / 330
    return times, values + 0.3 * rng.standard_normal(count)


def _metrics(many: int, minutes: float, block: int) -> float:
    """Metrics at 1 Hz that one core keeps up with: samples over the processor's seconds."""
    rng = np.random.default_rng(1)
    names = [f"metric_{k}" for k in range(many)]
    monitor = Monitor({name: MetricInfo(name, "", Limits(-9.0, 9.0)) for name in names})
    rounds = max(2, int(minutes * 60 / block))
    spent = 0.0
    for number in range(rounds):
        times, values = signal(1.7e9 + number * block, block, rng)
        blocks = [Samples.of(name, times, values) for name in names]
        began = time.process_time()
        for verdicts in monitor.update(blocks):
            verdicts.changes()
        spent += time.process_time() - began
    return many * rounds * block / spent


def _year(days: float) -> tuple[float, int]:
    """Processor seconds for so many days of 1 Hz of one metric, and the bytes then remembered."""
    rng = np.random.default_rng(2)
    monitor = Monitor({"one": MetricInfo("one", "", Limits(-9.0, 9.0))})
    count = int(days * 86400)
    spent, changes, most = 0.0, 0, 0
    for number, start in enumerate(range(0, count, YEAR_BLOCK)):
        times, values = signal(1.7e9 + start, min(YEAR_BLOCK, count - start), rng)
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
