"""One world: the drifting instrument drifts the scans."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.errors import InputError
from simulators import World, simulate
from simulators.histories import History, instrument_state, simulate_history, world_at
from simulators.histories.settings import DAY

CALM = {"wander_sigma": 0, "swing": 0, "season": 0, "step_share": 0, "dumps_per_month": 0,
        "shutdowns_per_year": 0, "maintenance_every_days": 1000}  # fmt: skip


def test_a_drifting_axis_moves_the_centre_of_the_scans() -> None:
    settings = History(days=30, onset_day=5, life_days=15, limit_sigma=60, seed=3, **CALM)
    made = simulate_history(settings)
    world = World("foam", columns=64, rows=2, projections=30, photons=1e4)
    times = settings.start + DAY * np.array([2.0, 8.0, 14.0, 20.0])
    centers = [world_at(made, t, world).axis for t in times]
    assert centers[0] == pytest.approx(world.axis, abs=1e-6)
    assert np.diff(centers).min() > 0
    offset = made.level("axis_position", times[3:])[0] - 1024
    assert centers[3] - world.axis == pytest.approx(offset)
    fine = World("foam", columns=64, rows=2, projections=30, pixel_size_m=0.5e-6)
    assert world_at(made, times[3], fine).axis - fine.axis == pytest.approx(2 * offset)


@pytest.mark.slow
def test_the_simulated_scan_turns_about_the_drifted_axis() -> None:
    made = simulate_history(History(days=30, onset_day=5, life_days=15, limit_sigma=60, seed=3))
    world = World("shepp_logan", columns=96, rows=1, projections=60, range_deg=360.0)
    drifted = world_at(made, made.settings.start + 20 * DAY, world)
    assert drifted.axis - world.axis > 1
    # Over a whole turn the centre of mass is the axis, but for the jitter of single frames.
    lines = simulate(drifted).line_integrals(0)
    mass = (lines * np.arange(96)).sum(axis=1) / lines.sum(axis=1)
    assert mass.mean() == pytest.approx(drifted.axis + drifted.drift_px / 2, abs=0.05)


def test_each_part_of_the_state_reaches_the_scan() -> None:
    settings = History(days=30, metric="vibration_low", onset_day=5, life_days=15, seed=3, **CALM)
    made = simulate_history(settings)
    early, late = settings.start + 2 * DAY, settings.start + 20 * DAY
    world = World("foam", columns=64, rows=2, projections=30, photons=1e4, monitor_drop=0.1)
    first, then = (world_at(made, t, world) for t in (early, late))
    assert then.jitter_px > first.jitter_px > 0.02
    state = instrument_state(made, late)
    assert state.refills == then.refills >= 1
    assert then.monitor_drop == pytest.approx(1 - 0.9 * (1 - 0.985 / 100.97))
    assert then.wobble_px == pytest.approx(state.runout_m * 1e6)
    assert then.photons == pytest.approx(1e4 * state.light)
    short = instrument_state(made, float(made.truth.refills[50]) + 20, scan_s=100)
    assert short.refills == 0
    assert short.current_loss == pytest.approx(100 / (9.2 * 3600), rel=0.05)


def test_jumping_stripes_reach_the_flat_fields() -> None:
    made = simulate_history(History(days=10, onset_day=1, seed=2))
    world = World("foam", columns=64, rows=2, projections=30)
    operating = made.instrument.schedule.scans[::20]
    jumps = np.array([world_at(made, t, world).flat_jumps for t in operating])
    assert 0.2 < (jumps > 0.04).mean() < 0.9
    assert jumps.max() <= 1


def test_where_there_is_no_scan_it_says_so() -> None:
    made = simulate_history(History(days=30, seed=1))
    world = World("foam", columns=64, rows=2, projections=30)
    dark = next(r for r in made.truth.regimes if r.name == "maintenance")
    with pytest.raises(InputError, match=r"no beam at .*maintenance"):
        world_at(made, dark.start + 60, world)
    with pytest.raises(InputError, match="outside the history"):
        instrument_state(made, made.settings.end + 1)


def test_what_is_not_recorded_drifts_all_the_same() -> None:
    """A warming hutch moves the axis of the scans also where nobody records the axis."""
    settings = History(days=30, metrics=("hutch_temperature",), metric="hutch_temperature",
                       onset_day=5, life_days=10, seed=3, **CALM)  # fmt: skip
    made = simulate_history(settings)
    grid = settings.start + 3600.0 * np.arange(24 * 30)
    np.testing.assert_array_equal(
        made.whole.level("hutch_temperature", grid), made.level("hutch_temperature", grid)
    )
    warmed = made.level("hutch_temperature", grid[[0, -1]])
    late = instrument_state(made, float(grid[-1])).axis_offset_m
    assert late == pytest.approx(5e-6 * (warmed[1] - warmed[0]), rel=0.2)
