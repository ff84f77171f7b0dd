"""Files that hold slices or pictures instead of views over angles."""

from __future__ import annotations

import pickle
from pathlib import Path

import h5py
import numpy as np
import pytest
import tifffile

from metadata import Content, GreyState, ScanError, open_scan, read_info

VALUES = np.arange(4 * 5 * 6, dtype=np.float32).reshape(4, 5, 6)


def test_a_volume_is_a_scan_of_slices(tmp_path: Path) -> None:
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["inside/v"] = VALUES
        file["inside/v"].attrs.update({"energy_eV": 8353.0, "pixel_um": 0.5})
    with open_scan(f"{tmp_path / 'v.h5'}::inside/v", content="volume") as scan:
        info = scan.info
        assert (info.rows, info.projections, info.columns) == VALUES.shape
        assert info.content is Content.VOLUME
        assert info.dataset == "inside/v"
        assert info.energy_kev == pytest.approx(8.353)
        assert info.pixel_size_m == pytest.approx(5e-7)
        assert info.to_json()["content"] == "volume"
        slab = scan.projections(rows=slice(1, 3))
        np.testing.assert_array_equal(slab.swapaxes(0, 1), VALUES[1:3])
        assert scan.flats().shape == (0, 4, 6)
        again = pickle.loads(pickle.dumps(scan))
        np.testing.assert_array_equal(again.projections(), scan.projections())
        again.close()


def test_zeros_around_a_reconstruction_are_no_lost_frames(tmp_path: Path) -> None:
    padded = VALUES.copy()
    padded[0] = 0
    padded[:, 0] = 0
    with h5py.File(tmp_path / "v.h5", "w") as file:
        file["v"] = padded
    with open_scan(tmp_path / "v.h5", data="v", content="volume", state="attenuation") as scan:
        np.testing.assert_array_equal(scan.projections().swapaxes(0, 1), padded)
        assert scan.info.warnings == ()


@pytest.mark.parametrize("definition", ["NXtomoproc", "tomocupy", "tomopy"])
def test_reconstructions_are_told_by_their_content(tmp_path: Path, definition: str) -> None:
    with h5py.File(tmp_path / "r.h5", "w") as file:
        if definition == "NXtomoproc":
            file["entry/definition"] = "NXtomoproc"
            file["entry/data/data"] = VALUES
            file["entry/data/data"].attrs["state"] = "phase"
            file["entry/data/voxel_size"] = [1e-6, 1e-6, 1e-6]
            file["entry/data/voxel_size"].attrs["units"] = "m"
        elif definition == "tomocupy":
            file["exchange/data"] = VALUES
            file["exchange/data"].attrs["axes"] = "z:y:x"
        else:
            file["volume"] = VALUES
    info = read_info(tmp_path / "r.h5")
    assert info.content is Content.VOLUME
    assert (info.rows, info.projections, info.columns) == VALUES.shape
    if definition == "NXtomoproc":
        assert info.state is GreyState.PHASE
        assert info.pixel_size_m == pytest.approx(1e-6)


def test_tiff_slices_and_single_pictures(tmp_path: Path) -> None:
    (tmp_path / "slices").mkdir()
    for z, image in enumerate(VALUES):
        tifffile.imwrite(tmp_path / "slices" / f"recon_{z}.tif", image)
    with open_scan(tmp_path / "slices", content="volume") as scan:
        np.testing.assert_array_equal(scan.projections().swapaxes(0, 1), VALUES)
    picture = tmp_path / "picture.tif"
    tifffile.imwrite(picture, VALUES[0])
    with open_scan(picture, content="volume") as scan:
        assert (scan.info.rows, scan.info.projections, scan.info.columns) == (1, 5, 6)
        np.testing.assert_array_equal(scan.projections()[:, 0], VALUES[0])
    (tmp_path / "picture.poni").write_text("Distance: 0.1\n")
    with open_scan(picture) as scan:
        assert scan.info.content is Content.IMAGES
        np.testing.assert_array_equal(scan.projections()[0], VALUES[0])


def test_an_unknown_content_is_named(tmp_path: Path) -> None:
    np.save(tmp_path / "v.npy", VALUES)
    with pytest.raises(ScanError, match="projections, volume, images"):
        open_scan(tmp_path / "v.npy", content="slices")
