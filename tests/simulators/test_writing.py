"""Simulated scans on disk, and their truth beside them."""

from __future__ import annotations

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata import InputError, open_scan
from simulators import World, simulate, writing
from simulators.writing import write_scan

WORLD = World(
    "porous_rock", columns=40, rows=20, projections=12, photons=1e4, center=18.5, rings=0.5,
    partial_rings=1.0, zingers=1.0, jitter_px=1.0, dead_pixels=0.01, hot_pixels=0.01,
    flat_jumps=0.5, monitor_drop=0.1, flats_after=4, deformation_px=1.0, blur_px=0.4,
)  # fmt: skip


@pytest.mark.parametrize("format", ["nxtomo", "dx"])
def test_a_written_scan_is_read_back(
    format: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writing, "SLAB_BYTES", 2 * 12 * 40 * 5)  # several slabs
    made = simulate(WORLD)
    write_scan(WORLD, tmp_path / "scan.h5", format)
    with open_scan(tmp_path / "scan.h5") as scan:
        np.testing.assert_array_equal(scan.projections(), made.projections())
        np.testing.assert_array_equal(scan.flats(), made.flats())
        np.testing.assert_array_equal(scan.darks(), made.darks())
        np.testing.assert_allclose(scan.info.angles_rad, made.info.angles_rad)
        assert scan.info.pixel_size_m == pytest.approx(WORLD.pixel_size_m)
        assert scan.info.energy_kev == pytest.approx(WORLD.energy_kev)
        assert scan.info.distance_m == pytest.approx(WORLD.distance_m)
        assert scan.info.exposure_s == pytest.approx(WORLD.exposure_s)
        assert scan.info.rotation_axis_px is None
        assert scan.info.warnings == ()
        if format == "nxtomo":
            assert scan.info.flats_before == 10
            np.testing.assert_allclose(scan.monitor(), made.monitor())


def test_the_truth_is_beside_and_not_inside(tmp_path: Path) -> None:
    done: list[tuple[int, int]] = []
    path = tmp_path / "scan.nxs"
    truth = write_scan(WORLD, path, progress=lambda rows, of: done.append((rows, of)))
    assert done[0][0] <= 20
    assert done[-1] == (40, 40)
    names: list[str] = []
    with h5py.File(path) as file:
        file.visit(names.append)
    assert not [n for n in names if "truth" in n or "shift" in n or "label" in n]
    made = simulate(WORLD)
    with h5py.File(truth) as file:
        np.testing.assert_array_equal(file["volume"][3], made.truth(3))
        np.testing.assert_array_equal(file["labels"][3], made.labels(3))
        np.testing.assert_array_equal(file["shifts_px"], made.truth_shifts)
        np.testing.assert_array_equal(file["shift_parts_px/jitter"], made.truth_shifts)
        np.testing.assert_array_equal(file["beam"], made.truth_beam)
        np.testing.assert_array_equal(file["flat_shifts_px"], made.truth_flat_shifts)
        np.testing.assert_array_equal(file["rings/steady"][7], made.truth_rings(7).steady)
        hits = file["zingers"][()]
        np.testing.assert_array_equal(hits[hits[:, 0] == 7, 1:], made.truth_zingers(7))
        segments = file["rings/segments"][()]
        assert list(file["rings/segments"].attrs["columns"]) == [
            "row", "col", "first", "last", "change"]  # fmt: skip
        assert len(segments) == sum(len(made.truth_rings(row).segments) for row in range(20))
        assert file["center_px"][()] == 18.5
        assert file["displacement"].shape == (3, 3, 5, 5)
        assert file["labels_of"][1].decode() == made.specimen.labels[1]
        settings = {name: file.attrs[name] for name in ("specimen", "columns", "photons", "flux")}
    assert settings == {"specimen": "porous_rock", "columns": 40, "photons": 1e4, "flux": "none"}
    assert World(**WORLD.to_dict()) == WORLD


def test_without_volume_and_with_an_unknown_format(tmp_path: Path) -> None:
    small = replace(WORLD, rows=1, deformation_px=0.0)
    with h5py.File(write_scan(small, tmp_path / "a.nxs", volume=False)) as file:
        assert "volume" not in file
        assert "displacement" not in file
    with pytest.raises(InputError, match="format is 'tiff', expected one of nxtomo, dx"):
        write_scan(small, tmp_path / "b.tif", "tiff")


WRITE_SMALL = """
import resource, sys
from pathlib import Path
from simulators import World, block_cache, writing
writing.SLAB_BYTES = 2**20
block_cache.BlockCache.__init__.__defaults__ = (2**20,)
rows = int(sys.argv[1])
world = World("integrated_circuit", columns=128, rows=rows, projections=128, photons=1e4, rings=0.5)
writing.write_scan(world, Path(sys.argv[2]))
print(resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024)
"""


@pytest.mark.slow
def test_memory_does_not_grow_with_the_rows(tmp_path: Path) -> None:
    peak = {}
    for rows in (16, 400):
        done = subprocess.run([sys.executable, "-c", WRITE_SMALL, str(rows), tmp_path / "scan.nxs"],
                              capture_output=True, text=True, check=True)  # fmt: skip
        peak[rows] = int(done.stdout)
    written = 400 * 128 * 128 * (2 + 4 + 1)  # bytes of counts, and of the truth's volume and labels
    frames = 400 * 20 * 128 * 2  # flats and darks, which are held
    assert peak[400] - peak[16] < 0.25 * written + frames
