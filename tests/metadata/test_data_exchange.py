"""Data Exchange: angles in every state, states without flats, references elsewhere."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest

from metadata import GreyState, ScanError, open_scan, read_info

FRAMES = np.random.default_rng(2).integers(100, 60000, (9, 4, 12)).astype(np.uint16)
EVEN = np.linspace(0, 160, 9)


def write(path: Path, theta: Any = EVEN, units: str | None = "degrees", **more: Any) -> Path:
    with h5py.File(path, "w") as file:
        for name, value in {"data": FRAMES, "data_white": FRAMES[:2], "data_dark": FRAMES[:1],
                            "theta": theta, **more}.items():  # fmt: skip
            if value is not None:
                file[f"exchange/{name}"] = value
        if units and theta is not None:
            file["exchange/theta"].attrs["units"] = units
    return path


@pytest.mark.parametrize(
    ("theta", "units", "degrees", "says"),
    [
        (EVEN, "degrees", EVEN, ""),
        (EVEN, None, EVEN, "taken as degrees"),
        (np.deg2rad(EVEN), None, EVEN, "taken as radians"),
        (np.deg2rad(EVEN), "radians", EVEN, ""),
        (EVEN[::-1], "deg", EVEN[::-1], ""),
        (EVEN + 16740, "degree", EVEN + 16740, ""),
        (EVEN * 2, "degrees", EVEN * 2, ""),
        (np.roll(EVEN, 2), "degrees", np.roll(EVEN, 2), ""),
        (EVEN[:7], "degrees", EVEN, "the last 2 continued"),
        (np.append(EVEN, 180), "degrees", EVEN, "the last 1 left out"),
        (np.where(EVEN == 60, np.nan, EVEN), "degrees", EVEN, "1 of 9 angles"),
    ],
)
def test_angles(tmp_path: Path, theta: Any, units: str, degrees: Any, says: str) -> None:
    info = read_info(write(tmp_path / "a.h5", theta, units))
    np.testing.assert_allclose(np.rad2deg(info.angles_rad), degrees, atol=1e-9)
    assert says in " ".join(info.warnings)
    assert bool(info.warnings) == bool(says)
    assert not info.angles_assumed


@pytest.mark.parametrize(
    ("theta", "says"),
    [
        (EVEN[:3], "fewer than half"),
        (np.array([0, 1, 5, 7, 20, 21, 60.0]), "no even step"),
        (np.full(9, np.nan), "0 usable angles"),
        (np.full(9, 30.0), "all 9 projections have the angle 30°"),
    ],
)
def test_angles_that_cannot_be_known(tmp_path: Path, theta: Any, says: str) -> None:
    path = write(tmp_path / "a.h5", theta)
    with pytest.raises(ScanError, match=says):
        open_scan(path)
    with open_scan(path, angles="0:180") as scan:
        np.testing.assert_allclose(np.rad2deg(scan.info.angles_rad), np.arange(9) * 20)


def test_angles_given(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", None)
    assert read_info(path).angles_assumed
    np.save(tmp_path / "t.npy", EVEN)
    np.savetxt(tmp_path / "t.txt", EVEN)
    for given in (np.deg2rad(EVEN), tmp_path / "t.npy", str(tmp_path / "t.txt")):
        info = read_info(path, angles=given)
        np.testing.assert_allclose(np.rad2deg(info.angles_rad), EVEN)
        assert not info.angles_assumed
    with h5py.File(tmp_path / "other.h5", "w") as file:
        file["far/away"] = EVEN
        file["far/away"].attrs["units"] = "deg"
    elsewhere = read_info(path, angles=f"{tmp_path / 'other.h5'}::/far/away")
    np.testing.assert_allclose(np.rad2deg(elsewhere.angles_rad), EVEN)
    closed = read_info(path, angles="-90:90:inclusive")
    np.testing.assert_allclose(np.rad2deg(closed.angles_rad), np.linspace(-90, 90, 9))
    with pytest.raises(ScanError, match="neither a range such as '0:180', nor a file"):
        open_scan(path, angles="half a turn")


def test_references_elsewhere(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", data_white=None, data_dark=None)
    other = write(tmp_path / "b.h5")
    with h5py.File(tmp_path / "c.h5", "w") as file:
        file["some/where"] = FRAMES[3:6]
        file["some/else"] = FRAMES[6:]
    with open_scan(path, flats=other, darks=f"{tmp_path / 'c.h5'}::some/where") as scan:
        np.testing.assert_array_equal(scan.flats(), FRAMES[:2])
        np.testing.assert_array_equal(scan.darks(), FRAMES[3:6])
        assert scan.info.state is GreyState.COUNTS
    with pytest.raises(ScanError, match=r"does not name one stack.*some/else"):
        open_scan(path, flats=tmp_path / "c.h5")
    with pytest.raises(ScanError, match="neither a file or folder nor a dataset"):
        open_scan(path, flats="nowhere.h5")


def test_references_of_another_size(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5", data_white=FRAMES[:2, :, :6], data_dark=FRAMES[:1, :3])
    with pytest.raises(ScanError, match=r"flats have 4 x 6 pixels.*darks have 3 x 12"):
        open_scan(path)


def image(air: float, noise: float) -> Any:
    frames = np.random.default_rng(3).normal(air, noise, (9, 4, 40))
    frames[:, :, 10:30] += 0.7 - air if air > 0.5 else 0.7
    return frames.astype(np.float32)


@pytest.mark.parametrize(
    ("frames", "state", "says"),
    [
        (image(1.0, 0.01), GreyState.TRANSMISSION, "near 1"),
        (image(0.0, 0.01), GreyState.ATTENUATION, "near 0"),
        (FRAMES, GreyState.COUNTS, "nothing says that the values are corrected"),
        ((image(1.0, 0.01) * 50000).astype(np.uint16), GreyState.TRANSMISSION, "even from pixel"),
    ],
)
def test_state_without_flats(tmp_path: Path, frames: Any, state: GreyState, says: str) -> None:
    path = write(tmp_path / "a.h5", data=frames, data_white=None, data_dark=None)
    with open_scan(path) as scan:
        assert scan.info.state is state
        assert says in " ".join(scan.info.warnings)
    with open_scan(path, state="phase") as scan:
        assert scan.info.state is GreyState.PHASE
    with pytest.raises(ScanError, match="state='grey' is unknown, expected one of counts"):
        open_scan(path, state="grey")


def test_bare_hdf5(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file["x/stack"], file["x/theta"], file["x/line"] = FRAMES, EVEN, FRAMES[:, 0]
    with pytest.raises(ScanError, match=r"/x/stack \(9 x 4 x 12\).*give data="):
        open_scan(tmp_path / "a.h5")
    with open_scan(tmp_path / "a.h5", data="x/stack", flats="x/stack") as scan:
        assert scan.info.projections == 9
        np.testing.assert_allclose(np.rad2deg(scan.info.angles_rad), EVEN)
    with open_scan(tmp_path / "a.h5", data="x/line") as scan:
        assert (scan.info.rows, scan.info.columns) == (1, 12)
        np.testing.assert_array_equal(scan.projections()[:, 0], FRAMES[:, 0])
    with pytest.raises(ScanError, match="no dataset 'x/none'"):
        open_scan(tmp_path / "a.h5", data="x/none")


def test_centre_found_earlier(tmp_path: Path) -> None:
    path = write(tmp_path / "a.h5")
    with h5py.File(path, "a") as file:
        file["process/tomopy-cli-0.2/find-rotation-axis/rotation-axis"] = b"5.5"
    assert read_info(path).rotation_axis_px == 5.5
