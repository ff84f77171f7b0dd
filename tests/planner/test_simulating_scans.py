"""``tomoplan simulate scan``: flags to settings, both formats, refusals."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import pytest
from typer.testing import CliRunner

from metadata import InputError, open_scan
from planner.app.simulating import app
from simulators import World

SMALL = ("--columns", "32", "--rows", "2", "--projections", "12")


def run(*words: str | Path) -> str:
    done = CliRunner().invoke(app, ["scan", *map(str, words)], catch_exceptions=True)
    if isinstance(done.exception, InputError):
        raise done.exception
    assert done.exit_code == 0, done.output
    return done.output


def test_every_setting_of_a_world_is_a_flag() -> None:
    shown = run("--help")
    missing = [f.name for f in dataclasses.fields(World)
               if f"--{f.name.replace('_', '-')}"[:22] not in shown]  # fmt: skip
    assert missing == []


def test_flags_are_settings(tmp_path: Path) -> None:
    path = tmp_path / "scan.h5"
    run("-o", path, "--format", "dx", *SMALL, "--specimen", "wood", "--metal", "0.7",
        "--photons", "-1", "--wobble-px", "0.5", "--center", "14.5",
        "--energy-kev", "18")  # fmt: skip
    with open_scan(path) as scan:
        assert scan.info.format == "Data Exchange"
        assert (scan.info.projections, scan.info.rows, scan.info.columns) == (12, 2, 32)
        assert scan.info.energy_kev == pytest.approx(18)
    with h5py.File(f"{path}.truth.h5") as truth:
        said = dict(truth.attrs)
        assert truth["center_px"][()] == 14.5
    assert (said["specimen"], said["metal"], said["photons"], said["wobble_px"]) == (
        "wood", 0.7, "none", 0.5)  # fmt: skip


def test_flux_takes_the_place_of_the_shown_photons(tmp_path: Path) -> None:
    path = tmp_path / "scan.nxs"
    run("-o", path, *SMALL, "--flux", "1e5", "--exposure-s", "0.05", "--no-volume")
    with h5py.File(f"{path}.truth.h5") as truth:
        assert (truth.attrs["photons"], truth.attrs["flux"]) == ("none", 1e5)
        assert "volume" not in truth


def test_what_the_simulation_cannot_resolve_is_said(tmp_path: Path) -> None:
    waves = ("--propagation", "fresnel", "--distance-m", "0.05", "--rows", "1")
    said = run("-o", tmp_path / "a.nxs", *SMALL, *waves, "--no-volume")
    assert "Note: One row: waves spread across the columns only." in said
    assert "Note: The phase turns by" in said
    assert "Note" not in run("-o", tmp_path / "b.nxs", *SMALL, "--no-volume")
    done = CliRunner().invoke(app, ["scans", "tiles", "-o", str(tmp_path / "set"), *SMALL, *waves,
                                    "--overlap-px", "8", "--no-volume"])  # fmt: skip
    assert "Note on tile_1.nxs: One row" in done.output


def test_nonsense_is_one_paragraph(tmp_path: Path) -> None:
    with pytest.raises(InputError, match=r"rings is 3.0, expected at most 1"):
        run("-o", tmp_path / "a.nxs", "--rings", "3")
    with pytest.raises(InputError, match=r"no specimen 'cheese'; expected one of"):
        run("-o", tmp_path / "a.nxs", "--specimen", "cheese")
    with pytest.raises(InputError, match=r"format is 'tiff', expected one of nxtomo, dx"):
        run("-o", tmp_path / "a.nxs", *SMALL, "--format", "tiff")
    assert not list(tmp_path.iterdir())
