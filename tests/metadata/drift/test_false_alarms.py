"""The time between false alarms that the user asks for."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metadata.drift.detectors.ensemble import Ensemble
from metadata.drift.detectors.multivariate import Multivariate
from metadata.drift.settings import MonitorSettings
from planner.benchmarks.drift.case import make
from planner.benchmarks.drift.simulated import Watching, watched
from planner.benchmarks.drift.unlimited import Asked, held
from planner.benchmarks.drift.watched import warned, watch

STILL = {"step_share": 0.0, "energy_changes_per_month": 0.0, "gap_moves_per_day": 0.0,
         "shutdowns_per_year": 0.0}  # fmt: skip


@pytest.mark.parametrize("step_s", [900.0, 300.0])
def test_it_holds_for_noise_however_often_it_is_read(step_s: float) -> None:
    said, days = 0, 0.0
    for seed in range(4):
        times = step_s * np.arange(4000.0)
        noise = np.random.default_rng(seed).standard_normal(4000)
        found = times[Ensemble(days=3.0).judge(times, noise)[1]]
        said += int((np.diff(found, prepend=-np.inf) > 3 * 3600).sum())
        days += times[-1] / 86400
    assert 1.0 < days / said < 12.0


def test_longer_is_less_and_later() -> None:
    case = make(50000, days=30.0)
    first, share = {}, {}
    for days in (3.0, 1000.0):
        settings = replace(MonitorSettings(), false_alarm_days=days)
        said = watch(case, settings=settings)[case.metric]
        on = warned(said)
        first[days], share[days] = said.times[np.argmax(on)], on.mean()
    assert first[3.0] < first[1000.0]
    assert share[3.0] > share[1000.0]
    assert Multivariate(days=10.0).said < Multivariate().said < Multivariate(days=1000.0).said


@pytest.mark.slow
def test_it_holds_for_metrics_with_limits() -> None:
    """At most twice as many as were asked for."""
    rows = [watched(Watching(60000 + k, True, false_alarm_days=100.0))[0] for k in range(24)]
    assert sum(row.false for row in rows) <= 2 * sum(row.watched_days for row in rows) / 100


@pytest.mark.slow
def test_it_holds_for_metrics_without_limits() -> None:
    rows = [held(Asked(62000 + k, 3, 30.0, STILL)) for k in range(4)]
    between = sum(row.metric_days for row in rows) / sum(row.said for row in rows)
    assert 12 < between < 120
