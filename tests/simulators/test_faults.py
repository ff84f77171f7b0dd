"""Every fault is seen in the data where its truth says it is."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from metadata.errors import InputError
from simulators import SimulatedScan, World, simulate
from simulators.faults.distortion import undistorted
from simulators.faults.flat_drift import LARGEST_JUMP_PX, RANGE_PX

SMALL = World("foam", columns=96, rows=1, projections=60, seed=5)


def with_faults(**faults: Any) -> SimulatedScan:
    return simulate(replace(SMALL, **faults))


def transmission(scan: SimulatedScan, row: int = 0) -> NDArray[np.float64]:
    rows = slice(row, row + 1)
    dark, flat = scan.darks(rows).mean(axis=0), scan.flats(rows).mean(axis=0)
    return ((scan.projections(rows=rows) - dark) / (flat - dark))[:, 0].astype(np.float64)


def test_rings_stand_in_the_columns_of_the_truth() -> None:
    ratio = transmission(with_faults(rings=1.0)) / transmission(with_faults())
    truth = with_faults(rings=1.0).truth_rings(0)
    assert np.abs(truth.steady - 1).max() > 0.03
    assert not len(truth.segments)
    np.testing.assert_allclose(np.median(ratio, axis=0), truth.steady, atol=2e-3)


@pytest.mark.parametrize("kind", ["partial_rings", "intermittent_rings"])
def test_rings_of_a_part_of_the_scan_begin_and_end_as_said(kind: str) -> None:
    scan = with_faults(**{kind: 1.0})
    truth = scan.truth_rings(0)
    ratio = transmission(scan) / transmission(with_faults())
    np.testing.assert_allclose(ratio, truth.gain(slice(None), 60), atol=5e-3)
    (column, first, last), change = truth.segments[0], truth.change[0]
    assert abs(change) > 0.02
    assert np.median(ratio[first:last, column]) - 1 == pytest.approx(change, abs=3e-3)
    outside = np.ones(60, bool)
    for other, begin, end in truth.segments:
        outside[begin:end] &= other != column
    assert np.abs(ratio[outside, column] - 1).max() < 5e-3


def test_wide_rings_span_columns_and_rows() -> None:
    tall = {"rows": 21, "height_px": 24.0}
    scan, clean = with_faults(wide_rings=1.0, **tall), with_faults(**tall)
    steady = np.stack([scan.truth_rings(row).steady for row in range(21)])
    touched = np.abs(steady - 1) > 0.005
    assert touched.any(axis=0).sum() >= 4
    assert touched.any(axis=1).sum() >= 3
    row = int(np.abs(steady - 1).max(axis=1).argmax())
    ratio = transmission(scan, row) / transmission(clean, row)
    np.testing.assert_allclose(np.median(ratio, axis=0), steady[row], atol=2e-3)


def test_zingers_are_where_the_truth_says() -> None:
    hit, clean = with_faults(zingers=1.0, photons=1e4), with_faults(photons=1e4)
    rose = np.argwhere(hit.projections()[:, 0] - clean.projections()[:, 0] > 20000)
    assert len(rose) >= 3
    np.testing.assert_array_equal(rose, hit.truth_zingers(0))


@pytest.mark.parametrize(
    "fault",
    [{"jitter_px": 1.5}, {"drift_px": 4.0}, {"thermal_px": 4.0}, {"motion_px": 3.0},
     {"wobble_px": 3.0}, {"settling_px": 3.0}],
)  # fmt: skip
def test_shifts_across_are_found_by_correlation(fault: dict[str, float]) -> None:
    # An even specimen along the axis, so that shifts along it change nothing.
    still = simulate(replace(SMALL, specimen="shepp_logan"))
    moved = simulate(replace(SMALL, specimen="shepp_logan", **fault))
    first, second = still.line_integrals(0), moved.line_integrals(0)
    found = [subpixel_shift(a, b) for a, b in zip(first, second, strict=True)]
    assert np.ptp(moved.truth_shifts[:, 1]) > 1
    error = np.array(found) - moved.truth_shifts[:, 1]
    assert np.sqrt((error**2).mean()) < 0.05
    assert np.abs(error).max() < 0.2


def subpixel_shift(a: NDArray[np.float64], b: NDArray[np.float64]) -> float:
    """Shift of b against a by the phase of their cross-spectrum at low frequencies."""
    spectra = np.fft.rfft(b) * np.conj(np.fft.rfft(a))
    k = np.arange(1, 6)
    turn = np.unwrap(np.angle(spectra[k]))
    weight = np.abs(spectra[k])
    return float(-(weight * turn * k).sum() / (weight * k * k).sum() * len(a) / (2 * np.pi))


def test_shifts_along_the_axis_bring_other_heights_into_view() -> None:
    tall = {"rows": 9, "height_px": 32.0}
    moved, still = with_faults(vertical_jitter_px=2.0, **tall), with_faults(**tall)
    lines = np.stack([still.line_integrals(row) for row in range(9)])
    for angle in range(0, 60, 9):
        seen = 4 - moved.truth_shifts[angle, 0]
        if not 0 <= seen <= 8:
            continue
        low = min(int(seen), 7)
        expected = lines[low, angle] + (seen - low) * (lines[low + 1, angle] - lines[low, angle])
        there = moved.line_integrals(4)[angle]
        if abs(seen - 4) > 1:
            assert np.abs(there - expected).mean() < 0.4 * np.abs(there - lines[4, angle]).mean()


def test_parts_of_the_shifts_add_up() -> None:
    scan = with_faults(jitter_px=1.0, drift_px=2.0, wobble_px=1.0, settling_px=1.0)
    assert set(scan.truth_shift_parts) == {"jitter", "drift", "wobble", "settling"}
    np.testing.assert_allclose(sum(scan.truth_shift_parts.values()), scan.truth_shifts)


def test_a_wobbling_axis_leans_once_a_turn() -> None:
    turn = {"range_deg": 360.0, "height_px": 12.0}
    scan = with_faults(wobble_deg=2.0, tilt_deg=1.0, **turn)
    lean = np.rad2deg(scan.truth_tilt)
    assert lean.mean() == pytest.approx(1.0, abs=1e-6)
    assert np.abs(np.fft.rfft(lean))[1] * 2 / 60 == pytest.approx(2.0, abs=1e-6)
    level = with_faults(**turn)
    upright = int(np.abs(lean).argmin())
    difference = np.abs(scan.line_integrals(0) - level.line_integrals(0)).mean(axis=1)
    assert difference[upright] < 0.2 * difference.max()


def test_the_beam_drifts_off_the_flats_by_its_truth() -> None:
    air = {"fill": 0.1, "columns": 192}
    scan, still = with_faults(flat_drift=1.0, **air), with_faults(**air)
    np.testing.assert_allclose(scan.truth_flat_shifts[[0, -1], 1], [0, 6])
    # Left of the specimen only the beam is seen: its ripples have moved to the left.
    ripples = still.projections()[0, 0, :70]
    moved = scan.projections()[-1, 0, :70]
    errors = [np.abs(moved[: 70 - s] - ripples[s:]).mean() for s in range(12)]
    assert int(np.argmin(errors)) in (5, 6, 7)


def test_optics_displace_by_the_cube_of_the_distance() -> None:
    scan, still = with_faults(distortion_px=3.0), with_faults()
    side = scan.world.columns
    columns = np.arange(side, dtype=float)
    away = (columns - (side - 1) / 2) / (side / 2)
    expected = np.stack([np.interp(columns - 3.0 * away**3, columns, line)
                         for line in still.line_integrals(0)])  # fmt: skip
    change = np.abs(scan.line_integrals(0) - still.line_integrals(0)).mean()
    assert np.abs(scan.line_integrals(0) - expected).mean() < 0.25 * change
    middle = slice(side // 2 - 4, side // 2 + 4)
    np.testing.assert_allclose(scan.line_integrals(0)[:, middle],
                               still.line_integrals(0)[:, middle], atol=0.05)  # fmt: skip


def test_rows_are_displaced_where_the_detector_is_high() -> None:
    tall = {"rows": 33, "height_px": 48.0}
    scan, still = with_faults(distortion_px=3.0, **tall), with_faults(**tall)
    columns, rows = undistorted(scan.world, np.arange(scan.world.columns, dtype=float), 0.0)
    assert 0 < float(rows.min()) < float(rows.max()) < 3
    assert np.abs(scan.line_integrals(0) - still.line_integrals(0)).mean() > 0
    np.testing.assert_allclose(undistorted(scan.world, columns, 16.0)[1], 16.0)


def test_distortion_has_a_bound() -> None:
    with pytest.raises(InputError, match="distortion_px is 9 on 64 columns, expected at most a"):
        World(columns=64, distortion_px=9.0)


def test_flat_jumps_are_jumps_on_a_quiet_background() -> None:
    scan = simulate(replace(SMALL, flat_jumps=1.0, projections=480))
    path = scan.truth_flat_shifts[:, 0]
    steps = np.abs(np.diff(path))
    assert path[0] == 0
    assert np.ptp(path) <= RANGE_PX
    assert 5 < steps.max() <= RANGE_PX
    assert np.median(steps) < 0.1  # quiet
    assert np.mean(steps > 2) < 0.21  # as seldom as measured
    assert LARGEST_JUMP_PX <= RANGE_PX


def test_the_beam_decays_and_is_refilled() -> None:
    scan, still = with_faults(monitor_drop=0.3, refills=2), with_faults()
    light, full = ((s.projections() - 100).sum(axis=(1, 2)) for s in (scan, still))
    beam = light / full
    np.testing.assert_allclose(beam, scan.truth_beam, rtol=2e-3)
    np.testing.assert_allclose(scan.monitor(), 1e6 * scan.truth_beam)
    assert (np.diff(scan.truth_beam) > 0.2).sum() == 2
    assert with_faults(monitor_drop=0.3).truth_beam[-1] == pytest.approx(0.7)


def test_metal_absorbs_far_more_than_the_rest() -> None:
    scan = with_faults(metal=1.0)
    metal = scan.specimen.labels.index("metal")
    mu = scan.attenuation_per_px()
    assert mu[metal] > 8 * mu[1:metal].max()
    truth, labels = scan.truth(0), scan.labels(0)
    assert (labels == metal).sum() > 50
    assert truth[labels == metal].min() > truth[labels != metal].mean()


def test_more_metal_casts_deeper_shadows() -> None:
    light, area = [], []
    for severity in (0.3, 0.6, 1.0):
        scan = with_faults(metal=severity)
        light.append(transmission(scan).min())
        area.append((scan.labels(0) == scan.specimen.labels.index("metal")).sum())
    assert light == sorted(light, reverse=True)
    assert light[0] > 1.3 * light[2]
    assert 0 < 4 * area[0] < area[2]
    assert World(metal=True) == World(metal=1.0)
    assert "metal" not in with_faults(metal=0.0).specimen.labels


def test_dead_and_hot_pixels_show_in_every_frame() -> None:
    scan = with_faults(dead_pixels=0.05, hot_pixels=0.05, photons=1e4)
    dead, hot = scan.truth_dead(0), scan.truth_hot(0)
    only_dead = np.setdiff1d(dead, hot)
    assert len(only_dead)
    assert len(hot)
    assert scan.flats()[:, 0, only_dead].max() < 130
    assert scan.projections()[:, 0, only_dead].max() < 130
    assert scan.darks()[:, 0, hot].min() > 2000


def test_the_detector_bends_and_clips() -> None:
    straight, bent = with_faults(), with_faults(nonlinearity=0.2)
    light, counts = straight.projections() - 100, bent.projections() - 100
    np.testing.assert_allclose(counts, light * (1 - 0.2 * light / 60000), atol=2)
    clipped = with_faults(saturation=0.5)
    assert clipped.projections().max() == clipped.truth_clip_level() == 15000
