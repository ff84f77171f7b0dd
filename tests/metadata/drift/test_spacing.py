"""Very many metrics are judged one after the other, and what is said does not depend on blocks."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

import metadata.drift.monitor as home
from metadata.drift.monitor import Monitor
from metadata.drift.verdicts import ALARM, WARNING
from metadata.series import Limits, MetricInfo, Samples

DAY = 86400.0
INFO = {"x": MetricInfo("x", "", Limits(-10, 10))}


def ramp() -> tuple[np.ndarray, np.ndarray]:
    times = 1.7e9 // 10800 * 10800 + np.arange(0, 14 * DAY, 600)
    since = np.maximum((times - times[0]) / DAY - 7, 0)
    return times, np.random.default_rng(0).standard_normal(len(times)) + 1.5 * since


def test_judgements_come_later_and_are_the_same(monkeypatch: pytest.MonkeyPatch) -> None:
    times, values = ramp()
    [at_once] = Monitor(INFO).update([Samples.of("x", times, values)])
    monkeypatch.setattr(home, "AT_ONCE", 0)
    monkeypatch.setattr(home, "SPACED_S", 1e6)
    [later] = Monitor(INFO).update([Samples.of("x", times, values)])
    first, second = (int(np.argmax(v.codes == WARNING)) for v in (at_once, later))
    assert 0 < times[second] - times[first] <= home.LATEST_S
    monitor, parts = Monitor(INFO), []
    for a, b in pairwise([0, 1, 700, 1011, first, first + 1, second, second + 1, len(times)]):
        parts += list(monitor.update([Samples.of("x", times[a:b], values[a:b])]))
        monitor = Monitor.from_state(monitor.to_state())
    for field in ("codes", "scores", "seconds", "lows"):
        cut = np.concatenate([getattr(p, field) for p in parts])
        assert np.array_equal(cut, getattr(later, field), equal_nan=True), field
    assert later.codes[-1] == ALARM


def test_a_hundred_metrics_wait_for_nothing_and_ten_thousand_are_spread() -> None:
    few = Monitor({f"m{k}": MetricInfo(f"m{k}") for k in range(100)})
    assert {few._delay(name) for name in few.followers} == {0.0}
    many = Monitor({f"m{k}": MetricInfo(f"m{k}") for k in range(1100)})
    delays = np.array([many._delay(name) for name in many.followers])
    per_second = np.bincount(delays.astype(int))
    assert 90 < delays.max() < 101
    assert per_second.max() < 25
