"""Alignment and stitching as whole pipelines, run by the engine slab by slab."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import h5py
import numpy as np

from metadata.scan import Frames, Scan
from metadata.scan_info import ScanInfo
from simulators import World, simulate
from toolbox.execution import run
from toolbox.pipeline import SCAN, Edge, Node, Pipeline


def aligned(estimator: str) -> Pipeline:
    nodes = (
        Node("scan", SCAN, {"index": 0}),
        Node("flat", "flat_field"),
        Node("log", "minus_log"),
        Node("shifts", estimator),
        Node("moved", "apply_shifts"),
        Node("axis", "known_center", {"column": 47.5}),
        Node("volume", "fbp"),
    )
    edges = (
        Edge("scan", "flat", "projections"),
        Edge("flat", "log", "projections"),
        Edge("log", "shifts", "projections"),
        Edge("log", "moved", "projections"),
        Edge("shifts", "moved", "shifts"),
        Edge("moved", "axis", "sinogram"),
        Edge("moved", "volume", "sinogram"),
        Edge("axis", "volume", "center"),
    )
    return Pipeline(nodes, edges)


def likeness(volume: np.ndarray, truth: np.ndarray) -> float:
    """Correlation inside the circle, at the best of some whole-pixel places (gauge)."""
    size = truth.shape[-1]
    y, x = np.mgrid[:size, :size] - (size - 1) / 2
    circle = x**2 + y**2 < (0.4 * size) ** 2
    return max(
        float(np.corrcoef(np.roll(volume, (i, j), (0, 1))[circle], truth[circle])[0, 1])
        for i in (-1, 0, 1)
        for j in (-1, 0, 1)
    )


def test_aligned_reconstructions_are_better(tmp_path: Path) -> None:
    world = World(
        specimen="foam", columns=96, rows=20, projections=90, photons=1e4, rings=0.3,
        jitter_px=1.5, vertical_jitter_px=1.0,
    )  # fmt: skip
    scan = simulate(world)
    truth = np.stack([scan.truth(r) for r in (8, 10, 12)])
    found = {}
    plain = Pipeline.chain(
        ["flat_field", "minus_log", "fbp"], center=("known_center", {"column": 47.5})
    )
    chains = {
        "none": plain,
        "mass": aligned("align_center_of_mass"),
        "neighbours": aligned("align_cross_correlation"),
    }
    for name, pipeline in chains.items():
        assert pipeline.validate() == []
        run(pipeline, [scan], tmp_path / f"{name}.h5", quality=False)
        with h5py.File(tmp_path / f"{name}.h5") as file:
            volume = file["entry/data/data"][()]
        pairs = zip(volume[[8, 10, 12]], truth, strict=True)
        found[name] = float(np.mean([likeness(v, t) for v, t in pairs]))
    still = simulate(replace(world, jitter_px=0.0, vertical_jitter_px=0.0))
    run(plain, [still], tmp_path / "still.h5", quality=False)
    with h5py.File(tmp_path / "still.h5") as file:
        volume = file["entry/data/data"][()]
    best = np.mean([likeness(volume[r], scan.truth(r)) for r in (8, 10, 12)])
    lost = best - found["none"]
    assert lost > 0.1
    assert found["mass"] - found["none"] > 0.85 * lost
    assert found["neighbours"] - found["none"] > 0.3 * lost


class Cut(Scan):
    """Some columns of a scan."""

    def __init__(self, whole: Scan, columns: slice) -> None:
        self.whole, self.cut = whole, columns
        width = len(range(*columns.indices(whole.info.columns)))
        path = Path(f"{whole.info.path}-{columns.start}")
        self.info: ScanInfo = replace(whole.info, columns=width, path=path)

    def projections(
        self, angles: slice | np.ndarray = slice(None), rows: slice = slice(None)
    ) -> Frames:
        return self.whole.projections(angles, rows)[..., self.cut]

    def flats(self, rows: slice = slice(None)) -> Frames:
        return self.whole.flats(rows)[..., self.cut]

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self.whole.darks(rows)[..., self.cut]


def test_three_tiles_reconstruct_like_the_whole(tmp_path: Path) -> None:
    scan = simulate(World(specimen="foam", columns=240, rows=3, projections=120, photons=1e5))
    tiles = [Cut(scan, slice(*c)) for c in ((0, 110), (70, 180), (140, 240))]
    nodes = [Node(f"scan{i}", SCAN, {"index": i}) for i in range(3)]
    nodes += [Node(f"flat{i}", "flat_field") for i in range(3)]
    nodes += [
        Node("two", "stitch_tiles"), Node("three", "stitch_tiles"), Node("log", "minus_log"),
        Node("axis", "known_center", {"column": 119.5}), Node("volume", "fbp"),
    ]  # fmt: skip
    edges = [Edge(f"scan{i}", f"flat{i}", "projections") for i in range(3)]
    edges += [
        Edge("flat0", "two", "left"), Edge("flat1", "two", "right"),
        Edge("two", "three", "left"), Edge("flat2", "three", "right"),
        Edge("three", "log", "projections"), Edge("log", "axis", "sinogram"),
        Edge("log", "volume", "sinogram"), Edge("axis", "volume", "center"),
    ]  # fmt: skip
    pipeline = Pipeline(tuple(nodes), tuple(edges))
    assert pipeline.validate() == []
    record = run(pipeline, tiles, tmp_path / "stitched.h5", quality=False)
    chosen = {n["id"]: n["parameters"] for n in record.tuned["nodes"]}
    assert chosen["two"]["overlap"] == 40
    assert chosen["three"]["overlap"] == 40
    whole = Pipeline.chain(
        ["flat_field", "minus_log", "fbp"], center=("known_center", {"column": 119.5})
    )
    run(whole, [scan], tmp_path / "whole.h5", quality=False)
    with h5py.File(tmp_path / "stitched.h5") as one, h5py.File(tmp_path / "whole.h5") as other:
        stitched, expected = one["entry/data/data"][()], other["entry/data/data"][()]
    assert stitched.shape == expected.shape
    assert np.corrcoef(stitched.ravel(), expected.ravel())[0, 1] > 0.99


def test_a_half_acquisition_is_merged_and_reconstructed(tmp_path: Path) -> None:
    world = World(
        specimen="foam", columns=140, rows=2, projections=240, range_deg=360, center=30.0,
        photons=1e5, fill=0.8,
    )  # fmt: skip
    scan = simulate(world)
    wide = 219  # 2 · 140 − 61: the axis is its middle column
    nodes = (
        Node("scan", SCAN, {"index": 0}),
        Node("flat", "flat_field"),
        Node("log", "minus_log"),
        Node("merged", "merge_360"),
        Node("axis", "known_center", {"column": (wide - 1) / 2}),
        Node("volume", "fbp"),
    )
    edges = (
        Edge("scan", "flat", "projections"),
        Edge("flat", "log", "projections"),
        Edge("log", "merged", "projections"),
        Edge("merged", "axis", "sinogram"),
        Edge("merged", "volume", "sinogram"),
        Edge("axis", "volume", "center"),
    )
    pipeline = Pipeline(nodes, edges)
    assert pipeline.validate() == []
    record = run(pipeline, [scan], tmp_path / "merged.h5", quality=False)
    chosen = {n["id"]: n["parameters"] for n in record.tuned["nodes"]}
    assert abs(chosen["merged"]["overlap"] - 61) < 0.3
    with h5py.File(tmp_path / "merged.h5") as file:
        slices = file["entry/data/data"][()]
    assert slices.shape == (2, wide, wide)
    inner = scan.truth(0)  # 140 × 140 about the axis
    edge = (wide - 140) // 2
    middle = slices[0][edge : edge + 140, edge : edge + 140]
    assert np.corrcoef(middle.ravel(), inner.ravel())[0, 1] > 0.8
