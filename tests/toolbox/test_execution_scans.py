"""Whole pipelines of real tools, on a simulated scan with its truth and on real scans."""

from __future__ import annotations

import math
from pathlib import Path

import h5py
import numpy as np
import pytest

from metadata import open_scan
from simulators import World, simulate
from toolbox import Pipeline
from toolbox.execution import operations, plan_passes, predict_peak_bytes, run, slab_rows
from toolbox.execution.memory import BASE, Sizes
from toolbox.execution.passes import Direction
from toolbox.recipe import Step, wire
from toolbox.values import Shape

FBP = ("fbp", {"padding": "zero"})


def axis(column: float) -> tuple[str, dict[str, float]]:
    return ("known_center", {"column": column})


def test_a_simulated_scan_becomes_its_truth(tmp_path: Path) -> None:
    scan = simulate(World(columns=96, rows=6, projections=150, rings=0.3, center=46.0))
    steps = ["flat_field", "minus_log", ("stripe_sorting", {"strength": 9}), FBP]
    out = tmp_path / "out.h5"
    record = run(Pipeline.chain(steps, center=axis(46.0)), [scan], out, notes=["from planning"])
    with h5py.File(out) as file:
        volume = file["/entry/data/data"][()]
        np.testing.assert_allclose(file["/entry/data/voxel_size"][()], 1e-6)
        assert file["/entry/data/data"].attrs["units"] == "1/px"
    truth = np.stack([scan.truth(r) for r in range(6)])
    inside = np.hypot(*np.meshgrid(*[np.arange(96) - 47.5] * 2)) < 40
    assert np.corrcoef(volume[:, inside].ravel(), truth[:, inside].ravel())[0, 1] > 0.9
    assert record.center_px == {"value": 46.0, "low": 46.0, "high": 46.0}
    assert record.quality["halves_correlation"] > 0.3
    assert all(math.isfinite(v) for v in record.quality.values())
    assert record.warnings[0] == "from planning"
    assert {"scan", "fbp", "read", "write"} - set(record.node_seconds) == {"scan"}
    assert record.versions["tomoplan"]
    assert record.hardware["cpus"] >= 1
    plain = run(Pipeline.chain(steps, center=axis(46.0)), [scan], tmp_path / "b.h5", quality=False)
    assert plain.quality == {}


def test_threads_do_not_change_a_bit(tmp_path: Path) -> None:
    scan = simulate(World(columns=64, rows=8, projections=60))
    pipeline = Pipeline.chain(["flat_field", "minus_log", FBP], center=axis(31.0))
    volumes = []
    for name in ("a", "b"):
        run(pipeline, [scan], tmp_path / f"{name}.h5", workers=2, quality=False)
        with h5py.File(tmp_path / f"{name}.h5") as file:
            volumes.append(file["/entry/data/data"][()])
    np.testing.assert_array_equal(*volumes)


def test_measuring_that_fails_is_said(tmp_path: Path) -> None:
    def measure(*_: object) -> None:
        raise ValueError("the slices are shy")

    scan = simulate(World(columns=48, rows=2, projections=40))
    pipeline = Pipeline.chain(["flat_field", "minus_log", FBP], center=axis(23.5))
    record = run(pipeline, [scan], tmp_path / "out.h5", measure=measure)  # type: ignore[arg-type]
    assert any("could not be measured: the slices are shy" in w for w in record.warnings)
    assert (tmp_path / "out.h5").exists()


def test_a_registered_volume_is_not_held_against_the_views_of_other_heights(tmp_path: Path) -> None:
    scans = [simulate(World("foam", columns=32, rows=rows, projections=40, seed=2))
             for rows in (24, 8)]  # fmt: skip
    steps = [Step("flat_field"), Step("minus_log"), Step("known_center", {"column": 15.5}),
             Step("fbp"), Step("register_volumes"), Step("apply_transform")]  # fmt: skip
    record = run(wire(steps, 2), scans, tmp_path / "out.h5")
    assert not [w for w in record.warnings if "could not be measured" in w]
    assert "noise" in record.quality
    assert "reprojection_residual" not in record.quality


