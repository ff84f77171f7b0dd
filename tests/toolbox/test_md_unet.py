"""MD-Unet: units and sizes do not matter, it begins as the identity and looks at three scales, and
slices of drifting scans of families that it never saw get better."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.training.command import shipped_settings
from simulators.training.parts import md_unet as part
from simulators.training.settings import Settings
from tests.toolbox.few_photons import stack
from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.metrics import psnr
from toolbox.tools.denoise import md_unet as tool


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("md_unet", tool.network)


@pytest.mark.parametrize(("gain", "offset"), [(1e-4, 0.0), (300.0, 20.0), (1.0, -5.0)])
def test_the_unit_of_grey_values_does_not_matter(net: Any, gain: float, offset: float) -> None:
    image = stack(64, 64, 1)[0]
    plain = tool.clean(net, image)
    scaled = tool.clean(net, np.float32(gain) * image + np.float32(offset))
    spread = gain * float(np.ptp(plain))
    np.testing.assert_allclose(scaled, gain * plain + offset, rtol=0, atol=0.03 * spread)


@pytest.mark.parametrize("shape", [(64, 64), (50, 77), (7, 130), (1, 1)])
def test_slices_of_any_size(net: Any, shape: tuple[int, int]) -> None:
    result = tool.clean(net, stack(*shape, 1)[0])
    assert result.shape == shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


def test_it_begins_as_the_identity_at_each_scale() -> None:
    import torch

    image = torch.randn(2, 1, 48, 40, generator=torch.Generator().manual_seed(0))
    scales = tool.network().scales(image)
    assert [tuple(s.shape[-2:]) for s in scales] == [(48, 40), (24, 20), (12, 10)]
    expected = image
    for found in scales:
        torch.testing.assert_close(found, expected)
        expected = torch.nn.functional.avg_pool2d(expected, 2)


def test_tiles_give_nearly_what_the_whole_gives(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    image = stack(256, 256, 1)[0]
    whole = tool.clean(net, image)
    monkeypatch.setattr(tool, "TILE", 192)
    change = np.abs(whole - image).mean()
    assert np.abs(tool.clean(net, image) - whole).mean() < 0.15 * change


def test_slices_of_drifting_scans_that_it_never_saw_get_better(net: Any) -> None:
    held_out = Settings.read(shipped_settings("md_unet")).options["held_out"]
    pairs = [c.moved_by(None) for c in part.cases(19, 2 * len(held_out), held_out, (192, 192), 1)]
    gains = [psnr(tool.clean(net, image), truth) - psnr(image, truth) for image, truth in pairs]
    assert np.mean(gains) > 0.25, f"dB gained: {gains}"


def test_the_planner_is_told_what_it_was_measured_at() -> None:
    card = known_tools()["md_unet"].card
    assert any(name.startswith("psnr_db_align") for name in card.metrics)
    assert "MD-Unet" in card.references[0]
