"""What the three estimators of shifts find, against the truth."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from planner.benchmarks import alignment, alignment_limit
from simulators import World
from toolbox.kinds import DataKind, GreyState
from toolbox.tools.align.align_center_of_mass import AlignCenterOfMass
from toolbox.tools.align.align_cross_correlation import AlignCrossCorrelation
from toolbox.tools.align.align_reprojection import AlignReprojection
from toolbox.tools.align.apply_shifts import ApplyShifts
from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.align.reprojection import held_out_agreement
from toolbox.values import Block, Center

block = alignment.as_block


def simulated(**world: object) -> tuple[Block, NDArray]:
    """Attenuation behind stripes that stand still, and its true shifts."""
    given = {"rows": 1, "columns": 128, "projections": 90, "photons": 1e4, "rings": 0.5}
    case = alignment.simulated(World(**(given | world)))  # type: ignore[arg-type]
    return case.scan, case.truth


def off(found: NDArray, truth: NDArray, angles: NDArray) -> float:
    return alignment.remaining(found, truth, angles)[0]


ALL = [AlignCrossCorrelation(), AlignCenterOfMass(), AlignReprojection()]
NAMES = ["neighbours", "mass", "reprojection"]


@pytest.mark.parametrize("tool", ALL, ids=NAMES)
@pytest.mark.parametrize("specimen", ["foam", "rock", "shepp_logan"])
def test_jitter_behind_still_stripes_is_found_to_half_a_pixel(tool, specimen: str) -> None:
    scan, truth = simulated(specimen=specimen, jitter_px=1.0)
    angles = scan.geometry.angles_rad
    before = off(np.zeros_like(truth), truth, angles)
    after = off(tool(projections=scan).pixels, truth, angles)
    assert before > 0.85
    assert after < 0.5


@pytest.mark.parametrize("specimen", ["foam", "rock", "shepp_logan"])
def test_three_pixels_of_jitter_are_found_by_reprojection(specimen: str) -> None:
    scan, truth = simulated(specimen=specimen, jitter_px=3.0, columns=192, projections=150)
    assert off(AlignReprojection()(projections=scan).pixels, truth, scan.geometry.angles_rad) < 0.5


def test_strong_stripes_do_not_hold_the_views() -> None:
    scan, truth = simulated(specimen="rock", jitter_px=2.0, rings=1.0)
    for tool, most in zip(ALL, (0.8, 0.3, 0.3), strict=True):
        assert off(tool(projections=scan).pixels, truth, scan.geometry.angles_rad) < most


@pytest.mark.parametrize("tool", ALL, ids=NAMES)
def test_an_aligned_scan_stays_where_it_is(tool) -> None:
    scan, truth = simulated(specimen="foam")
    assert off(tool(projections=scan).pixels, truth, scan.geometry.angles_rad) < 0.15


def test_a_drift_is_seen_by_mass_and_reprojection() -> None:
    scan, truth = simulated(specimen="foam", motion_px=4.0)
    angles = scan.geometry.angles_rad
    assert off(np.zeros_like(truth), truth, angles) > 0.8
    assert off(AlignCenterOfMass()(projections=scan).pixels, truth, angles) < 0.3
    assert off(AlignReprojection()(projections=scan).pixels, truth, angles) < 0.3


def test_the_axis_need_not_be_known() -> None:
    scan, truth = simulated(specimen="foam", jitter_px=2.0, center=59.0)
    angles = scan.geometry.angles_rad
    unknown = AlignReprojection()(projections=scan)
    known = AlignReprojection()(projections=scan, center=Center(59.0, 58.0, 60.0))
    assert off(unknown.pixels, truth, angles) < 0.3
    assert off(known.pixels, truth, angles) < 0.3


@pytest.mark.parametrize("tool", ALL[:2], ids=NAMES[:2])
def test_vertical_jitter_is_found(tool) -> None:
    scan, truth = simulated(specimen="foam", rows=24, vertical_jitter_px=1.0, jitter_px=0.5)
    found = tool(projections=scan).pixels[:, 0]
    assert np.std(truth[:, 0]) > 0.8
    assert np.std(found - truth[:, 0]) < 0.3


def test_views_out_of_order_get_their_own_shift() -> None:
    scan, truth = simulated(specimen="foam", jitter_px=1.0)
    order = np.random.default_rng(0).permutation(90)
    angles = scan.geometry.angles_rad[order]
    shuffled = block(scan.values[order], angles, GreyState.ATTENUATION)
    for tool in ALL:
        assert off(tool(projections=shuffled).pixels, truth[order], angles) < 0.5


def test_the_gauge_is_taken_out() -> None:
    scan, _ = simulated(specimen="foam", jitter_px=1.0, center=60.0)
    for tool in ALL:
        found = tool(projections=scan).pixels[:, 1]
        np.testing.assert_allclose(without_gauge(found, scan.geometry.angles_rad), found, atol=1e-6)


def test_a_sample_wider_than_the_field_has_no_centre_of_mass() -> None:
    scan, truth = simulated(specimen="foam", jitter_px=1.0, fill=1.4)
    found = AlignCenterOfMass()(projections=scan)
    assert not found.pixels[:, 1].any()
    assert "wider than the field" in found.warnings[0]
    angles = scan.geometry.angles_rad
    before = off(np.zeros_like(truth), truth, angles)
    for tool in (AlignCrossCorrelation(), AlignReprojection()):
        assert off(tool(projections=scan).pixels, truth, angles) < 0.6 * before


@pytest.mark.parametrize("tool", ALL, ids=NAMES)
def test_too_few_views_move_nothing_and_say_so(tool) -> None:
    scan, _ = simulated(projections=5, jitter_px=1.0)
    found = tool(projections=scan)
    assert not found.pixels.any()
    assert "5 views are too few" in found.warnings[0]


def test_the_injected_jitter_of_the_real_scan_gets_smaller(data: Path) -> None:
    case = alignment.still_stripes(data)
    scan, truth = case.scan, case.truth
    angles = scan.geometry.angles_rad
    before = off(np.zeros_like(truth), truth, angles)
    assert before == pytest.approx(4.85, abs=0.02)
    for tool in (AlignCrossCorrelation(), AlignReprojection()):
        assert off(tool(projections=scan).pixels, truth, angles) < 0.8 * before


@pytest.mark.slow
def test_the_real_scan_cannot_be_aligned_to_a_pixel(data: Path) -> None:
    """Even with three times as many views, not shifted, to register to: the tools come near."""
    best = alignment_limit.run(data)["best_px"]
    assert best > 2.5
    case = alignment.still_stripes(data)
    found = AlignReprojection()(projections=case.scan)
    assert off(found.pixels, case.truth, case.scan.geometry.angles_rad) < 1.2 * best


def test_stripes_standing_or_moving_make_little_difference(data: Path) -> None:
    """The file's stripes moved along with its jitter; using them would be cheating."""
    errors = []
    for case in (alignment.jittered_file(data), alignment.still_stripes(data)):
        found = AlignCrossCorrelation()(projections=case.scan)
        errors.append(off(found.pixels, case.truth, case.scan.geometry.angles_rad))
    assert errors[0] == pytest.approx(errors[1], rel=0.15)


