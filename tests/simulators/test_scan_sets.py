"""Scans that belong together, on disk with their common truth."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import h5py
import numpy as np
import pytest
from typer.testing import CliRunner

from metadata import InputError, open_scan
from planner.app.simulating import app
from simulators import World
from simulators.acquisition.mosaic import mosaic
from simulators.scan_sets import KINDS, SetOptions, write_set

WORLD = World("foam", columns=32, rows=4, projections=8, seed=3, deformation_px=1.5)


def written(kind: str, folder: Path, **options: Any) -> tuple[list[Path], dict[str, Any]]:
    paths = write_set(kind, WORLD, folder, options=SetOptions(**options), volume=False)
    truth = json.loads((folder / "truth.json").read_text())
    assert truth["scans"] == [p.name for p in paths]
    assert World(**truth["world"]) == WORLD
    for path in paths:
        assert path.with_name(path.name + ".truth.h5").exists()
        with h5py.File(path) as file:
            names: list[str] = []
            file.visit(names.append)
        assert not [n for n in names if "truth" in n or "offset" in n or "shift" in n]
    return paths, truth


def test_tiles_stand_where_the_truth_says(tmp_path: Path) -> None:
    paths, truth = written("tiles", tmp_path, across=2, overlap_px=10, stage_error_px=1.0)
    made = mosaic(WORLD, 2, 1, 10, 1.0)
    np.testing.assert_array_equal(truth["offsets_px"], made.offsets_px)
    assert truth["center_px"] == made.whole.truth_center
    for path, tile in zip(paths, made.tiles, strict=True):
        with open_scan(path) as scan:
            np.testing.assert_array_equal(scan.projections(), tile.projections())


def test_energies_are_in_the_files_and_the_basis_beside(tmp_path: Path) -> None:
    paths, truth = written("energies", tmp_path, energies_kev=(10.0, 20.5))
    assert [p.name for p in paths] == ["10_kev.nxs", "20.5_kev.nxs"]
    for path, energy in zip(paths, (10.0, 20.5), strict=True):
        with open_scan(path) as scan:
            assert scan.info.energy_kev == energy
    low, high = np.array(truth["attenuation_per_px"])
    assert len(truth["materials"]) == len(low)
    assert low[1] > 3 * high[1]


def test_modalities_and_time_steps_have_their_transform(tmp_path: Path) -> None:
    paths, truth = written("modalities", tmp_path / "m")
    with open_scan(paths[1]) as scan:
        assert scan.info.columns == 16
    assert abs(np.linalg.det(truth["matrix"])) == pytest.approx(1 / 8)
    paths, truth = written("time_steps", tmp_path / "t", steps=3)
    assert truth["deformation_px"] == [0.0, 0.75, 1.5]
    with h5py.File(paths[2].with_name("step_2.nxs.truth.h5")) as file:
        assert 0.3 < np.abs(file["displacement"]).max() <= 1.5


def test_the_command_writes_each_kind(tmp_path: Path) -> None:
    for kind in KINDS:
        words = ["scans", kind, "-o", str(tmp_path / kind), "--columns", "32", "--rows", "2",
                 "--projections", "6", "--overlap-px", "8", "--energies-kev", "9, 12",
                 "--deformation-px", "1", "--format", "dx", "--no-volume"]  # fmt: skip
        done = CliRunner().invoke(app, words, catch_exceptions=False)
        assert done.exit_code == 0, done.output
        assert len(list((tmp_path / kind).glob("*.h5.truth.h5"))) == 2


def test_what_cannot_be_is_named(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="The set is 'triples', expected one of energies, tiles"):
        write_set("triples", WORLD, tmp_path / "a")
    with pytest.raises(InputError, match="No energies were given"):
        write_set("energies", WORLD, tmp_path / "a")
    with pytest.raises(InputError, match="20, 20 keV hold one twice"):
        write_set("energies", WORLD, tmp_path / "a", options=SetOptions((20.0, 20.0)))
    with pytest.raises(InputError, match="The format is 'tiff'"):
        write_set("tiles", WORLD, tmp_path / "a", "tiff")
    (tmp_path / "file").write_text("")
    with pytest.raises(InputError, match="cannot be made"):
        write_set("tiles", WORLD, tmp_path / "file", options=SetOptions(overlap_px=4))
    done = CliRunner().invoke(app, ["scans", "energies", "-o", str(tmp_path / "a"),
                                    "--energies-kev", "ten"])  # fmt: skip
    assert isinstance(done.exception, InputError)
    assert "--energies-kev is 'ten'" in str(done.exception)
    assert [p.name for p in tmp_path.iterdir()] == ["file"]
