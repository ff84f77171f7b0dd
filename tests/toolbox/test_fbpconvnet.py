"""FBPConvNet: grey units do not matter, any size will do, and it helps where it says so."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.tools.denoise import fbpconvnet as tool


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("fbpconvnet", tool.network)


def picture(height: int, width: int, seed: int = 0) -> Any:
    """Discs in noise."""
    rng = np.random.default_rng(seed)
    y, x = np.mgrid[:height, :width]
    values = rng.normal(0, 0.1, (height, width))
    for _ in range(12):
        at = rng.uniform(0, [height, width])
        values += (np.hypot(y - at[0], x - at[1]) < rng.uniform(3, 12)) * rng.uniform(0.3, 1)
    return values.astype(np.float32)


@pytest.mark.parametrize(("gain", "offset"), [(1e-4, 0.0), (300.0, 20.0), (1.0, -5.0)])
def test_the_unit_of_grey_values_does_not_matter(net: Any, gain: float, offset: float) -> None:
    image = picture(64, 64)
    plain = tool.clean(net, image)
    scaled = tool.clean(net, np.float32(gain) * image + np.float32(offset))
    spread = gain * float(np.ptp(plain))
    # the scaled picture is rounded to float32, and bfloat16 makes more of that
    np.testing.assert_allclose(scaled, gain * plain + offset, rtol=0, atol=0.02 * spread)


@pytest.mark.parametrize("shape", [(48, 48), (50, 77), (7, 130), (1, 1)])
def test_slices_of_any_size(net: Any, shape: tuple[int, int]) -> None:
    result = tool.clean(net, picture(*shape))
    assert result.shape == shape
    assert result.dtype == np.float32
    assert np.isfinite(result).all()


def test_tiles_give_nearly_what_the_whole_gives(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    image = picture(256, 256)
    whole = tool.clean(net, image)
    monkeypatch.setattr(tool, "TILE", 160)
    tiles = tool.clean(net, image)
    change = np.abs(whole - image).mean()
    assert np.abs(tiles - whole).mean() < 0.1 * change
    # no seam: across the tiles' borders, no more differs than elsewhere
    steps = np.abs(np.diff(tiles - whole, axis=1)).mean(axis=0)
    assert steps.max() < 6 * steps.mean() + 1e-3


def test_with_all_copies_a_turned_slice_gives_the_turned_result(net: Any) -> None:
    image = picture(48, 64)
    once = tool.averaged(net, image, 8)
    turned = tool.averaged(net, np.ascontiguousarray(np.rot90(image)[:, ::-1]), 8)
    change = np.abs(tool.clean(net, image) - image).mean()
    assert np.abs(np.rot90(once)[:, ::-1] - turned).mean() < 0.02 * change
    np.testing.assert_array_equal(tool.averaged(net, image, 1), tool.clean(net, image))


def test_a_constant_slice_stays_finite(net: Any) -> None:
    assert np.isfinite(tool.clean(net, np.full((40, 40), 3.0, np.float32))).all()
    assert tool.grey_levels(np.zeros((40, 40), np.float32)) == (0.0, 1.0)


def test_it_cleans_a_specimen_of_a_family_that_it_never_saw(net: Any) -> None:
    from simulators.training.command import shipped_settings
    from simulators.training.parts.fbpconvnet import Case, draw
    from simulators.training.settings import Settings

    held_out = Settings.read(shipped_settings("fbpconvnet")).options["held_out"]
    rng = np.random.default_rng(11)
    gains = []
    for family in held_out:
        case = Case.of(draw(rng, [family], (192, 192)), rng)
        gains.append(case.psnr(tool.clean(net, case.slice)) - case.psnr(case.slice))
    assert np.mean(gains) > 3, f"dB gained over filtered back-projection: {gains}"


def test_the_planner_is_told_where_it_helps() -> None:
    card = known_tools()["fbpconvnet"].card
    assert card.suits["view_sufficiency"][1] < 0.5
    assert card.gpu