def test_a_store_that_fails_does_not_take_the_output(tmp_path: Path) -> None:
    (tmp_path / "not-a-folder").write_text("")
    scan = simulate(World(columns=48, rows=2, projections=40))
    record = run(Pipeline.chain(["flat_field"]), [scan], tmp_path / "out.h5",
                 store=tmp_path / "not-a-folder" / "s.sqlite")  # fmt: skip
    assert "its record was not kept" in record.warnings[-1]
    with h5py.File(tmp_path / "out.h5") as file:
        assert list(file["/entry/data/data"].attrs["axes"]) == ["rotation_angle", "row", "column"]
        assert file["/entry/data/data"].attrs["state"] == "transmission"
        assert file["/entry/data/rotation_angle"].shape == (40,)


def test_paganin_goes_by_angles_then_rows(tmp_path: Path) -> None:
    scan = simulate(World(columns=48, rows=16, projections=40, fringes=0.3))
    paganin = ("paganin", {"delta_beta": 100.0})
    pipeline = Pipeline.chain(["flat_field", paganin, FBP], center=axis(23.5))
    assert [p.direction for p in plan_passes(pipeline)] == [Direction.ANGLES, Direction.ROWS]
    run(pipeline, [scan], tmp_path / "out.h5", quality=False)
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["/entry/data/data"].shape == (16, 48, 48)
        assert file["/entry/data/data"].attrs["state"] == "phase"
        assert np.isfinite(file["/entry/data/data"][()]).all()


def test_the_tooth(data: Path, tmp_path: Path) -> None:
    path = data / "projections" / "tooth_aps_dx.h5"
    steps = ["flat_field", "minus_log", ("stripe_sorting", {"strength": 9}), FBP]
    with open_scan(path) as scan:
        run(Pipeline.chain(steps, center=axis(296.0)), [scan], tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["/entry/data/data"].shape == (2, 640, 640)
        assert file["/entry/title"][()] == b"Tooth"
        assert file["/entry/raw/scan/file/exchange/data"].shape == (181, 2, 640)


def test_two_tiles(data: Path, tmp_path: Path) -> None:
    pipeline = wire([Step("flat_field"), Step("minus_log"), Step("stitch_tiles")], 2)
    scans = [open_scan(data / "conditions" / f"tile_{side}.h5") for side in ("left", "right")]
    record = run(pipeline, scans, tmp_path / "out.h5")
    assert record.overlap_px == pytest.approx(280, abs=1)
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["/entry/data/data"].shape == (500, 1, 2560)


def test_slabs_fit_the_budget() -> None:
    pipeline = Pipeline.chain(["flat_field", "minus_log", FBP], center=axis(100.0))
    shape = Shape(1000, 512, 1024)
    sizes = Sizes.of(pipeline, [shape])
    heights = []
    for budget in (4e9, 1e9, 3e8):
        height, workers = slab_rows(sizes, ["fbp"], {"scan"}, Direction.ROWS, 8, budget)
        peak, sources = sizes.slab_bytes(["fbp"], {"scan"}, Direction.ROWS, height)
        assert workers * peak + sources <= budget
        heights.append(height * workers)
        assert predict_peak_bytes(pipeline, [shape], 8, budget) <= budget + BASE
    assert heights == sorted(heights, reverse=True)


def test_work_grows_with_size() -> None:
    pipeline = Pipeline.chain(["flat_field", "minus_log", FBP], center=axis(100.0))
    small = operations(pipeline, [Shape(100, 8, 128)])
    large = operations(pipeline, [Shape(200, 16, 256)])
    assert set(small) == {"flat_field", "minus_log", "known_center", "fbp"}
    assert all(large[n] >= small[n] for n in small)
    assert large["fbp"] > 4 * small["fbp"]
