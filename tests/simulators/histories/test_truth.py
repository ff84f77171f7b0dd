"""The truth: onsets, crossings, regimes, causes and the lags between metrics."""

from __future__ import annotations

import json
from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest

from metadata.errors import InputError
from simulators.histories import History, draw_history, simulate_history
from simulators.histories.drift_shapes import SHAPES, growth
from simulators.histories.schedule import REGIMES
from simulators.histories.settings import DAY
from simulators.histories.truth import beyond
from tests.simulators.histories.histories import month, quiet_days


@pytest.mark.parametrize("shape", SHAPES)
@pytest.mark.parametrize("cause", ["", "hutch_temperature"])
def test_the_true_value_crosses_when_the_truth_says(shape: str, cause: str) -> None:
    settings = History(days=40, onset_day=15, life_days=9, shape=shape, cause=cause, direction=-1,
                       metrics=("hutch_temperature", "axis_position"), seed=3)  # fmt: skip
    made = simulate_history(settings)
    truth = made.truth
    assert truth.cause == (cause or "axis_position")
    assert truth.onset == settings.start + 15 * DAY
    assert truth.crossing is not None
    assert 0.6 < (truth.crossing - truth.onset) / (9 * DAY) < 1.4
    steps = int((truth.crossing - settings.start) / 10)
    until = truth.crossing - 10.0 * np.arange(1, steps)  # the grid of the truth
    assert not beyond(made.instrument, "axis_position", until).any()
    low = made.limits["axis_position"][0][1]
    assert made.level("axis_position", np.array([truth.crossing]))[0] <= low


def test_nothing_moves_before_the_onset() -> None:
    settings = draw_history(11, shape="linear")
    drifting = simulate_history(settings)
    healthy = simulate_history(replace(settings, shape="none"))
    assert healthy.truth.onset is None
    assert healthy.truth.crossing is None
    onset = drifting.truth.onset
    assert onset is not None
    before = np.arange(settings.start, onset, 900.0)
    after = np.arange(onset + DAY, settings.end, 900.0)
    name = settings.metric
    np.testing.assert_array_equal(drifting.level(name, before), healthy.level(name, before))
    moved = drifting.level(name, after) - healthy.level(name, after)
    assert (np.sign(moved) == settings.direction).all()


@pytest.mark.parametrize("seed", range(4))
def test_drawn_histories_cross_once_after_their_onset_and_decoys_never(seed: int) -> None:
    made = simulate_history(draw_history(seed, decoys=3))
    settings, truth = made.settings, made.truth
    assert truth.crossing is not None
    assert truth.onset is not None
    assert truth.onset < truth.crossing <= settings.end
    assert 7 <= settings.limit_sigma <= 14
    assert 3 <= settings.life_days <= 32
    grid = np.arange(settings.start, settings.end, 300.0)
    for name in settings.metrics:
        if name not in made.instrument.limits:
            continue
        seen = grid if name not in truth.moved[0] else grid[grid < truth.onset]
        assert not beyond(made.instrument, name, seen).any()


def test_the_cause_moves_before_what_it_moves() -> None:
    """A step of the hutch reaches the axis as a thermal mass of two hours does."""
    settings = History(days=30, onset_day=10, life_days=10, cause="hutch_temperature", swing=0,
                       season=0, wander_sigma=0, step_share=0, shape="step_creep", seed=1,
                       metrics=("hutch_temperature", "axis_position"))  # fmt: skip
    made = simulate_history(settings)
    onset = settings.start + 10 * DAY
    after = onset + np.arange(0, 24) * 3600.0
    before = np.array([onset - 3600.0])
    hutch = made.level("hutch_temperature", after) - made.level("hutch_temperature", before)
    axis = (made.level("axis_position", after) - made.level("axis_position", before)) / 5.0
    assert hutch[1] > 0.8 * hutch[6]
    assert axis[2] == pytest.approx(hutch[0] * (1 - np.exp(-1)), rel=0.25)
    assert axis[0] < 0.05 * hutch[0]
    assert axis[-1] == pytest.approx(hutch[-1], rel=0.1)


def test_the_daily_swing_reaches_the_axis_late() -> None:
    settings = History(days=20, shape="none", wander_sigma=0, season=0, step_share=0,
                       metrics=("hutch_temperature", "axis_position"), seed=6)  # fmt: skip
    made = simulate_history(settings)
    grid = settings.start + 600.0 * np.arange(20 * 144)
    hutch, axis = (made.level(n, grid) - made.level(n, grid).mean() for n in settings.metrics)
    lags = [float((hutch[: len(hutch) - k] * axis[k:]).mean()) for k in range(60)]
    # A low pass of 2 h delays 24 h by arctan(2π·2/24)/(2π/24) = 1.84 h.
    assert int(np.argmax(lags)) * 600 / 3600 == pytest.approx(1.84, abs=0.5)


def test_refills_move_the_beam() -> None:
    made = quiet_days()
    refills = made.truth.refills[20:80]
    before = made.level("beam_x", refills - 1)
    after = made.level("beam_x", refills + 12)
    assert np.median(after - before) == pytest.approx(8.0, rel=0.1)
    chambers = made.level("ion_chamber_1", refills + 12) / made.level("ion_chamber_1", refills - 1)
    assert np.median(chambers) == pytest.approx(1 + 0.985 / 100, abs=0.001)


