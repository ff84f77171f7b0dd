"""NXtomo as different facilities lay it out: all give the same scan."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata import ScanError, open_scan, read_info

FRAMES = np.random.default_rng(1).integers(1, 60000, (14, 5, 8)).astype(np.uint16)
KEYS = np.array([1, 1, 2, *[0] * 9, 3, 1])
DEGREES = np.array([0.0, 0, 0, *np.linspace(0, 160, 9), 170, 0])


def diamond(file: h5py.File) -> None:
    entry = file.create_group("entry1/tomo_entry")
    entry["definition"] = "NXtomo"
    entry["data/data"] = FRAMES
    entry["data/rotation_angle"] = DEGREES
    entry["instrument/detector/image_key"] = KEYS


def i12_key_beside_the_data(file: h5py.File) -> None:
    entry = file.create_group("entry1/tomo_entry")
    entry["definition"] = "NXtomo"
    entry["data/data"] = FRAMES
    entry["data/rotation_angle"] = DEGREES
    entry["data/instrument/detector/image_key"] = KEYS


def diad_without_definition(file: h5py.File) -> None:
    file["entry/imaging/data"] = FRAMES
    file["entry/instrument/imaging/image_key"] = KEYS
    file["entry/imaging_sum/gts_cs_theta"] = DEGREES


def esrf(file: h5py.File) -> None:
    entry = file.create_group("entry0000")
    entry.attrs.update({"NX_class": "NXentry", "definition": "NXtomo", "version": 1.3})
    entry["instrument/detector/data"] = FRAMES
    entry["instrument/detector/image_key"] = KEYS
    control = KEYS.copy()
    control[KEYS == 3] = -1
    entry["instrument/detector/image_key_control"] = control
    entry["sample/rotation_angle"] = DEGREES
    entry["sample/rotation_angle"].attrs["units"] = "degree"
    entry["sample/x_pixel_size"] = 6.5
    entry["sample/x_pixel_size"].attrs["units"] = "um"
    entry["instrument/beam/incident_energy"] = 19.0
    entry["instrument/beam/incident_energy"].attrs["units"] = "keV"
    entry["control/data"] = np.linspace(0.19, 0.2, 14)
    entry["control/data"].attrs["units"] = "A"
    entry["instrument/detector/x_rotation_axis_pixel_position"] = -1.5


def beside_another_member_called_definition(file: h5py.File) -> None:
    file["a_first/definition"] = "NXfluo"
    diamond(file)


VARIANTS = [diamond, i12_key_beside_the_data, diad_without_definition, esrf,
            beside_another_member_called_definition]  # fmt: skip


@pytest.mark.parametrize("write", VARIANTS)
def test_variant(tmp_path: Path, write: Callable[[h5py.File], None]) -> None:
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        write(file)
    with open_scan(tmp_path / "scan.nxs") as scan:
        assert (scan.info.projections, scan.info.flats, scan.info.darks) == (9, 3, 1)
        np.testing.assert_allclose(np.rad2deg(scan.info.angles_rad), np.linspace(0, 160, 9))
        np.testing.assert_array_equal(scan.projections(), FRAMES[KEYS == 0])
        np.testing.assert_array_equal(scan.flats(), FRAMES[KEYS == 1])
        np.testing.assert_array_equal(scan.darks(rows=slice(2, 4)), FRAMES[KEYS == 2, 2:4])
        assert "1 frames are marked invalid" in " ".join(scan.info.warnings)
        assert scan.info.flats_before == 2


def test_flats_among_the_projections_are_not_before_them(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        diamond(file)
        file["entry1/tomo_entry/instrument/detector/image_key"][5] = 1
    assert read_info(tmp_path / "scan.nxs").flats_before is None


def test_flats_of_another_file_have_no_order(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        diamond(file)
    np.save(tmp_path / "flats.npy", FRAMES[:2])
    with open_scan(tmp_path / "scan.nxs", flats=tmp_path / "flats.npy") as scan:
        assert (scan.info.flats, scan.info.flats_before) == (2, None)


def test_what_the_esrf_says(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        esrf(file)
    info = read_info(tmp_path / "scan.nxs")
    assert info.pixel_size_m == pytest.approx(6.5e-6)
    assert info.energy_kev == pytest.approx(19)
    assert info.ring_current_ma == pytest.approx((190, 200))
    assert info.rotation_axis_px == pytest.approx(3.5 - 1.5)


def test_first_of_several_entries_and_the_way_to_another(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        for number in range(2):
            entry = file.create_group(f"entry000{number}")
            entry["definition"] = "NXtomo"
            entry["instrument/detector/data"] = FRAMES[: 4 + number]
            entry["instrument/detector/image_key"] = np.zeros(4 + number, int)
            entry["sample/rotation_angle"] = np.arange(4.0 + number) * 30
    with open_scan(tmp_path / "scan.nxs") as scan:
        assert scan.info.projections == 4
        assert "/entry0001" in " ".join(scan.info.warnings)
    with open_scan(tmp_path / "scan.nxs", data="/entry0001") as scan:
        assert scan.info.projections == 5


def test_frames_in_a_file_beside(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "frames.hdf", "w") as file:
        file["data"] = FRAMES
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        diamond(file)
        del file["entry1/tomo_entry/data/data"]
        file["entry1/tomo_entry/data/data"] = h5py.ExternalLink("frames.hdf", "/data")
    with open_scan(tmp_path / "scan.nxs") as scan:
        np.testing.assert_array_equal(scan.projections(), FRAMES[KEYS == 0])
    (tmp_path / "frames.hdf").unlink()
    with pytest.raises(ScanError, match=r"frames\.hdf .*is not there.*copy it beside"):
        open_scan(tmp_path / "scan.nxs")
    assert read_info(tmp_path / "scan.nxs").projections == 9


def test_keys_for_another_number_of_frames(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "scan.nxs", "w") as file:
        diamond(file)
        del file["entry1/tomo_entry/instrument/detector/image_key"]
        file["entry1/tomo_entry/instrument/detector/image_key"] = KEYS[:5]
    with pytest.raises(ScanError, match=r"5 frames .* holds 14"):
        open_scan(tmp_path / "scan.nxs")


@pytest.mark.parametrize(
    ("angles", "says"),
    [
        (DEGREES[:11], "11 angles for 14 frames: taken frame by frame"),
        (np.append(DEGREES, [0.0, 0.0]), "16 angles for 14 frames: taken frame by frame"),
        (np.linspace(0, 200, 11), "taken as those of the 9 projections"),
        (np.linspace(0, 140, 8), "taken as those of the 9 projections"),
    ],
)
def test_angles_of_another_number_than_frames(
    tmp_path: Path, angles: np.ndarray, says: str
) -> None:
    path = tmp_path / "scan.nxs"
    with h5py.File(path, "w") as file:
        diamond(file)
        del file["entry1/tomo_entry/data/rotation_angle"]
        file["entry1/tomo_entry/data/rotation_angle"] = angles
        file["entry1/tomo_entry/data/rotation_angle"].attrs["units"] = "degrees"
    info = read_info(path)
    np.testing.assert_allclose(np.rad2deg(info.angles_rad), np.linspace(0, 160, 9), atol=1e-9)
    assert says in " ".join(info.warnings)


def test_frames_of_four_axes_are_named(tmp_path: Path) -> None:
    path = tmp_path / "scan.nxs"
    with h5py.File(path, "w") as file:
        diamond(file)
        del file["entry1/tomo_entry/data/data"]
        file["entry1/tomo_entry/data/data"] = FRAMES[None]
    with pytest.raises(ScanError, match="data/data should hold the frames and is 1 x 14 x 5 x 8"):
        open_scan(path)
