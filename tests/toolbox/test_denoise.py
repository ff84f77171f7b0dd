"""Denoising: nearer to the truth than before, the same for all slabs, and said in words."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest
from numpy.typing import NDArray

from toolbox import Block, DataKind, Geometry, GreyState, make_tool
from toolbox.slice_noise import central, slice_sigma
from toolbox.tools.denoise.block_matching import bm3d
from toolbox.tools.denoise.tv import total_variation

SIGMA = 0.002


def truth(size: int = 96) -> NDArray[np.float32]:
    """Two slices with discs and a ramp, in 1/px, axes ``z, y, x``."""
    y, x = np.mgrid[:size, :size] / size - 0.5
    image = 0.02 * (x**2 + y**2 < 0.16) - 0.01 * ((x - 0.1) ** 2 + y**2 < 0.01) + 0.005 * x
    return np.stack([image, image.T]).astype(np.float32)


@pytest.fixture
def volume() -> Block:
    clean = truth()
    noisy = clean + np.random.default_rng(3).normal(0, SIGMA, clean.shape).astype(np.float32)
    geometry = Geometry(np.zeros(1), 2, clean.shape[-1])
    return Block(noisy, DataKind.VOLUME, GreyState.ATTENUATION, geometry, np.arange(2))


def error(values: NDArray[np.float32]) -> float:
    return float(np.sqrt(np.mean((central(values) - central(truth())) ** 2)))


def test_the_noise_is_measured_inside_the_circle(volume: Block) -> None:
    assert slice_sigma(volume) == pytest.approx(SIGMA, rel=0.1)


@pytest.mark.parametrize(
    ("name", "parameters", "part"),
    [
        ("denoise_tv", {}, 0.35),
        ("denoise_tv", {"strength": None}, 0.35),
        ("denoise_nlm", {}, 0.6),
        ("denoise_bm3d", {}, 0.5),
        ("denoise_median", {"radius": 1, "across": False}, 0.55),
        ("denoise_gaussian", {"width": 0.8, "across": False}, 0.8),
    ],
)
def test_the_result_is_nearer_to_the_truth(
    volume: Block, name: str, parameters: dict[str, float], part: float
) -> None:
    result = make_tool(name, parameters)(volume=volume)
    assert error(result.values) < part * error(volume.values)


@pytest.mark.parametrize("name", ["denoise_tv", "denoise_nlm", "denoise_bm3d"])
def test_the_result_scales_with_the_grey_values(volume: Block, name: str) -> None:
    result = make_tool(name, {})(volume=volume).values
    louder = make_tool(name, {})(volume=volume.with_values(1000 * volume.values)).values
    np.testing.assert_allclose(louder / 1000, result, atol=2e-5 * np.abs(result).max())


def test_what_was_chosen_and_changed_is_said(volume: Block) -> None:
    (note,) = make_tool("denoise_tv", {"strength": None}).tune(volume=volume).notes
    for part in ("noise of the slices measured: 0.002", "predicts unseen pixels", "takes out"):
        assert part in note


def test_a_slice_without_noise_stays_as_it_is(volume: Block) -> None:
    still = dataclasses.replace(volume, values=np.full_like(volume.values, 0.5))
    for name in ("denoise_tv", "denoise_nlm", "denoise_bm3d"):
        np.testing.assert_array_equal(make_tool(name, {})(volume=still).values, still.values)


def test_total_variation_reaches_the_minimum() -> None:
    # two plateaus of n pixels, one step apart: each moves by weight / n (Strong & Chan 2003)
    image = np.repeat([0.0, 1.0], 16).astype(np.float32)[None, None].repeat(8, axis=1)
    result = total_variation(image, 0.8, 400)
    np.testing.assert_allclose(result[0, :, :16], 0.8 / 16, atol=1e-3)
    np.testing.assert_allclose(result[0, :, 16:], 1 - 0.8 / 16, atol=1e-3)


def test_bm3d_keeps_what_is_not_noise() -> None:
    x = np.arange(60)
    grating = (10 * np.sin(2 * np.pi * x / 6))[None].repeat(50, axis=0).astype(np.float32)
    noisy = grating + np.random.default_rng(1).normal(0, 1, grating.shape).astype(np.float32)
    assert np.sqrt(np.mean((bm3d(noisy, 1.0) - grating) ** 2)) < 0.3


@pytest.mark.slow
def test_defaults_beat_other_ways_over_unseen_worlds() -> None:
    from planner.benchmarks.denoise import run

    for row in run(quick=True)["rows"]:
        assert row["default"] > row["none"]
        if "self_supervised" in row:
            assert row["default"] >= row["fixed_grey"]
            assert row["default"] >= row["self_supervised"] - 0.01