def test_the_ring_keeps_its_step_and_lifetime() -> None:
    made = quiet_days()
    times, current = made.series["ring_current"]
    refills = made.truth.refills[5:200]
    assert np.median(np.diff(refills)) == pytest.approx(0.985 / 100.5 * 9.2 * 3600, rel=0.05)
    # Between two refills the current decays with the lifetime that was set.
    start = refills[10] + 10
    inside = (times > start) & (times < refills[11] - 1)
    slope = np.polyfit(times[inside] - start, np.log(current[inside]), 1)[0]
    assert -1 / slope / 3600 == pytest.approx(9.2, rel=0.05)


def test_regimes_cover_the_time_once() -> None:
    made = month()
    regimes = made.truth.regimes
    assert regimes[0].start == made.settings.start
    assert regimes[-1].end == made.settings.end
    for one, two in pairwise(regimes):
        assert one.end == two.start
        assert one.name != two.name
    assert {r.name for r in regimes} == set(REGIMES)
    for regime in regimes:
        middle = np.array([(regime.start + regime.end) / 2])
        lit = made.instrument.beam.current(middle)[0] > 0
        assert lit == (regime.name not in ("dump", "maintenance", "shutdown"))


def test_the_log_book_says_that_the_beam_is_back_when_it_is() -> None:
    settings = History(days=60, shutdowns_per_year=40, shutdown_days=2, dumps_per_month=20,
                       metrics=("axis_position",), seed=4)  # fmt: skip
    made = simulate_history(settings)
    schedule = made.instrument.schedule
    told = np.array([e.time for e in made.events if e.kind == "beam_back"])
    dark = ("dump", "maintenance", "shutdown")
    assert not schedule.within(told, dark).any()
    ends = {r.end for r in made.truth.regimes if r.name in dark and r.end < settings.end}
    begins = {r.start for r in made.truth.regimes if r.name in dark}
    assert len(told) == len(ends - begins)


def test_limits_follow_new_objectives_and_drifts_are_repaired() -> None:
    settings = History(days=2 * 365, cadence_s=3600.0, objectives_per_year=4, repeat_days=45,
                       repair_days=2, metrics=("axis_position", "stage_runout", "beam_y"),
                       limit_sigma=12, seed=9)  # fmt: skip
    made = simulate_history(settings)
    truth = made.truth
    assert len(made.limits["axis_position"]) == len(made.instrument.schedule.objectives) + 1
    assert len(truth.drifts) > 5
    assert len({d.shape for d in truth.drifts}) >= 3
    for drift in truth.drifts:
        crossing = truth.crossing_of(drift.metric, drift.number)
        if drift.onset + 1.3 * drift.life < settings.end:
            assert crossing is not None, drift
            assert drift.onset < crossing < drift.end
    outside = np.arange(settings.start, settings.end, 3600.0)
    for drift in truth.drifts:  # and days after the repair
        outside = outside[(outside < drift.onset) | (outside > drift.end + DAY)]
    assert not any(beyond(made.instrument, n, outside).any() for n in settings.metrics)


def test_the_truth_can_be_written_down() -> None:
    document = json.loads(json.dumps(month().truth.to_json()))
    assert History(**document["settings"]) == month().settings
    assert document["crossing"] == month().truth.crossing
    assert document["drifts"][0]["moved"] == ["axis_position"]


@pytest.mark.parametrize("shape", SHAPES)
def test_a_drift_grows_from_nothing_to_its_whole_life(shape: str) -> None:
    for seed in range(5):
        grow = growth(shape, 1.3, np.random.default_rng(seed))
        u = np.array([-0.5, -1e-9, 1.0])
        np.testing.assert_allclose(grow(u), [0, 0, 1], atol=1e-9)
        life = grow(np.linspace(0, 1, 500, endpoint=False))
        assert life.max() < 1
        if shape != "jumps":
            assert (np.diff(life) >= 0).all()


def test_bad_settings_are_named_all_at_once() -> None:
    with pytest.raises(InputError) as raised:
        History(days=-1, shape="sudden", metrics=("axis_position",), metric="beam_x",
                cause="axis_position", refill_ma=200.0, direction=0)  # fmt: skip
    text = str(raised.value)
    for part in ("days is -1", "shape is 'sudden'", "metric is 'beam_x'", "refill_ma is 200",
                 "direction is 0"):  # fmt: skip
        assert part in text
    with pytest.raises(InputError, match=r"cause is 'beam_x'.*hutch_temperature"):
        History(cause="beam_x")
    with pytest.raises(InputError, match=r"metrics has beam_z, expected some of .*beam_x"):
        History(metrics=("beam_z",))


def test_a_drift_that_outlives_the_record_is_on_its_way() -> None:
    """A life of 40 days in a record of 30: at its end the drift has come its share of the way."""
    calm = {"wander_sigma": 0, "swing": 0, "season": 0, "step_share": 0}
    settings = History(days=30, onset_day=10, life_days=40, cause="hutch_temperature", seed=2,
                       metrics=("hutch_temperature", "axis_position"), **calm)  # fmt: skip
    made = simulate_history(settings)
    assert made.truth.crossing is None
    level = made.level("axis_position", np.array([settings.start, settings.end]))
    way = made.limits["axis_position"][0][2] - level[0]
    assert (level[1] - level[0]) / way == pytest.approx(20 / 40, rel=0.03)
