"""Laws of the small simulated world."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata import InputError, open_scan
from simulators import World, simulate
from simulators.writing import write_scan


def test_the_same_world_gives_the_same_counts() -> None:
    world = World("foam", columns=48, rows=3, projections=20, photons=1e3, rings=0.5, zingers=0.5)
    np.testing.assert_array_equal(simulate(world).projections(), simulate(world).projections())


def test_rows_and_angles_are_cut_alike() -> None:
    scan = simulate(World("rock", columns=48, rows=4, projections=20, photons=1e3))
    whole = scan.projections()
    np.testing.assert_array_equal(scan.projections(slice(3, 9), slice(1, 3)), whole[3:9, 1:3])
    np.testing.assert_array_equal(scan.flats(slice(2, 3)), scan.flats()[:, 2:3])


@pytest.mark.parametrize("specimen", ["shepp_logan", "foam", "rock"])
def test_projections_are_the_sums_of_the_truth(specimen: str) -> None:
    scan = simulate(World(specimen, columns=128, rows=1, projections=4))
    truth, lines = scan.truth(0), scan.line_integrals(0)
    assert truth.min() >= -1e-6
    # At 0 the detector sees x, at 90 degrees y: docs/architecture.md.
    np.testing.assert_allclose(lines[0], truth.sum(axis=0), atol=0.06)
    np.testing.assert_allclose(lines[2], truth.sum(axis=1), atol=0.06)


def test_the_axis_is_where_it_is_said_to_be() -> None:
    scan = simulate(World("rock", columns=128, rows=1, projections=180, center=60.2))
    lines = scan.line_integrals(0)
    mass = (lines * np.arange(128)).sum(axis=1) / lines.sum(axis=1)
    theta = scan.info.angles_rad
    model = np.stack([np.ones_like(theta), np.cos(theta), np.sin(theta)], axis=1)
    assert np.linalg.lstsq(model, mass, rcond=None)[0][0] == pytest.approx(60.2, abs=0.02)


def test_jitter_moves_frames_by_its_truth() -> None:
    still = simulate(World("foam", columns=96, rows=1, projections=30))
    moved = simulate(World("foam", columns=96, rows=1, projections=30, jitter_px=2.0))
    columns = np.arange(96)
    for angle in range(0, 30, 7):
        shift = moved.truth_shifts[angle, 1]
        there = np.interp(columns - shift, columns, still.line_integrals(0)[angle])
        np.testing.assert_allclose(moved.line_integrals(0)[angle], there, atol=0.1)


def test_noise_is_that_of_the_photons() -> None:
    quiet = simulate(World("foam", columns=64, rows=1, projections=200, photons=1e4, flats=100))
    flats = quiet.flats()[:, 0]
    relative = (flats.std(axis=0, ddof=1) / (flats.mean(axis=0) - 100)).mean()
    assert relative == pytest.approx(1 / np.sqrt(1e4 * 0.9), rel=0.2)


def test_an_unknown_specimen_is_named() -> None:
    with pytest.raises(InputError, match=r"no specimen 'cheese'.*foam"):
        simulate(World("cheese"))


def test_a_written_scan_opens_without_its_truth(tmp_path: Path) -> None:
    world = World("foam", columns=40, rows=3, projections=12, photons=1e4, center=18.0)
    truth = write_scan(world, tmp_path / "scan.nxs")
    made = simulate(world)
    with open_scan(tmp_path / "scan.nxs") as scan:
        np.testing.assert_array_equal(scan.projections(), made.projections())
        np.testing.assert_allclose(scan.info.angles_rad, made.info.angles_rad)
        assert scan.info.rotation_axis_px is None
        assert scan.info.pixel_size_m == pytest.approx(world.pixel_size_m)
    with h5py.File(truth) as file:
        assert file["center_px"][()] == 18.0
        assert file["volume"].shape == (3, 40, 40)