def test_the_benchmark_reports_every_method(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    report = alignment.run(plot=tmp_path / "alignment.png", quick=True)
    assert {r["method"] for r in report["rows"]} == set(alignment.METHODS)
    assert "before" in capsys.readouterr().out
    assert (tmp_path / "alignment.png").stat().st_size > 5000


def test_a_real_tilt_series_becomes_consistent(data: Path) -> None:
    """Electrons, ±76°, the tilt axis along the columns of the file: turned here."""
    with h5py.File(data / "conditions/haadf_tiltseries_raw.h5") as file:
        signal = (file["exchange/data"][()].astype(np.float32) + 32768) / 65536
        angles = np.deg2rad(file["exchange/theta"][()])
    scan = block(signal.transpose(0, 2, 1), angles, GreyState.ATTENUATION)
    sample = scan.take_rows(slice(110, 142))

    def consistency(values: np.ndarray) -> float:
        rows = np.ascontiguousarray(values[:, 110:142:10].swapaxes(0, 1))
        none = np.zeros(len(angles))
        return max(held_out_agreement(rows, angles, c, False, none) for c in range(104, 153, 6))

    before = consistency(scan.values)
    mass = AlignCenterOfMass()(projections=sample)
    moved = ApplyShifts()(projections=scan, shifts=mass)
    rest = AlignCrossCorrelation()(projections=moved.take_rows(slice(110, 142)))
    again = ApplyShifts()(projections=moved, shifts=rest)
    assert before < 0.6
    assert consistency(moved.values) > 0.9
    assert consistency(again.values) > consistency(moved.values) - 0.005
    flat = scan.with_values(signal)  # the file as it is: the axis lies wrong, but nothing fails
    for tool in ALL[:2]:
        assert np.isfinite(tool(projections=flat.take_rows(slice(110, 142))).pixels).all()


def test_a_sinogram_is_taken_like_projections() -> None:
    scan, _ = simulated(specimen="foam", jitter_px=1.0)
    turned = scan.as_kind(DataKind.SINOGRAM)
    tool = AlignCrossCorrelation()
    np.testing.assert_allclose(
        tool(projections=turned).pixels, tool(projections=scan).pixels, atol=1e-6
    )
