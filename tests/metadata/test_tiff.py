"""TIFF folders, stacks and single sinograms."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
import tifffile

from metadata import GreyState, ScanError, open_scan

FRAMES = np.random.default_rng(5).integers(1, 60000, (12, 5, 9)).astype(np.uint16)


def folder(path: Path) -> Path:
    for name, frames in {"Tomo": FRAMES, "Flat_Before": FRAMES[:2], "Flat_After": FRAMES[2:4],
                         "Dark_Before": FRAMES[4:5], "180deg": FRAMES[:1]}.items():  # fmt: skip
        (path / name).mkdir(parents=True)
        for number, frame in enumerate(frames):
            tifffile.imwrite(path / name / f"scan_{number}.tif", frame)
    return path


def test_folder_with_a_log_of_every_projection(tmp_path: Path) -> None:
    path = folder(tmp_path / "scan")
    (path / "scan.log").write_text(
        "TIME STAMP IMAGE TYPE\n"
        + "".join(
            f"Sun Feb 10 00:22:04 2019   Projection:  {i}  angle: {i * 15.5}   "
            f"counts before: {100 + i} counts_after: {300 + 2 * i}\n"
            for i in range(12)
        )
    )
    with open_scan(path) as scan:
        assert (scan.info.projections, scan.info.flats, scan.info.darks) == (12, 4, 1)
        np.testing.assert_allclose(np.rad2deg(scan.info.angles_rad), np.arange(12) * 15.5)
        np.testing.assert_array_equal(scan.projections(), FRAMES)  # 10 comes after 9, not after 1
        np.testing.assert_array_equal(scan.flats(), FRAMES[:4])
        np.testing.assert_array_equal(scan.monitor(), 200 + np.arange(12))
        assert "180deg" in " ".join(scan.info.warnings)


def test_folder_with_a_log_of_settings(tmp_path: Path) -> None:
    path = folder(tmp_path / "scan")
    (path / "scan.log").write_text(
        "Rotation Step (deg)=0.5\nImage Pixel Size (um)=2.5\nEnergy = 25 keV\nExposure (ms)=40\n"
    )
    with open_scan(path) as scan:
        np.testing.assert_allclose(np.rad2deg(scan.info.angles_rad), np.arange(12) * 0.5)
        assert scan.info.pixel_size_m == pytest.approx(2.5e-6)
        assert scan.info.energy_kev == 25
        assert scan.info.exposure_s == pytest.approx(0.04)


def test_folder_without_log_or_order_of_folders(tmp_path: Path) -> None:
    for number, frame in enumerate(FRAMES):
        tifffile.imwrite(tmp_path / f"tooth_{number:03d}.tiff", frame)
    tifffile.imwrite(tmp_path / "dark_000.tiff", FRAMES[0])
    with open_scan(tmp_path, flats=tmp_path / "tooth_003.tiff") as scan:
        assert (scan.info.projections, scan.info.flats, scan.info.darks) == (12, 1, 1)
        assert scan.info.angles_assumed


def test_stack_and_sinogram(tmp_path: Path) -> None:
    tifffile.imwrite(tmp_path / "stack.tif", FRAMES, photometric="minisblack")
    tifffile.imwrite(tmp_path / "sinogram.tif", FRAMES[:, 0].astype(np.float32))
    with open_scan(tmp_path / "stack.tif") as scan:
        np.testing.assert_array_equal(scan.projections(slice(2, 5)), FRAMES[2:5])
    with open_scan(tmp_path / "sinogram.tif", state="attenuation") as scan:
        np.testing.assert_array_equal(scan.projections()[:, 0], FRAMES[:, 0])
        assert scan.info.state is GreyState.ATTENUATION
        assert "sinogram" in " ".join(scan.info.warnings)


def test_numpy(tmp_path: Path) -> None:
    np.save(tmp_path / "a.npy", FRAMES)
    with open_scan(tmp_path / "a.npy", angles="0:180") as scan:
        np.testing.assert_array_equal(scan.projections(rows=slice(1, 3)), FRAMES[:, 1:3])
    np.save(tmp_path / "b.npy", FRAMES[None])
    with pytest.raises(ScanError, match="expected numbers as angle, row, col"):
        open_scan(tmp_path / "b.npy")


def test_folders_that_are_no_scan(tmp_path: Path) -> None:
    with pytest.raises(ScanError, match="folder without projections"):
        open_scan(tmp_path)
    path = folder(tmp_path / "scan")
    (path / "Tomo/scan_3.tif").write_bytes((path / "Tomo/scan_3.tif").read_bytes()[:60])
    with open_scan(path) as scan, pytest.raises(ScanError, match=r"scan_3.tif is not a readable"):
        scan.projections()
    tifffile.imwrite(path / "Tomo/scan_3.tif", FRAMES[0, :3])
    with open_scan(path) as scan, pytest.raises(ScanError, match=r"3 x 9 pixels.*one size"):
        scan.projections()
