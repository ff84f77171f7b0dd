"""Corrections of single values and frames, and binning."""

import numpy as np
import pytest

from metadata.errors import InputError
from simulators import World, simulate
from toolbox.kinds import DataKind, GreyState
from toolbox.tools.correct.bad_frames import BadFrames
from toolbox.tools.correct.bin_pixels import BinPixels
from toolbox.tools.correct.zingers import Zingers, _median_of_five
from toolbox.values import Block, Geometry, Shape


def counts(world: World) -> Block:
    scan = simulate(world)
    block = Block(
        scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS, Geometry.of(scan.info),
        np.arange(world.rows), np.arange(world.projections), flats=scan.flats(), darks=scan.darks(),
    )  # fmt: skip
    return block.as_kind(DataKind.SINOGRAM)


def test_zingers_go_and_the_rest_stays():
    world = World("foam", columns=128, rows=2, projections=120, photons=3e3, seed=2)
    clean = counts(world).values
    block = counts(World("foam", 128, 2, 120, photons=3e3, seed=2, zingers=1.0))
    hit = block.values > clean + 5000
    assert 10 < hit.sum() < 100
    tuned = Zingers().tune(sinogram=block)
    result = tuned.tool(sinogram=block).values
    assert "of the values are replaced" in tuned.notes[0]
    left = (result > clean + 5000) & hit
    assert left.sum() <= 0.05 * hit.sum()
    changed = (result != block.values) & ~hit
    assert changed.mean() < 2e-4


def test_zingers_spare_a_clean_scan():
    block = counts(World("rock", columns=128, rows=2, projections=120, photons=3e3))
    result = Zingers()(sinogram=block).values
    assert np.mean(result != block.values) < 4e-4


def test_median_of_five_is_the_median():
    values = np.random.default_rng(0).normal(size=(50, 7)).astype(np.float32)
    padded = np.pad(values, ((2, 2), (0, 0)), mode="reflect")
    windows = np.lib.stride_tricks.sliding_window_view(padded, 5, axis=0)
    np.testing.assert_array_equal(_median_of_five(values), np.median(windows, axis=-1))


@pytest.mark.parametrize("loss", ["nan", "zero", "dump"])
def test_lost_projections_are_drawn_between_their_neighbours(loss):
    block = counts(World(columns=96, rows=2, projections=180))
    values = block.values.copy()
    for frame in (0, 50, 51, 179):
        values[:, frame] = {"nan": np.nan, "zero": 0.0, "dump": values[:, frame] * 0.1}[loss]
    result = BadFrames()(sinogram=block.with_values(values)).values
    others = np.setdiff1d(np.arange(180), [0, 50, 51, 179])
    np.testing.assert_array_equal(result[:, others], block.values[:, others])
    assert np.isfinite(result).all()
    error = np.abs(result - block.values)[:, [0, 50, 51, 179]].mean() / block.values.mean()
    assert error < 0.03


def test_single_nan_are_drawn_along_the_angle():
    block = counts(World(columns=96, rows=1, projections=180))
    values = block.values.copy()
    values[0, 30, 40] = np.nan
    result = BadFrames()(sinogram=block.with_values(values)).values
    assert result[0, 30, 40] == pytest.approx((values[0, 29, 40] + values[0, 31, 40]) / 2)
    values[:] = np.nan
    assert np.isnan(BadFrames()(sinogram=block.with_values(values)).values).all()


def test_binning_keeps_the_mean_and_grows_the_pixel():
    rng = np.random.default_rng(0)
    geometry = Geometry(np.linspace(0, 3, 5), 7, 20, 1e-6, 25.0, 0.05)
    block = Block(
        rng.random((5, 7, 20)).astype(np.float32), DataKind.PROJECTIONS, GreyState.COUNTS,
        geometry, np.arange(7), np.arange(5), flats=np.ones((2, 7, 20), np.float32),
    )  # fmt: skip
    tool = BinPixels(factor=3)
    result = tool(projections=block)
    expected = block.values[:, :6, :18].reshape(5, 2, 3, 6, 3).mean(axis=(2, 4))
    np.testing.assert_allclose(result.values, expected, rtol=1e-6)
    assert result.flats.shape == (2, 2, 6)
    assert result.geometry.pixel_size_m == pytest.approx(3e-6)
    assert (result.geometry.rows, result.geometry.columns) == (2, 6)
    assert tool.output_shape(projections=Shape(5, 7, 20)) == Shape(5, 2, 6)
    np.testing.assert_array_equal(result.rows, [0, 1])
    with pytest.raises(InputError, match="smaller factor"):
        BinPixels(factor=40)(projections=block)


def test_zingers_leave_a_projection_alone_that_is_bright_all_over():
    block = counts(World("foam", 128, 2, 120, photons=3e3, seed=2, zingers=1.0))
    values = block.values.copy()
    values[:, 50] *= np.random.default_rng(0).uniform(2, 20, values[:, 50].shape)
    tuned = Zingers().tune(sinogram=block.with_values(values))
    assert "1 projections are left alone" in tuned.notes[1]
    cleaned = tuned.tool(sinogram=block.with_values(values)).values
    np.testing.assert_array_equal(cleaned[:, 50], values[:, 50])
    assert (cleaned[:, 20:40] != values[:, 20:40]).any()


def test_a_projection_far_too_bright_is_drawn_between_its_neighbours():
    block = counts(World("foam", 128, 2, 120, photons=3e3, seed=2))
    values = block.values.copy()
    values[:, 50] *= 5
    mended = BadFrames()(sinogram=block.with_values(values)).values
    between = (values[:, 49] + values[:, 51]) / 2
    np.testing.assert_allclose(mended[:, 50], between, rtol=1e-5)
