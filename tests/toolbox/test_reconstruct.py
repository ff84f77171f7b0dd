"""The reconstruction tools against worlds whose truth is known."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from simulators import SimulatedScan, World, simulate
from toolbox import Block, Center, DataKind, Geometry, GreyState, Pipeline, Shape, make_tool
from toolbox.metrics import psnr, ssim_in_circle

pytest.importorskip("torch")

TOOLS = ("fbp", "sirt", "cgls", "tv", "mbir")


def sinogram(scan: SimulatedScan, noise: float = 0.0) -> Block:
    """Line integrals of a world as the tools get them, ``row, angle, col``."""
    rows = np.arange(scan.info.rows)
    values = np.stack([scan.line_integrals(row) for row in rows])
    values += noise * np.random.default_rng(3).standard_normal(values.shape)
    return Block(
        values.astype(np.float32), DataKind.SINOGRAM, GreyState.ATTENUATION,
        Geometry.of(scan.info), rows, np.arange(scan.info.projections),
    )  # fmt: skip


def axis(scan: SimulatedScan) -> Center:
    return Center(
        scan.truth_center,
        scan.truth_center,
        scan.truth_center,
        tilt_rad=float(np.deg2rad(scan.world.tilt_deg)),
    )


def reconstruct(name: str, block: Block, center: Center, **parameters: Any) -> Block:
    tool = make_tool(name, parameters).tune(sinogram=block, center=center).tool
    return tool(sinogram=block, center=center)


@pytest.mark.parametrize("name", TOOLS)
@pytest.mark.parametrize("columns", [64, 65])
def test_every_tool_agrees_with_the_truth(name: str, columns: int) -> None:
    scan = simulate(World(columns=columns, rows=1, projections=90, specimen="rock", center=29.7))
    truth = scan.truth(0)
    found = reconstruct(name, sinogram(scan), axis(scan))
    assert found.kind == DataKind.VOLUME
    assert found.state == GreyState.ATTENUATION
    assert found.values.shape == (1, columns, columns)
    right = psnr(found.values[0], truth)
    assert right > 19
    for turned in (truth.T, truth[::-1], truth[:, ::-1], truth[::-1, ::-1]):
        assert psnr(found.values[0], turned) < right - 3
    # In 1/px, not only up to a factor.
    dense = truth > 0.9 * np.median(truth[truth > 0])
    assert found.values[0][dense].mean() == pytest.approx(truth[dense].mean(), rel=0.08)


@pytest.mark.parametrize("name", ["fbp", "sirt", "tv"])
def test_half_acquisition_is_recognised(name: str) -> None:
    world = World(columns=64, rows=1, projections=180, range_deg=360, center=12.0, specimen="foam")
    scan = simulate(world)
    block, center = sinogram(scan), axis(scan)
    tuned = make_tool(name, {}).tune(sinogram=block, center=center)
    size = 2 * 51 + 1
    assert any("Half acquisition" in note for note in tuned.notes)
    assert tuned.tool.output_shape(sinogram=Shape(180, 1, 64)) == Shape(size, 1, size)
    found = tuned.tool(sinogram=block, center=center)
    assert found.values.shape == (1, size, size)
    truth = scan.truth(0, size)
    assert psnr(found.values[0], truth) > 19


@pytest.mark.parametrize("name", ["fbp", "cgls"])
def test_a_leaning_axis_needs_a_halo(name: str) -> None:
    scan = simulate(World(columns=64, rows=9, projections=90, tilt_deg=1.5, specimen="foam"))
    block, center = sinogram(scan), axis(scan)
    tuned = make_tool(name, {}).tune(sinogram=block, center=center)
    assert tuned.tool.halo() == int(np.ceil(31.5 * np.sin(np.deg2rad(1.5)))) + 1
    assert any("leaning axis" in note for note in tuned.notes)
    whole = tuned.tool(sinogram=block, center=center).values
    # A slab with its halo gives what the whole gives.
    halo = tuned.tool.halo()
    part = tuned.tool(sinogram=block.take_rows(slice(4 - halo, 5 + halo)), center=center).values
    np.testing.assert_allclose(part[halo], whole[4], atol=2e-4 * np.abs(whole).max())


def test_the_automatic_strength_follows_the_noise() -> None:
    scan = simulate(World(columns=64, rows=2, projections=60, specimen="shepp_logan"))
    center = axis(scan)
    chosen = []
    for noise in (0.005, 0.05):
        block = sinogram(scan, noise)
        tuned = make_tool("tv", {}).tune(sinogram=block, center=center)
        assert any("predicts every fifth view best" in note for note in tuned.notes)
        chosen.append(tuned.tool.parameters()["strength"])
        found = tuned.tool(sinogram=block, center=center).values
        plain = reconstruct("fbp", block, center).values
        truth = np.stack([scan.truth(row) for row in (0, 1)])
        assert ssim_in_circle(found, truth) > ssim_in_circle(plain, truth) + 0.05
    assert chosen[1] > 2 * chosen[0]


def test_a_strength_given_is_kept() -> None:
    scan = simulate(World(columns=32, rows=2, projections=40))
    block, center = sinogram(scan), axis(scan)
    tuned = make_tool("tv", {"strength": 0.5}).tune(sinogram=block, center=center)
    assert tuned.tool.parameters()["strength"] == 0.5
    assert [note for note in tuned.notes if "px wide" not in note] == []


def test_too_few_views_to_keep_some_out() -> None:
    scan = simulate(World(columns=32, rows=1, projections=8))
    tuned = make_tool("tv", {}).tune(sinogram=sinogram(scan), center=axis(scan))
    assert any("8 views are too few" in note for note in tuned.notes)
    assert tuned.tool.parameters()["strength"] > 0


def test_total_variation_reaches_its_minimum() -> None:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam
    from toolbox.operators.solvers import _divergence, _gradient, total_variation

    x = torch.randn(2, 9, 9, generator=torch.Generator().manual_seed(0))
    q = torch.randn(2, 2, 9, 9, generator=torch.Generator().manual_seed(1))
    q[0, :, -1] = q[1, :, :, -1] = 0  # no differences there
    assert float((_gradient(x) * q).sum()) == pytest.approx(
        -float((x * _divergence(q)).sum()), 1e-4
    )

    scan = simulate(World(columns=48, rows=1, projections=40, specimen="foam"))
    y = torch.from_numpy(sinogram(scan, 0.03).values)
    A = ParallelBeam(scan.info.angles_rad, 48, scan.truth_center)

    def objective(x: Any) -> float:
        misfit = 0.5 * np.pi / 40 * float((A(x) - y).double().square().sum())
        return misfit + 0.01 * float(_gradient(x).double().square().sum(0).sqrt().sum())

    values = [objective(total_variation(A, y, 0.01, n, True)) for n in (60, 600)]
    assert values[0] < 1.02 * values[1]
    best = total_variation(A, y, 0.01, 600, True)
    rng = torch.Generator().manual_seed(2)
    for scale in (1e-4, 1e-3):  # nothing nearby is better
        nudge = (scale * torch.randn(best.shape, generator=rng)) * A.circle
        assert objective((best + nudge).clamp_min(0)) > objective(best)


@pytest.mark.parametrize("turn", [180.0, 360.0, 100.0])
@pytest.mark.parametrize("views", [8, 20])
def test_few_views_do_not_run_away(views: int, turn: float) -> None:
    world = World(columns=128, rows=1, projections=views, range_deg=turn, specimen="rock")
    scan = simulate(world)
    block, center = sinogram(scan, 0.01), axis(scan)
    truth = scan.truth(0)
    for name in ("tv", "sirt", "cgls"):
        parameters = {"strength": 0.002, "iterations": 150} if name == "tv" else {}
        found = reconstruct(name, block, center, **parameters).values[0]
        assert 0 <= psnr(found, truth) > psnr(reconstruct("fbp", block, center).values[0], truth)
        assert np.abs(found).max() < 8 * truth.max()


@pytest.mark.parametrize("name", ["sirt", "cgls"])
def test_more_iterations_fit_better(name: str) -> None:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

    scan = simulate(World(columns=48, rows=3, projections=40, specimen="foam"))
    block, center = sinogram(scan), axis(scan)
    A = ParallelBeam(scan.info.angles_rad, 48, scan.truth_center)

    def misfit(iterations: int) -> float:
        x = reconstruct(name, block, center, iterations=iterations).values
        return float((A(torch.from_numpy(x)) - torch.from_numpy(block.values)).norm())

    found = [misfit(n) for n in (1, 5, 20)]
    assert found == sorted(found, reverse=True)
    assert found[2] < 0.35 * found[0]


def test_values_stay_above_zero_on_request() -> None:
    scan = simulate(World(columns=48, rows=1, projections=30, specimen="rock"))
    block, center = sinogram(scan, 0.05), axis(scan)
    for name in ("sirt", "cgls", "tv"):
        assert reconstruct(name, block, center, non_negative=True).values.min() >= 0
        free = reconstruct(name, block, center, non_negative=False)
        assert free.values.min() < 0


def test_edge_padding_is_chosen_for_a_wide_sample() -> None:
    scan = simulate(World(columns=64, rows=1, projections=60, fill=1.3, specimen="foam"))
    tuned = make_tool("fbp", {}).tune(sinogram=sinogram(scan), center=axis(scan))
    assert tuned.tool.parameters()["padding"] == "edge"
    assert any("reaches the edge" in note for note in tuned.notes)


def test_outside_the_circle_is_nothing_unless_asked_for() -> None:
    scan = simulate(World(columns=48, rows=1, projections=30))
    block, center = sinogram(scan, 0.02), axis(scan)
    cut = reconstruct("fbp", block, center).values[0]
    full = reconstruct("fbp", block, center, circle=False).values[0]
    corner = np.hypot(*np.meshgrid(*(2 * [np.arange(48) - 23.5]))) > 24
    assert not cut[corner].any()
    assert full[corner].all()
    np.testing.assert_allclose(cut[~corner], full[~corner], atol=1e-2 * np.abs(full).max())


def test_known_center() -> None:
    scan = simulate(World(columns=64, rows=3, projections=30))
    block = sinogram(scan)
    tool = make_tool("known_center", {"column": 31.5, "low": 31.0, "high": 32.5, "tilt_deg": 0.1})
    center = tool(sinogram=block)
    assert (center.column, center.low, center.high) == (31.5, 31.0, 32.5)
    assert center.tilt_rad == pytest.approx(np.deg2rad(0.1))
    assert center.warnings == ()
    bare = make_tool("known_center", {"column": 900.0})(sinogram=block)
    assert (bare.low, bare.high) == (900.0, 900.0)
    assert "far outside of 64 columns" in bare.warnings[0]


def test_reconstructions_validate_in_a_pipeline() -> None:
    for name in TOOLS:
        pipeline = Pipeline.chain(
            ["flat_field", "minus_log", name], center=("known_center", {"column": 31.5})
        )
        assert pipeline.validate() == []


def test_a_sinogram_that_cannot_be_written_to_is_taken() -> None:
    scan = simulate(World(columns=32, rows=1, projections=20))
    block = sinogram(scan)
    block.values.flags.writeable = False
    frozen = dataclasses.replace(block)
    assert reconstruct("fbp", frozen, axis(scan)).values.shape == (1, 32, 32)
