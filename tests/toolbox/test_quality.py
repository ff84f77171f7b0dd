"""Measures without a reference: each answers to its own fault, over simulated worlds."""

from __future__ import annotations

import dataclasses
from functools import cache

import numpy as np
import pytest

from simulators import World, simulate
from toolbox import Block, Center, DataKind, Geometry, GreyState, make_tool
from toolbox.quality.halves import halves_agreement
from toolbox.quality.report import measure_quality
from toolbox.quality.reprojection import reprojection_residual
from toolbox.quality.rings import ring_strength
from toolbox.quality.sharpness import sharpness
from toolbox.quality.streaks import streak_strength

PLAIN = World(specimen="rock", columns=128, rows=2, projections=200, photons=3e4, seed=3)


@cache
def measured(world: World) -> tuple[Block, Block, Center, dict[str, float]]:
    """Sinogram, slices, axis and the measures of a world."""
    scan = simulate(world)
    rows, frames = np.arange(world.rows), np.arange(world.projections)
    counts = Block(scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS,
                   Geometry.of(scan.info), rows, frames, scan.flats(), scan.darks())  # fmt: skip
    transmission = make_tool("flat_field", {})(projections=counts)
    sinogram = make_tool("minus_log", {})(projections=transmission).as_kind(DataKind.SINOGRAM)
    axis = Center(scan.truth_center, scan.truth_center, scan.truth_center)
    volume = make_tool("fbp", {})(sinogram=sinogram, center=axis)
    found = measure_quality(volume, sinogram, axis).values
    return sinogram, volume, axis, {name: q.value for name, q in found.items()}


def measures(**faults: object) -> dict[str, float]:
    return measured(dataclasses.replace(PLAIN, **faults))[3]  # type: ignore[arg-type]


def test_more_noise_is_measured_as_more_noise() -> None:
    plain, noisy = measures(), measures(photons=1e3)
    assert noisy["noise"] > 3 * plain["noise"]
    assert noisy["halves_correlation"] < plain["halves_correlation"] - 0.1
    assert noisy["reprojection_residual"] > 1.5 * plain["reprojection_residual"]


def test_rings_answer_to_rings_and_little_to_noise() -> None:
    plain = measures()["rings"]
    mild, strong = measures(rings=0.3)["rings"], measures(rings=1.0)["rings"]
    assert plain < 0.8 * mild
    assert mild < 0.6 * strong
    # with many flats: the noise of few is itself a ring
    noisy = measures(photons=1e3, flats=200)
    assert noisy["rings"] < 0.6 * strong
    assert noisy["noise"] > 3 * measures()["noise"]


def test_streaks_answer_to_few_views_and_missing_angles() -> None:
    plain = measures()["streaks"]
    assert measures(projections=24)["streaks"] > 1.5 * plain
    assert measures(range_deg=110.0)["streaks"] > 1.5 * plain
    assert measures(photons=1e3)["streaks"] < plain


def test_halves_agree_less_with_fewer_views() -> None:
    assert measures(projections=40)["halves_correlation"] < measures()["halves_correlation"]


def test_a_wrong_axis_leaves_more_unexplained() -> None:
    sinogram, _, axis, plain = measured(PLAIN)
    wrong = Center(axis.column + 3, axis.low + 3, axis.high + 3)
    smeared = make_tool("fbp", {})(sinogram=sinogram, center=wrong)
    residual = reprojection_residual(smeared.values, sinogram, wrong)
    assert residual > 1.5 * plain["reprojection_residual"]


def test_pure_shapes() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 1, (1, 128, 128)).astype(np.float32)
    assert ring_strength(noise) < 0.1
    assert streak_strength(noise) < 0.06
    lines = noise + np.float32(3) * rng.normal(0, 1, 128).astype(np.float32)
    assert streak_strength(lines) > 0.5
    r = np.hypot(*np.meshgrid(np.arange(128) - 63.5, np.arange(128) - 63.5))
    rings = (0.3 * np.cos(r * 2)).astype(np.float32)
    expected = 0.3 / np.sqrt(2)
    assert ring_strength(noise + rings[None]) == pytest.approx(expected, rel=0.25)
    assert ring_strength(noise + rings[None].transpose(0, 2, 1)[:, :, ::-1]) == pytest.approx(
        expected, rel=0.25
    )


def test_a_step_is_sharper_than_a_blurred_step() -> None:
    from scipy.ndimage import gaussian_filter

    step = np.zeros((1, 64, 64), np.float32)
    step[:, :, 32:] = 1
    ideal = sharpness(step)
    assert ideal == pytest.approx(0.4, abs=0.06)
    blurred = [sharpness(gaussian_filter(step, (0, s, s))) for s in (1.0, 2.0, 4.0)]
    assert ideal > blurred[0] > blurred[1] > blurred[2]


def test_halves_of_a_perfect_sinogram_agree() -> None:
    sinogram, _, axis, _ = measured(dataclasses.replace(PLAIN, photons=None))
    agreement = halves_agreement(sinogram, axis)
    assert agreement.correlation > 0.9
    assert agreement.resolution_px is not None
    assert agreement.resolution_px < 4


def test_rows_are_matched_and_a_volume_alone_is_enough() -> None:
    sinogram, volume, axis, plain = measured(PLAIN)
    alone = measure_quality(volume).values
    assert "noise" in alone
    assert "halves_correlation" not in alone
    second = volume.take_rows(slice(1, 2))
    matched = measure_quality(second, sinogram, axis).values["reprojection_residual"].value
    direct = reprojection_residual(second.values, sinogram.take_rows(slice(1, 2)), axis)
    assert matched == pytest.approx(direct, rel=1e-3)
    assert matched == pytest.approx(plain["reprojection_residual"], rel=0.5)
    elsewhere = dataclasses.replace(volume, rows=volume.rows + 100)
    assert "reprojection_residual" not in measure_quality(elsewhere, sinogram, axis).values


def test_damaged_values_are_measured_around() -> None:
    _, volume, _, _ = measured(PLAIN)
    values = volume.values.copy()
    values[0, 60:64, 60:64] = np.nan
    found = measure_quality(volume.with_values(values)).values
    assert all(np.isfinite(q.value) for q in found.values())
