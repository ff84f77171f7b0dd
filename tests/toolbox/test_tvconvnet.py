"""TVConvNet: it knows which directions are missing, units and turns do not matter, and it beats
total variation where it says so."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from simulators import World, simulate
from simulators.training.attenuation import attenuation
from toolbox import known_tools
from toolbox.learned.weights import trained
from toolbox.operators.weights import missing_wedge
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct import tvconvnet as tool
from toolbox.values import Center


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("tvconvnet", tool.network)


def scan(columns: int = 96, **settings: Any) -> tuple[Any, Center, Any]:
    """A sinogram block of two rows, its axis, and the truth of both slices."""
    asked = {"projections": 60, "photons": 2e4, "seed": 4} | settings
    seen = simulate(World("foam", columns=columns, rows=2, **asked))
    column = seen.truth_center
    return attenuation(seen), Center(column, column, column), [seen.truth(0), seen.truth(1)]


@pytest.mark.parametrize("start", [0.0, 40.0, 200.0, 359.0])
def test_the_missing_wedge_of_a_limited_angle(start: float) -> None:
    share, middle = missing_wedge(np.deg2rad(start + np.linspace(0, 120, 121)))
    assert share == pytest.approx(59 / 180, abs=0.01)
    # the middle of the gap, which is the same direction half a turn on
    away = np.rad2deg(middle) - (start + 150)
    assert abs((away + 90) % 180 - 90) < 0.6


@pytest.mark.parametrize("views", [60, 100, 361])
def test_nothing_is_missing_of_a_half_or_a_full_turn(views: int) -> None:
    for turn in (np.pi, 2 * np.pi):
        assert missing_wedge(turn * np.arange(views) / views)[0] == 0


def test_looks_turn_with_their_directions() -> None:
    """A slice turned by a quarter is what a scan begun a quarter turn later would give."""
    rng = np.random.default_rng(0)
    image = rng.normal(size=(tool.LOOKS, 12, 12)).astype(np.float32)
    image[2:] = np.array([0.3, -0.2], np.float32)[:, None, None]
    quarter, mirrored = tool.turned(image, 1, False), tool.turned(image, 0, True)
    np.testing.assert_array_equal(quarter[0], np.rot90(image[0]))
    assert quarter[2:, 0, 0].tolist() == (-image[2:, 0, 0]).tolist()
    assert mirrored[2:, 0, 0].tolist() == [image[2, 0, 0], -image[3, 0, 0]]
    np.testing.assert_array_equal(tool.turned(quarter, 3, False), image)
    np.testing.assert_array_equal(tool.turned(mirrored, 0, True), image)


@pytest.mark.parametrize(("angle", "direction"), [(30.0, (0.5, np.sqrt(3) / 2)), (90.0, (-1, 0))])
def test_directions_are_told_as_twice_the_angle(
    angle: float, direction: tuple[float, float]
) -> None:
    sinogram, center, _ = scan(range_deg=120.0, start_deg=angle + 30)
    looks = _looks(sinogram, center)
    share = missing_wedge(sinogram.geometry.angles_rad)[0]
    assert looks[2, 0, 0] == pytest.approx(share * direction[0], abs=0.02)
    assert looks[3, 0, 0] == pytest.approx(share * direction[1], abs=0.02)


def test_the_unit_does_not_matter(net: Any) -> None:
    sinogram, center, _ = scan()
    plain = tool.TVConvNet(copies=1)(sinogram=sinogram, center=center).values
    more = sinogram.with_values(50 * sinogram.values)
    scaled = tool.TVConvNet(copies=1)(sinogram=more, center=center).values
    spread = float(np.ptp(plain))
    np.testing.assert_allclose(scaled / 50, plain, rtol=0, atol=0.03 * spread)


def test_with_all_copies_turned_looks_give_the_turned_slice(net: Any) -> None:
    sinogram, center, _ = scan(range_deg=110.0)
    looks = _looks(sinogram, center)
    once = tool.averaged(net, looks, 8)
    turned = tool.averaged(net, tool.turned(looks, 1, True), 8)
    change = np.abs(tool.clean(net, looks) - looks[0]).mean()
    assert np.abs(np.rot90(once[:, ::-1]) - turned).mean() < 0.02 * change


@pytest.mark.parametrize("columns", [40, 77])
def test_slices_of_any_size_row_by_row(columns: int) -> None:
    sinogram, center, _ = scan(columns)
    tuned = tool.TVConvNet(copies=1).tune(sinogram=sinogram, center=center).tool
    assert isinstance(tuned, tool.TVConvNet)
    assert tuned.strength
    both = tuned(sinogram=sinogram, center=center).values
    assert both.shape == (2, columns, columns)
    assert np.isfinite(both).all()
    second = tuned(sinogram=sinogram.take_rows(slice(1, 2)), center=center).values
    np.testing.assert_allclose(second[0], both[1], atol=0.01 * float(np.ptp(both)))


def test_tiles_give_nearly_what_the_whole_gives(net: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    sinogram, center, _ = scan(256)
    looks = _looks(sinogram, center)
    whole = tool.clean(net, looks)
    monkeypatch.setattr(fbpconvnet, "TILE", 160)
    tiles = tool.clean(net, looks)
    change = np.abs(whole - looks[0]).mean()
    assert np.abs(tiles - whole).mean() < 0.15 * change


def test_it_beats_total_variation_on_families_that_it_never_saw(net: Any) -> None:
    from simulators.training.command import shipped_settings
    from simulators.training.parts.tvconvnet import drawn_cases, reconstructed
    from simulators.training.settings import Settings

    held_out = Settings.read(shipped_settings("tvconvnet")).options["held_out"]
    gains = [
        case.psnr(reconstructed(net, case, 60)) - case.psnr(case.tv(None))
        for case in drawn_cases(17, len(held_out), held_out, (192, 192), "sparse")
    ]
    assert np.mean(gains) > 0.5, f"dB over total variation: {gains}"


def test_the_planner_is_told_where_it_helps() -> None:
    card = known_tools()["tvconvnet"].card
    assert card.default_on
    assert card.suits["angular_coverage"] == (175.0, 180.0)  # no better than TV on less
    assert dataclasses.asdict(tool.TVConvNet())["copies"] == 2


def _looks(sinogram: Any, center: Center) -> Any:
    """Looks at the first row, axes ``look, y, x``."""
    from toolbox.operators.blocks import as_tensor, operator_for

    A = operator_for(sinogram, center)
    return tool.looks(A.for_rows(slice(0, 1)), as_tensor(sinogram)[:1], 0.01, 60)[0][0]
