"""Records of other units, other cadences, with broken clocks and impossible values."""

from __future__ import annotations

from functools import cache
from itertools import pairwise

import numpy as np
import pytest

from metadata.drift.clock import Clock
from metadata.drift.monitor import Monitor
from metadata.drift.regimes import Timeline
from metadata.drift.verdicts import ALARM, GAP, MOVING, QUIET, WARNING, Verdicts
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples

DAY = 86400.0
START = 1.7e9


@cache
def as_ever() -> tuple[np.ndarray, np.ndarray, Verdicts]:
    """Times, values and verdicts of a drift that is warned of, with nothing wrong."""
    times, values = drifting(20, 900, onset=12, life=7)
    return times, values, said_of(times, values, Limits(-10, 10))


def drifting(days: float, step_s: float, onset: float, life: float) -> tuple[np.ndarray, ...]:
    """Unix s and values: noise of 1, and a ramp from ``onset`` to 10 in ``life`` days."""
    times = START + np.arange(0, days * DAY, step_s)
    since = np.maximum((times - START) / DAY - onset, 0)
    return times, np.random.default_rng(1).standard_normal(len(times)) + since / life * 10


def said_of(times: np.ndarray, values: np.ndarray, limits: Limits | None) -> Verdicts:
    [said] = Monitor({"x": MetricInfo("x", "", limits)}).update([Samples.of("x", times, values)])
    return said


@pytest.mark.parametrize(("scale", "offset"), [(1e-12, 0.0), (1e-30, 0.0), (1e-3, 1e9), (1e20, 0)])
def test_the_unit_does_not_matter(scale: float, offset: float) -> None:
    times, values, plain = as_ever()
    other = said_of(times, scale * values + offset,
                    Limits(offset - 10 * scale, offset + 10 * scale))  # fmt: skip
    assert {WARNING, ALARM} <= set(plain.codes)
    first, as_first = (np.argmax(v.codes == WARNING) for v in (plain, other))
    assert abs(int(first) - int(as_first)) <= 24  # bins of the large offset round otherwise


@pytest.mark.parametrize("step_h", [0.5, 1, 2, 4, 12, 24])
def test_what_is_read_rarely_is_warned_of_and_alarmed(step_h: float) -> None:
    long = 3 if step_h > 4 else 1
    times, values = drifting(60 * long, step_h * 3600, onset=35 * long, life=15 * long)
    said = said_of(times, values, Limits(-10, 10))
    days = (said.times - START) / DAY / long
    warned = np.flatnonzero(said.codes == WARNING)
    assert len(warned)
    assert 35 < days[warned[0]] < 47
    assert set(said.codes[days > 53]) == {ALARM}
    assert not np.isin(said.codes[days < 35], (WARNING, ALARM)).any()


def test_a_record_that_becomes_rarer_is_not_silent_for_ever() -> None:
    dense, rare = np.arange(0, 5 * DAY, 900), np.arange(5 * DAY, 30 * DAY, 14400)
    times = START + np.concatenate([dense, rare])
    values = np.random.default_rng(0).standard_normal(len(times))
    values[times > START + 25 * DAY] += 15
    said = said_of(times, values, Limits(-10, 10))
    assert said.codes[-1] == ALARM


@pytest.mark.parametrize("wrong", [START + 700 * DAY, 0.0, np.nan, np.inf, -np.inf])
def test_one_impossible_stamp_changes_nothing_else(wrong: float) -> None:
    times, values, plain = as_ever()
    broken = times.copy()
    broken[300] = wrong
    said = said_of(broken, values, Limits(-10, 10))
    assert said.codes[300] == GAP
    assert (np.delete(plain.codes, 300) != np.delete(said.codes, 300)).mean() < 0.02


def test_a_clock_that_was_a_year_ahead_for_hours_is_set_back() -> None:
    times, values, _ = as_ever()
    broken = times.copy()
    broken[300:320] += 365 * DAY
    said = said_of(broken, values, Limits(-10, 10))
    assert {WARNING, ALARM} <= set(said.codes)
    assert np.argmax(said.codes == WARNING) < 19 * 96


def test_the_first_stamps_may_be_wrong_and_blocks_do_not_matter() -> None:
    steps = 900.0 * np.arange(30)
    stamps = START + np.concatenate([[np.nan, 9e9], steps, [np.nan, 9 * DAY], 10 * DAY + steps[:5]])
    whole = Clock().update(stamps)
    clock, parts = Clock(), []
    for a, b in pairwise([0, 1, 2, 5, 11, 12, 32, 33, 34, 35, len(stamps)]):
        parts.append(clock.update(stamps[a:b]))
        clock = Clock.from_state(clock.to_state())
    for k in (0, 1):
        assert np.array_equal(np.concatenate([p[k] for p in parts]), whole[k])
    assert whole[1][12:32].all()
    assert whole[0][-1] == stamps[-1]


