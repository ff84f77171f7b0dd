"""RED-CNN: the unit does not matter, any size will do, neighbours help, attention is asked of far
places, and specimens that it never saw get clean."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.training.low_dose import ROWS, Case
from tests.toolbox.few_photons import stack, unseen_scans
from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.tools.denoise import red_cnn as tool


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("red_cnn", tool.network)


@pytest.fixture(scope="module")
def unseen() -> list[Case]:
    return unseen_scans("red_cnn")


@pytest.mark.parametrize(("gain", "offset"), [(1e-4, 0.0), (300.0, 20.0), (1.0, -5.0)])
def test_the_unit_of_grey_values_does_not_matter(net: Any, gain: float, offset: float) -> None:
    volume = stack(64, 64)
    plain = tool.clean(net, volume, 2)
    scaled = tool.clean(net, np.float32(gain) * volume + np.float32(offset), 2)
    spread = gain * float(np.ptp(plain))
    np.testing.assert_allclose(scaled, gain * plain + offset, rtol=0, atol=0.03 * spread)


@pytest.mark.parametrize("shape", [(64, 64), (50, 77), (7, 130), (1, 1)])
def test_slices_of_any_size(net: Any, shape: tuple[int, int]) -> None:
    result = tool.clean(net, stack(*shape), 2)
    assert result.shape == shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


@pytest.mark.parametrize("rows", [1, 5])
def test_a_constant_volume_stays_finite(net: Any, rows: int) -> None:
    assert np.isfinite(tool.clean(net, np.full((rows, 40, 40), 3.0, np.float32), 0)).all()


def test_slices_of_families_that_it_never_saw_get_clean(net: Any, unseen: list[Case]) -> None:
    gains = [
        case.psnr(tool.clean(net, case.volume.values, ROWS // 2)) - case.psnr(case.slice)
        for case in unseen
    ]
    assert np.mean(gains) > 5, f"dB gained over back-projection: {gains}"


def test_neighbours_help(net: Any, unseen: list[Case]) -> None:
    gains = [
        case.psnr(tool.clean(net, case.volume.values, ROWS // 2))
        - case.psnr(tool.clean(net, case.slice[None], 0))
        for case in unseen
    ]
    assert np.mean(gains) > 0.3, f"dB gained by neighbours: {gains}"


def test_attention_reaches_the_whole_slice(net: Any) -> None:
    """A change at one end is seen at the other, farther than the convolutions look."""
    import torch

    x = torch.zeros(1, 1, 64, 256)
    bright = x.clone()
    bright[..., :32] = 1.0
    before, after = net(x)[..., 224:], net(bright)[..., 224:]
    reach = 2 * tool.LAYERS * (tool.KERNEL // 2)
    assert reach < 224 - 32
    assert float((after - before).abs().max()) > 0


def test_the_planner_is_told_where_it_helps() -> None:
    card = known_tools()["red_cnn"].card
    assert card.suits["noise"][0] > 0
    assert card.gpu
