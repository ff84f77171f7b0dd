"""The replay of a real ring current, kills and speed, and the page that tells of all."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from metadata.drift.monitor import Monitor
from metadata.drift.regimes import REFILL
from metadata.drift.verdicts import WARNING
from metadata.series import MetricInfo
from planner.benchmarks.catalogue import BENCHMARKS
from planner.benchmarks.drift import measured, ring, settings
from planner.benchmarks.drift.case import make
from planner.benchmarks.drift.kills import measure as kill
from planner.benchmarks.drift.watched import days, joined, watch


def test_the_measure_of_the_ring_current_finds_what_is_known_of_it(data: Path) -> None:
    """Regimes painted where the record rises give the known lifetime and step."""
    record = ring.read(data / settings()["ring"]["file"])
    shown = ring.rises(record)
    assert len(shown) > 25
    said = joined(list(Monitor({ring.COLUMN: MetricInfo(ring.COLUMN, "mA")}).update([record])))
    regimes = np.zeros(len(record), np.int8)
    for a, b in shown:
        regimes[a + 1 : b + 1] = REFILL
    painted = replace(said, regimes=regimes, codes=np.zeros(len(record), np.int8))
    found = ring.judge(record, painted)
    assert (found.recognised, found.invented, found.alarms) == (len(shown), 0, 0)
    assert found.lifetime_h == pytest.approx(9.1, rel=0.05)
    assert found.step_ma == pytest.approx(0.97, rel=0.05)
    regimes[100] = REFILL  # in the midst of a decay
    wrong = replace(painted, regimes=regimes, codes=np.full(len(record), WARNING, np.int8))
    found = ring.judge(record, wrong)
    assert (found.invented, found.alarms) == (1, len(record))


def test_a_history_arrives_whole_and_in_order() -> None:
    case = make(41501)
    steps = list(days(case.samples, case.events, step=20000.0))
    times = np.concatenate([block.times for blocks, _ in steps for block in blocks])
    np.testing.assert_array_equal(times, case.target.times)
    events = [event for _, told in steps for event in told]
    assert events == list(case.events[: len(events)])
    assert len(events) > 0.9 * len(case.events)


def test_what_is_said_of_a_history_can_be_joined() -> None:
    case = make(41501, days=10.0)
    said = watch(case)[case.metric]
    np.testing.assert_array_equal(said.times, case.target.times)
    assert said.cause_rows.max(initial=-1) < max(len(said.causes), 1)


def test_kills_lose_and_repeat_nothing() -> None:
    found = kill(make(41502, days=16.0), kills=8)
    assert found.said > 0
    assert (found.lost, found.repeated, found.differing) == (0, 0, 0)


@pytest.mark.slow
def test_fifty_kills_lose_and_repeat_nothing() -> None:
    found = kill(make(50000), kills=50)
    assert (found.kills, found.lost, found.repeated, found.differing) == (50, 0, 0, 0)


@pytest.mark.slow
def test_the_whole_measure_writes_its_page(tmp_path: Path) -> None:
    how = settings(quick=True)
    numbers, page = measured(how, tmp_path)
    for part in ("Warnings on", "Time to the limit", "The cause", "Streams", "Replay", "Speed",
                 "Killed"):  # fmt: skip
        assert f"## {part}" in page
    assert numbers["warnings"]["always-fire"]["left"]["value"] > 0.98
    assert (tmp_path / "early_warning.png").stat().st_size > 10000


def test_it_is_a_benchmark_that_can_be_named() -> None:
    assert {"drift", "drift-quick"} <= set(BENCHMARKS)


def test_a_moment_within_a_history_can_be_looked_at() -> None:
    case = make(50000, days=20.0)
    moment = (case.start + case.end) / 2 + 1000.0
    seen: list[float] = []

    def look(monitor: Monitor) -> None:
        seen.append(monitor.followers[case.metric].clock.now)

    whole = watch(case)[case.metric]
    cut = watch(case, moment=moment, look=look)[case.metric]
    assert len(seen) == 1
    assert moment - 2 * 86400 < seen[0] < moment
    np.testing.assert_array_equal(whole.codes, cut.codes)
    np.testing.assert_array_equal(whole.seconds, cut.seconds)