@pytest.mark.parametrize(("wild", "at"), [(1e300, 5), (-np.inf, 700), (1e90, 0), (1e90, 700)])
def test_an_impossible_value_is_a_gap_or_an_outlier(wild: float, at: int) -> None:
    times, values, _ = as_ever()
    values = values.copy()
    values[at] = wild
    said = said_of(times, values, Limits(-10, 10))
    assert 12 * 96 < np.argmax(said.codes == WARNING) < 17 * 96
    unlimited = said_of(times[:900], values[:900], None)
    assert np.isfinite(unlimited.scores).all()


def test_outliers_each_second_hour_hide_no_drift() -> None:
    times, values, _ = as_ever()
    said = said_of(times, np.where(np.arange(len(times)) % 50, values, 1e6), Limits(-10, 10))
    assert 12 * 96 < np.argmax(said.codes == WARNING) < 17 * 96


def test_a_large_swing_of_the_day_is_quiet() -> None:
    times, values = drifting(16, 900, onset=99, life=9)
    said = said_of(times, values + 3 * np.sin(2 * np.pi * times / DAY), Limits(-10, 10))
    late = said.times > START + 6 * DAY
    assert np.isin(said.codes[late], (MOVING, WARNING, ALARM)).mean() < 0.1


def test_a_drift_that_was_repaired_without_a_word_is_over() -> None:
    times, values = drifting(28, 900, onset=12, life=12)
    days = (times - START) / DAY
    values = np.where(days < 20, values, np.random.default_rng(2).standard_normal(len(times)))
    said = said_of(times, values, Limits(-10, 10))
    assert WARNING in said.codes[days < 20]
    assert not np.isin(said.codes[days > 21], (WARNING, ALARM)).any()
    assert (said.codes[days > 22] == QUIET).mean() > 0.9
    # Nobody told of a repair: until it is sure, the time to the limit is open, not none.
    doubted = (days > 20) & (days < 28)
    assert np.isfinite(said.seconds[doubted]).all()
    assert (said.highs[doubted] / said.lows[doubted])[days[doubted] > 21.5].min() > 4


@pytest.mark.parametrize("repaired", [True, False])
def test_what_maintenance_left_near_its_limit_may_go_on(repaired: bool) -> None:
    times, values = drifting(24, 900, onset=12, life=8)
    days = (times - START) / DAY
    after = np.random.default_rng(3).standard_normal(len(times)) + (0.0 if repaired else 8.0)
    values = np.where(days < 20.5, values, after)
    book = [LoggedEvent(START + 20.5 * DAY, "maintenance"),
            LoggedEvent(START + 20.75 * DAY, "beam_back")]  # fmt: skip
    monitor = Monitor({"x": MetricInfo("x", "", Limits(-10, 10))})
    [said] = monitor.update([Samples.of("x", times, values)], book)
    assert ALARM in said.codes[days < 20.5]
    # A new baseline either way. The time to the limit is open until a bin of readings tells that it
    # was repaired, and for longer where it was not.
    early = (days > 20.6) & (days < 20.95) & (said.codes != ALARM)
    assert np.isfinite(said.seconds[early]).all()
    later = (days > 21.5) & (said.codes != ALARM)
    assert not np.isin(said.codes[later | early], (WARNING, ALARM)).any()
    told = np.isfinite(said.seconds[later])
    assert told.mean() < 0.2 if repaired else told.all()
    if not repaired:
        assert (said.highs[later] / said.lows[later]).min() > 4


def test_a_step_that_rests_becomes_the_new_normal() -> None:
    times, values = drifting(30, 1800, onset=99, life=9)
    days = (times - START) / DAY
    said = said_of(times, values + np.where(days > 12, 3.0, 0.0), Limits(-10, 10))
    assert not np.isin(said.codes[days > 24], (WARNING, ALARM)).any()


def test_a_long_log_book_told_ahead_loses_nothing_and_is_forgotten_in_time() -> None:
    events = [event for day in range(1500) for event in (
        LoggedEvent(START + day * DAY, "dump"), LoggedEvent(START + (day + 0.1) * DAY, "beam_back"))
    ]  # fmt: skip
    monitor = Monitor({"x": MetricInfo("x", "", Limits(-10, 10))})
    noise = np.random.default_rng(0).standard_normal
    times = START + np.arange(0, 3 * DAY, 900)
    [said] = monitor.update([Samples.of("x", times, noise(len(times)))], events)
    assert len(set(said.regimes[:96])) == 3  # dump, recovery, operation of the first day
    later = times + 1400 * DAY
    monitor.update([Samples.of("x", later, noise(len(later)))])
    assert len(monitor.timeline) < 1000


def test_what_is_forgotten_is_still_counted() -> None:
    timeline = Timeline()
    for day in range(10):
        timeline.tell(LoggedEvent(day * DAY, "maintenance"))
        timeline.tell(LoggedEvent((day + 0.2) * DAY, "beam_back"))
    now = np.array([9.05, 9.9]) * DAY
    before = timeline.era(9.5 * DAY), timeline.codes(now).tolist()
    timeline.forget(7 * DAY)
    assert (timeline.era(9.5 * DAY), timeline.codes(now).tolist()) == before
    again = Timeline.from_state(timeline.to_state())
    assert again.era(9.5 * DAY) == before[0]
