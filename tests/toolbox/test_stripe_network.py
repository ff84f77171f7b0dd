"""The stripe network: stripes of every kind go, what is none stays, any size and unit will do."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import numpy as np
import pytest

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from simulators.training.parts.stripe_network import Case, draw, flat_error, stripes_of
from toolbox.learned.weights import trained
from toolbox.tools.destripe import stripe_network as tool
from toolbox.tools.destripe.destriper import ramp_energy

KINDS = ("rings", "partial_rings", "wide_rings", "intermittent_rings")


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("stripe_network", tool.network)


@pytest.fixture(scope="module")
def world() -> World:
    """Of a family that no training saw."""
    return World("trabecular_bone", columns=224, rows=1, projections=300, photons=3e4, seed=5)


def scanned(world: World) -> tuple[np.ndarray, np.ndarray]:
    """The sinogram of a world, axes ``angle, col``, and its true stripes."""
    scan = simulate(world)
    return attenuation(scan).values[0], stripes_of(world) + flat_error(scan)


@pytest.mark.parametrize(("kind", "left"), [(KINDS[0], 0.35), (KINDS[1], 0.5), (KINDS[3], 0.6)])
def test_stripes_of_each_kind_go(net: Any, world: World, kind: str, left: float) -> None:
    severe: dict[str, Any] = {kind: 1.0}
    sinogram, stripes = scanned(replace(world, **severe))
    remaining = stripes - (sinogram - tool.clean(net, sinogram))
    assert ramp_energy(remaining) < left * ramp_energy(stripes)


def test_what_has_no_stripes_stays(net: Any, world: World) -> None:
    sinogram, stripes = scanned(world)
    change = tool.clean(net, sinogram - stripes) - (sinogram - stripes)
    noise = ramp_energy(np.diff(sinogram, axis=0)[::2] / np.sqrt(2))
    assert ramp_energy(change) < 0.02 * noise


@pytest.mark.parametrize(("heavy", "looks"), [(0.0, 1), (1.0, 2)])
def test_only_heavy_stripes_are_looked_for_twice(
    net: Any, world: World, heavy: float, looks: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    sinogram, stripes = scanned(replace(world, rings=heavy))
    calls = []
    once = tool.once
    monkeypatch.setattr(tool, "once", lambda *given: calls.append(1) or once(*given))
    tool.stripes(net, sinogram if heavy else sinogram - stripes)
    assert len(calls) == looks


def test_the_second_look_takes_off_what_a_very_heavy_stripe_left(
    net: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sinogram, stripes = scanned(replace(world, rings=0.5))
    heavy = np.where(np.arange(sinogram.shape[1]) == 90, np.float32(1.0), np.float32(0.0))
    left = []
    for limit in (tool.HEAVY, np.inf):
        monkeypatch.setattr(tool, "HEAVY", limit)
        found = tool.spread(tool.stripes(net, sinogram + heavy), len(stripes))
        left.append(ramp_energy(stripes + heavy - found))
    assert left[0] < 0.2 * left[1]


@pytest.mark.parametrize(("gain", "offset"), [(1e-3, 0.0), (200.0, 5.0), (1.0, -0.5)])
def test_the_unit_does_not_matter(net: Any, gain: float, offset: float) -> None:
    row = tool.StripeNetwork.example_row()
    plain = tool.stripes(net, row)
    # the means are among what the network sees, so a far offset is not wholly without effect
    scaled = tool.stripes(net, np.float32(gain) * row + np.float32(gain * offset))
    assert np.abs(scaled / gain - plain).max() < 0.2 * np.abs(plain).max()


@pytest.mark.parametrize("shape", [(90, 64), (7, 33), (1100, 40), (1, 9), (4, 1), (3, 2)])
def test_sinograms_of_any_size(net: Any, shape: tuple[int, int]) -> None:
    row = np.random.default_rng(0).normal(1, 0.1, shape).astype(np.float32)
    cleaned = tool.clean(net, row)
    assert cleaned.shape == shape
    assert cleaned.dtype == np.float32
    assert np.isfinite(cleaned).all()


def test_what_is_taken_off_does_not_change_within_a_block(net: Any) -> None:
    row = tool.StripeNetwork.example_row()
    taken = (row - tool.clean(net, row))[:88].reshape(22, tool.VIEWS, -1)
    assert np.ptp(taken, axis=1).max() < 1e-6 * np.abs(row).max() + 1e-6
    assert np.abs(taken).max() > 0.02


def test_tiles_give_nearly_what_the_whole_gives(
    net: Any, world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    sinogram, _ = scanned(replace(world, columns=320, rings=0.7))
    whole = tool.stripes(net, sinogram)
    monkeypatch.setattr(tool, "TILE", 224)
    tiles = tool.stripes(net, sinogram)
    assert np.abs(tiles - whole).mean() < 0.1 * np.abs(whole).mean()


def test_block_means_and_back() -> None:
    row = np.arange(10.0, dtype=np.float32)[:, None] * np.ones((1, 3), np.float32)
    np.testing.assert_allclose(tool.block_means(row)[:, 0], [1.5, 5.5, 8.5])
    assert tool.spread(tool.block_means(row), 10).shape == (10, 3)
    assert len(tool.block_means(np.zeros((3000, 2), np.float32))) <= tool.MOST


def test_a_strength_leaves_wider_stripes() -> None:
    row = tool.StripeNetwork.example_row()
    broad = row + np.where(np.abs(np.arange(64) - 32) < 14, 0.2, 0).astype(np.float32)
    gentle = tool.StripeNetwork(strength=2).clean(broad) - tool.StripeNetwork(strength=2).clean(row)
    assert gentle[:, 28:36].mean() == pytest.approx(0.2, abs=0.03)


def test_worlds_of_the_training_have_the_stripes_that_are_told() -> None:
    """Gain and flats explain all that differs between a scan with and without rings."""
    rng = np.random.default_rng(3)
    severe: dict[str, Any] = dict.fromkeys(KINDS, 0.8)
    world = replace(draw(rng, ["foam"], (96, 96)), photons=None)
    bare = attenuation(simulate(world)).values[0]
    world = replace(world, **severe)
    found = attenuation(simulate(world)).values[0] - bare
    np.testing.assert_allclose(found, stripes_of(world), atol=2e-3)


def test_the_measure_of_a_slice_without_rings_is_nothing_left() -> None:
    world = World("foam", columns=64, rows=1, projections=90, photons=1e4, rings=0.5, seed=2)
    case = Case.of("rings", world)
    rid = case.sinogram.values - (stripes_of(world) + flat_error(simulate(world)))[None]
    figures = case.figures(case.sinogram.with_values(rid.astype(np.float32)))
    assert figures.energy < 1e-3 * case.figures(case.sinogram).energy
    assert figures.spared == pytest.approx(0, abs=1e-6)
