"""What is recorded: the same from the same settings, however it is cut; faults where they are."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from simulators.histories import History, simulate_history
from simulators.histories.metrics import METRICS
from simulators.histories.recording import Recording
from tests.simulators.histories.histories import month, quiet_days


def test_the_same_settings_give_the_same_record() -> None:
    again = simulate_history(History(**month().settings.to_dict()))
    assert set(again.series) == set(METRICS)
    for name, (times, values) in month().series.items():
        np.testing.assert_array_equal(again.series[name][0], times)
        np.testing.assert_array_equal(again.series[name][1], values)
    other = simulate_history(replace(month().settings, seed=5))
    assert len(other.series["beam_x"][1]) != len(month().series["beam_x"][1])


@pytest.mark.parametrize("size", [1, 7, 1000, 9001])
def test_chunks_do_not_change_a_bit(size: int) -> None:
    settings = replace(month().settings, days=3, onset_day=1, cadence_s=300.0,
                       clock_faults_per_month=40, disconnects_per_month=20)  # fmt: skip
    if size >= 1000:  # more than one block of random numbers
        settings = replace(settings, cadence_s=20.0)
    settings = replace(settings, metrics=("flat_shift", "axis_position", "ring_current"))
    whole = simulate_history(settings)
    rows = whole.recording.rows(0, whole.count)
    pieces = list(simulate_history(settings).chunks(size))
    np.testing.assert_array_equal(np.concatenate([p.times for p in pieces]), rows.times)
    for name, values in rows.values.items():
        joined = np.concatenate([p.values[name] for p in pieces])
        np.testing.assert_array_equal(joined, values)


def test_a_chunk_late_in_a_year_of_seconds_is_cheap_and_the_same() -> None:
    year = simulate_history(History(days=365, cadence_s=1.0, metrics=("beam_y",), metric="beam_y"))
    start = year.count - 5000
    last = year.recording.rows(start, year.count)
    assert 0 < len(last.times) <= 5000
    fresh = Recording(year.instrument).rows(start + 1000, start + 2000)
    inside = np.isin(last.times, fresh.times)
    np.testing.assert_array_equal(last.values["beam_y"][inside], fresh.values["beam_y"])


def test_the_true_value_does_not_depend_on_the_cadence() -> None:
    coarse = month()
    fine = simulate_history(replace(coarse.settings, cadence_s=60.0))
    times = coarse.settings.start + 900.0 * np.arange(200, 400)
    for name in ("axis_position", "beam_x", "flat_shift", "ring_current"):
        np.testing.assert_array_equal(coarse.level(name, times), fine.level(name, times))


def test_without_faults_the_record_is_the_true_value_and_its_noise() -> None:
    made = quiet_days()
    times, values = made.series["ring_current"]
    assert len(times) == 3 * 86400
    noise = values - made.level("ring_current", times)
    assert noise.std() == pytest.approx(METRICS["ring_current"].noise, rel=0.03)
    # Half of the noise's amplitude, a quarter of its power, has a memory of 4 s.
    assert np.corrcoef(noise[1:], noise[:-1])[0, 1] == pytest.approx(
        0.25 * np.exp(-1 / 4), abs=0.03
    )


def test_gaps_lie_where_the_truth_says() -> None:
    made = month()
    gaps = [f for f in made.truth.faults if f.name == "gap"]
    assert any(g.metric == "" for g in gaps)
    assert any(g.metric for g in gaps)
    clocks = [f for f in made.truth.faults if f.name == "clock_back"]
    for gap in gaps:
        for name in [gap.metric] if gap.metric else made.names:
            times = made.series[name][0]
            inside = (times >= gap.start) & (times < gap.end)
            # A clock that was set back writes times that belong elsewhere.
            for clock in clocks:
                inside &= (times < clock.start - 6 * 86400) | (times > clock.end)
            assert not inside.any()


def test_disconnects_hold_the_last_value_and_nothing_else_does() -> None:
    made = month()
    faults = made.truth.faults
    held = [f for f in faults if f.name == "disconnect"]
    for name in ("hutch_temperature", "stage_runout"):
        rows = made.recording.rows(0, made.count)
        values = rows.values[name]
        flat = np.diff(values) == 0
        inside = np.zeros(len(values), dtype=bool)
        for fault in held:
            if fault.metric != name:
                continue
            index = np.arange(made.count)
            there = (made.recording.ideal(index) >= fault.start) & (
                made.recording.ideal(index) < fault.end
            )
            single = made.recording.rows(int(index[there][0]), int(index[there][-1]) + 1)
            known = single.values[name][np.isfinite(single.values[name])]
            assert len(set(known)) <= 1
            inside |= np.isin(rows.times, single.times)
        doubled = np.diff(rows.times) == 0
        assert flat[inside[1:] & inside[:-1]].mean() > 0.9
        if METRICS[name].resolution == 0:
            assert not flat[~inside[1:] & ~inside[:-1] & ~doubled].any()


@pytest.mark.parametrize("kind", ["clock_back", "duplicates", "disorder"])
def test_clock_faults_are_found_where_the_truth_says(kind: str) -> None:
    settings = History(days=20, onset_day=5, metrics=("axis_position", "stage_runout"),
                       clock_faults_per_month=12, gaps_per_month=0, seed=8)  # fmt: skip
    made = simulate_history(settings)
    faults = [f for f in made.truth.faults if f.name == kind]
    assert faults
    for fault in faults:
        index = np.arange(made.count)
        ideal = made.recording.ideal(index)
        there = index[(ideal >= fault.start) & (ideal < fault.end)]
        rows = made.recording.rows(int(there[0]) - 4, int(there[-1]) + 5)
        steps = np.diff(rows.times)
        if kind == "clock_back":
            assert steps.min() == pytest.approx(900 - 0.6 * (fault.end - fault.start))
        elif kind == "duplicates":
            assert (steps == 0).sum() == len(there)
        else:
            assert (steps < 0).sum() >= len(there) // 2 - 1
    # Outside of any fault time runs as it should.
    good = np.ones(made.count, dtype=bool)
    for fault in made.truth.faults:
        good &= ~((ideal >= fault.start - 900) & (ideal < fault.end + 900))
    calm = made.recording.rows(0, made.count)
    assert np.isin(ideal[good], calm.times).all()


def test_once_a_scan_there_is_a_value_for_each_scan() -> None:
    made = simulate_history(History(days=5, onset_day=1, cadence_s=None, clock_faults_per_month=0,
                                    gaps_per_month=0, disconnects_per_month=0))  # fmt: skip
    times, _ = made.series["axis_position"]
    np.testing.assert_array_equal(times, made.instrument.schedule.scans)
    assert np.diff(times).min() >= 240
    assert made.instrument.schedule.within(times, ("operation",)).all()
