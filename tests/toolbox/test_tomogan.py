"""TomoGAN: the unit does not matter, any size will do, neighbours help where they show the same,
and specimens that it never saw get clean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.training.low_dose import ROWS, Case
from tests.toolbox.few_photons import stack, unseen_scans
from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.tools.denoise import tomogan as tool
from toolbox.tools.denoise.neighbour_mean import neighbour_mean


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("tomogan", tool.network)


@pytest.fixture(scope="module")
def unseen() -> list[Case]:
    return unseen_scans("tomogan")


@pytest.mark.parametrize(("gain", "offset"), [(1e-4, 0.0), (300.0, 20.0), (1.0, -5.0)])
def test_the_unit_of_grey_values_does_not_matter(net: Any, gain: float, offset: float) -> None:
    volume = stack(64, 64)
    plain = tool.clean(net, volume, 2, 1)
    scaled = tool.clean(net, np.float32(gain) * volume + np.float32(offset), 2, 1)
    spread = gain * float(np.ptp(plain))
    np.testing.assert_allclose(scaled, gain * plain + offset, rtol=0, atol=0.03 * spread)


@pytest.mark.parametrize("shape", [(64, 64), (50, 77), (7, 130), (1, 1)])
def test_slices_of_any_size(net: Any, shape: tuple[int, int]) -> None:
    result = tool.clean(net, stack(*shape), 2, 2)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


@pytest.mark.parametrize("rows", [1, 5])
def test_a_constant_volume_stays_finite(net: Any, rows: int) -> None:
    assert np.isfinite(tool.clean(net, np.full((rows, 40, 40), 3.0, np.float32), 0, 1)).all()


def test_it_beats_block_matching_on_families_that_it_never_saw(
    net: Any, unseen: list[Case]
) -> None:
    gains = [
        case.psnr(tool.clean(net, case.volume.values, ROWS // 2, 2))
        - case.psnr(case.denoised("denoise_bm3d", None))
        for case in unseen
    ]
    assert np.mean(gains) > 1, f"dB gained over BM3D: {gains}"


def test_neighbours_help(net: Any, unseen: list[Case]) -> None:
    gains = [
        case.psnr(tool.clean(net, case.volume.values, ROWS // 2, 1))
        - case.psnr(tool.clean(net, case.slice[None], 0, 1))
        for case in unseen
    ]
    assert np.mean(gains) > 0.3, f"dB gained by neighbours: {gains}"


def test_neighbours_that_show_the_same_take_off_noise() -> None:
    volume = stack(96, 96)
    truth = stack(96, 96, 300).mean(0)
    noise = [np.std(image - truth) for image in (volume[2], neighbour_mean(volume, 2, 2))]
    assert noise[1] < 0.65 * noise[0]


def test_neighbours_that_show_something_else_are_left_out() -> None:
    rng = np.random.default_rng(1)
    volume = rng.normal(0, 0.1, (3, 64, 64)).astype(np.float32)
    volume[0, 20:40, 20:40] += 5
    inside = np.s_[24:36, 24:36]
    mean = neighbour_mean(volume, 1, 1)
    assert abs(float(mean[inside].mean())) < 0.05
    assert np.std(mean[:12]) < 0.07  # elsewhere it helps


def test_what_has_no_noise_and_no_neighbour_comes_back() -> None:
    still = np.repeat(stack(32, 32, 1), 3, axis=0)
    np.testing.assert_array_equal(neighbour_mean(still, 1, 2), still[1])
    np.testing.assert_array_equal(neighbour_mean(still[:1], 0, 2), still[0])


def test_the_planner_is_told_where_it_helps() -> None:
    card = known_tools()["tomogan"].card
    assert card.suits["noise"][0] > 0
    assert card.gpu
