"""The stitching network: what it says of strips has their shape, whatever it is; it finds the
distortion of tiles of families that it never saw."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from simulators.training.command import shipped_settings
from simulators.training.parts import stitch_network as part
from simulators.training.settings import Settings
from tests.toolbox.distorted_tiles import tiles
from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.tools.stitch import stitch_network as tool
from toolbox.tools.stitch.distortion import overlapping
from toolbox.tools.stitch.optics import bend


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("stitch_network", tool.network)


@pytest.mark.parametrize("shape", [(1, 40, 24), (3, 130, 31), (2, 7, 50)])
def test_strips_of_any_size(net: Any, shape: tuple[int, int, int]) -> None:
    strips = np.random.default_rng(0).normal(size=(2, *shape)).astype(np.float32)
    inside = np.ones((shape[0], shape[2]), np.float32)
    inside[:, :3] = 0
    apart, weight = tool.seen_by(net)(strips, inside)
    assert apart.shape == weight.shape == shape
    assert np.isfinite(apart).all()
    assert (weight[..., :3] == 0).all()
    assert (weight[..., 3:] > 0).all()


def test_the_simulated_tiles_are_apart_as_the_fit_supposes() -> None:
    case = part.cases(5, 3, ["foam"])[2]
    shared = round(case.overlap)
    expected = -case.world.distortion_px * bend(*case.tiles, shared)[0]
    found = case.apart(float(shared))
    np.testing.assert_allclose(found - found.mean(), expected - expected.mean(), atol=0.1)


def test_it_sees_which_way_strips_are_shifted(net: Any) -> None:
    left, right = tiles(distortion_px=0.0)
    told = []
    for more in (-2.0, 0.0, 2.0):
        strips = overlapping(left, right, 48.0 + more)
        everywhere = np.ones((len(strips[0]), strips.shape[-1]), np.float32)
        apart, weight = tool.seen_by(net)(strips, everywhere)
        told.append(float((apart * weight).sum() / weight.sum()))
    assert told[0] > told[1] + 0.7 > told[2] + 1.4


def test_it_says_what_it_took_out_and_gives_the_stitched_stack() -> None:
    left, right = tiles(distortion_px=3.0)
    tuned = tool.StitchNetwork().tune(left=left, right=right)
    assert isinstance(tuned.tool, tool.StitchNetwork)
    assert not tuned.tool.needs_tuning()
    assert tuned.notes[0].startswith("distortion ")
    assert tuned.tool.parameters()["distortion"] == pytest.approx(3.0, abs=1.2)
    joined = tuned.tool(left=left, right=right)
    assert joined.values.shape[-1] == 256 - round(tuned.tool.parameters()["overlap"])
    assert np.isfinite(joined.values).all()


def test_it_tells_the_distortion_of_families_that_it_never_saw(net: Any) -> None:
    held_out = Settings.read(shipped_settings("stitch_network")).options["held_out"]
    some = [case for case in part.cases(19, 8, held_out) if case.world.distortion_px]
    errors = [abs(part.Part.told(net, c) - c.world.distortion_px) for c in some]
    asked = [abs(c.world.distortion_px) for c in some]
    assert np.mean(errors) < 0.5 * np.mean(asked), f"px: {errors} of {asked}"


def test_it_is_asked_for_by_name_only() -> None:
    assert not known_tools()["stitch_network"].card.default_on
