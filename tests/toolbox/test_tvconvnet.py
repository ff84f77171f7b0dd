"""TVConvNet: it knows which directions are missing, and the planner where it helps. What it shares
with others that finish slices: test_finished_slices.py."""

from __future__ import annotations

import dataclasses
from typing import Any

import numpy as np
import pytest

from tests.toolbox.few_views import scan
from toolbox import known_tools
from toolbox.operators.weights import missing_wedge
from toolbox.tools.reconstruct import tvconvnet as tool
from toolbox.values import Center


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
    sinogram, center = scan(range_deg=120.0, start_deg=angle + 30)
    looks = _looks(sinogram, center)
    share = missing_wedge(sinogram.geometry.angles_rad)[0]
    assert looks[2, 0, 0] == pytest.approx(share * direction[0], abs=0.02)
    assert looks[3, 0, 0] == pytest.approx(share * direction[1], abs=0.02)


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
