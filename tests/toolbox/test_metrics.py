"""Measures against a reference: what they must say of known differences."""

from __future__ import annotations

import numpy as np
import pytest

from metadata import InputError
from toolbox.metrics import (
    affine_fit,
    fine_structure_correlation,
    fourier_ring_correlation,
    ms_ssim,
    psnr,
    ssim_in_circle,
)

RNG = np.random.default_rng(5)


@pytest.fixture(scope="module")
def picture() -> np.ndarray:
    from scipy.ndimage import gaussian_filter

    return gaussian_filter(RNG.normal(size=(2, 96, 96)), (0, 1.5, 1.5)).astype(np.float32)


def test_grey_level_does_not_count(picture: np.ndarray) -> None:
    other = 3 * picture + 7
    assert ssim_in_circle(other, picture) == pytest.approx(1, abs=1e-5)
    assert psnr(other, picture) > 90
    np.testing.assert_allclose(affine_fit(other, picture), picture, atol=1e-5)


def test_what_is_outside_the_circle_does_not_count(picture: np.ndarray) -> None:
    other = picture.copy()
    other[:, :8, :8] = 100
    assert psnr(other, picture) == psnr(picture, picture)
    assert ssim_in_circle(other, picture) == pytest.approx(1, abs=1e-5)


def test_more_noise_is_worse_by_every_measure(picture: np.ndarray) -> None:
    noise = RNG.normal(size=picture.shape).astype(np.float32) * picture.std()
    for measure in (ssim_in_circle, psnr, fine_structure_correlation):
        found = [measure(picture + level * noise, picture) for level in (0.1, 0.5, 2.0)]
        assert found == sorted(found, reverse=True)
        assert found[0] > found[-1]


def test_psnr_of_known_noise(picture: np.ndarray) -> None:
    noise = RNG.normal(size=picture.shape)
    level = 0.01
    span = np.ptp(picture[0])
    measured = psnr(picture[:1] + level * span * noise[:1], picture[:1])
    assert measured == pytest.approx(-20 * np.log10(level), abs=1.0)


def test_fine_structure_does_not_see_slow_changes(picture: np.ndarray) -> None:
    slope = np.linspace(0, 2, 96)[None, None, :]
    assert fine_structure_correlation(picture + slope, picture) > 0.98
    assert fine_structure_correlation(np.zeros_like(picture), picture) == 0


def test_ring_correlation_of_noise_and_of_the_same(picture: np.ndarray) -> None:
    same = fourier_ring_correlation(picture, picture)
    np.testing.assert_allclose(same.correlation, 1, atol=1e-6)
    assert same.resolution_px == 2.0
    alien = fourier_ring_correlation(picture, RNG.normal(size=picture.shape))
    assert alien.resolution_px is None or alien.resolution_px > 10
    assert np.abs(alien.correlation[10:]).mean() < 0.2


def test_ring_correlation_finds_where_noise_takes_over(picture: np.ndarray) -> None:
    from scipy.ndimage import gaussian_filter

    big = gaussian_filter(RNG.normal(size=(1, 256, 256)), (0, 3, 3))
    level = 0.3 * big.std()
    halves = [big + level * RNG.normal(size=big.shape) for _ in range(2)]
    sharper = [big + 0.1 * level * RNG.normal(size=big.shape) for _ in range(2)]
    coarse = fourier_ring_correlation(*halves)
    fine = fourier_ring_correlation(*sharper)
    assert coarse.resolution_px is not None
    assert fine.resolution_px is not None
    assert 4 < fine.resolution_px < coarse.resolution_px < 40
    assert coarse.resolution_half_bit_px is not None
    assert coarse.resolution_half_bit_px >= coarse.resolution_px


def test_shapes_and_flat_references_are_refused(picture: np.ndarray) -> None:
    with pytest.raises(InputError, match="cannot be compared"):
        psnr(picture, picture[:, :50])
    with pytest.raises(InputError, match="expected an image with structure"):
        ssim_in_circle(picture, np.ones_like(picture))


def test_ms_ssim_weighs_scales_and_not_grey_levels() -> None:
    from scipy.ndimage import gaussian_filter

    large = gaussian_filter(RNG.normal(size=(1, 192, 192)), (0, 3, 3)).astype(np.float32)
    noise = RNG.normal(size=large.shape).astype(np.float32) * large.std()
    assert ms_ssim(3 * large + 7, large) == pytest.approx(1, abs=1e-5)
    found = [ms_ssim(large + level * noise, large) for level in (0.1, 0.5, 2.0)]
    assert found == sorted(found, reverse=True)
    # Of one power, what lasts over all scales costs more than what means take away
    slow = gaussian_filter(noise, (0, 12, 12))
    slow *= noise.std() / slow.std()
    assert ms_ssim(large + 0.5 * slow, large) < ms_ssim(large + 0.5 * noise, large)


def test_ms_ssim_needs_room_for_its_scales(picture: np.ndarray) -> None:
    with pytest.raises(InputError, match="sides of at least 176 px"):
        ms_ssim(picture, picture)
