"""Regimes from the log book, a ring current and the data; gaps, held values, refills, repairs."""

from __future__ import annotations

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.drift.regimes import DUMP, MAINTENANCE, RECOVERY, REFILL, Timeline
from metadata.drift.verdicts import ALARM, GAP, QUIET, WARNING, Verdicts
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples

HOUR, DAY = 3600.0, 86400.0


def watch(
    values: np.ndarray, events: list[LoggedEvent], step_s: float = 900.0, seed: int = 0
) -> Verdicts:
    """Verdicts on values (n,) with unit noise and a limit of ±12."""
    times = step_s * np.arange(len(values))
    noisy = values + np.random.default_rng(seed).standard_normal(len(values))
    monitor = Monitor({"x": MetricInfo("x", "um", Limits(-12, 12))})
    [said] = monitor.update([Samples.of("x", times, noisy)], events)
    return said


def test_the_log_book_tells_regimes_until_the_beam_is_back() -> None:
    timeline = Timeline()
    timeline.tell(LoggedEvent(0.0, "maintenance"))
    timeline.tell(LoggedEvent(8 * HOUR, "beam_back"))
    codes = timeline.codes(np.array([-1.0, 1.0, 8.1 * HOUR, 13 * HOUR]))
    assert codes.tolist() == [0, MAINTENANCE, RECOVERY, 0]
    assert timeline.era(7 * HOUR) == 0
    assert timeline.era(9 * HOUR) == 1


def test_a_ring_current_tells_that_the_beam_is_lost_for_the_others_too() -> None:
    times = 60.0 * np.arange(600)
    current = np.where((times > 10000) & (times < 20000), 0.0, 100.0)
    current += 0.01 * np.random.default_rng(0).standard_normal(600)
    monitor = Monitor({"ring_current": MetricInfo("ring_current", "mA"),
                       "axis": MetricInfo("axis", "um", Limits(-5, 5))})  # fmt: skip
    wild = np.where(current < 50, 40.0, 0.0) + np.random.default_rng(1).standard_normal(600)
    said = {v.metric: v for v in monitor.update(
        [Samples.of("axis", times, wild), Samples.of("ring_current", times, current)])}  # fmt: skip
    dark = (times > 10200) & (times < 20000)
    assert set(said["axis"].regimes[dark]) == {DUMP}
    assert set(said["axis"].codes[dark]) == {QUIET}


def test_refills_are_a_regime_and_their_step_and_lifetime_are_known() -> None:
    times = 2.0 * np.arange(4000)
    current = 101 - 0.97 * (times % 338) / 338
    monitor = Monitor({"ring_current": MetricInfo("ring_current", "mA")})
    [said] = monitor.update([Samples.of("ring_current", times, current)])
    facts = monitor.saw_tooth("ring_current")
    assert facts is not None
    assert abs(facts.step - 0.97) < 0.02
    assert abs(facts.period_s - 338) < 2
    assert abs(facts.lifetime_s / (100.5 * 338 / 0.97) - 1) < 0.02
    assert (said.regimes == REFILL).sum() >= len(facts.refills) - 5
    assert not np.isin(said.codes, (WARNING, ALARM)).any()


def test_a_held_value_is_a_gap_and_not_quiet() -> None:
    values = np.zeros(800)
    noisy = values + np.random.default_rng(0).standard_normal(800)
    noisy[500:560] = noisy[499]
    noisy[600:610] = np.nan
    monitor = Monitor({"x": MetricInfo("x", "", Limits(-12, 12))})
    [said] = monitor.update([Samples.of("x", 900.0 * np.arange(800), noisy)])
    assert set(said.codes[510:560]) == {GAP}
    assert set(said.codes[600:610]) == {GAP}
    assert set(said.codes[620:]) == {QUIET}
    assert said.one(605).value is None


def test_a_step_after_maintenance_is_a_new_baseline() -> None:
    days = np.arange(0, 40, 1 / 96)
    values = np.where(days > 20.3, 2.5, 0.0)
    values[(days > 20) & (days < 20.3)] = 50
    events = [LoggedEvent(20.0 * DAY, "maintenance"), LoggedEvent(20.3 * DAY, "beam_back")]
    said = watch(values, events)
    assert not np.isin(said.codes, (WARNING, ALARM)).any()


def test_recovery_after_a_dump_is_no_drift() -> None:
    days = np.arange(0, 30, 1 / 96)
    since = (days - 20.05) * 24
    values = np.where(since > 0, -30 * np.exp(-since / 0.75), 0.0)
    values[(days >= 20) & (since <= 0)] = -30
    events = [LoggedEvent(20.0 * DAY, "dump"), LoggedEvent(20.05 * DAY, "beam_back")]
    said = watch(values, events)
    assert not np.isin(said.codes, (WARNING, ALARM)).any()


def test_a_ramp_is_warned_of_once_and_long_before_the_limit() -> None:
    days = np.arange(0, 42, 1 / 96)
    values = np.maximum(days - 20, 0) * 0.6  # there after 20 days
    said = watch(values, [])
    first = days[np.argmax(said.codes == WARNING)]
    assert 20 < first < 30
    assert ((said.changes().codes == WARNING).sum()) <= 2
    half = 30 * 96
    left = said.one(half).seconds_to_limit
    assert left is not None
    assert left.low < 10 * DAY < left.high
    assert 5 * DAY < left.value < 20 * DAY
    assert said.codes[-1] == ALARM
    assert said.limits[half] == 12


def test_after_a_repair_all_begins_anew() -> None:
    days = np.arange(0, 50, 1 / 96)
    values = np.where(days < 40, np.maximum(days - 20, 0) * 0.65, 0.0)
    events = [LoggedEvent(40.0 * DAY, "maintenance", "x repaired."),
              LoggedEvent(40.3 * DAY, "beam_back")]  # fmt: skip
    said = watch(values, events)
    assert ALARM in said.codes[: 40 * 96]
    assert set(said.codes[41 * 96 :]) == {QUIET}
