"""Alignment by a common feature: grains of metal are followed where nothing else helps, and where
there are none nothing is moved."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.benchmarks import alignment
from simulators import World
from toolbox.kinds import GreyState
from toolbox.learned.weights import trained
from toolbox.tools.align import align_feature as tool
from toolbox.values import Block


@pytest.fixture(scope="module")
def net() -> Any:
    return trained("align_feature", tool.network)


def simulated(**world: object) -> tuple[Block, Any]:
    """Attenuation of a family that no training saw, with grains of metal, and its shifts."""
    given = {"specimen": "trabecular_bone", "rows": 48, "columns": 128, "projections": 90,
             "photons": 1e4, "rings": 0.3, "metal": 0.8, "jitter_px": 3.0,
             "vertical_jitter_px": 3.0, "seed": 5}  # fmt: skip
    case = alignment.simulated(World(**(given | world)))  # type: ignore[arg-type]
    return case.scan, case.truth


@pytest.fixture(scope="module")
def wide() -> tuple[Block, Any]:
    return simulated(fill=1.3)


def left(found: Any, truth: Any, scan: Block) -> tuple[float, float]:
    """RMS across and along in px."""
    return alignment.remaining(found.pixels, truth, scan.geometry.angles_rad)


@pytest.mark.parametrize("fill", [0.85, 1.3])
def test_three_pixels_along_and_across_go(fill: float) -> None:
    scan, truth = simulated(fill=fill)
    assert max(left(tool.AlignFeature()(projections=scan), truth, scan)) < 0.5


def test_without_a_feature_nothing_is_moved_and_it_says_so() -> None:
    scan, _ = simulated(metal=0.0)
    found = tool.AlignFeature()(projections=scan)
    assert not found.pixels.any()
    assert "no feature is common" in found.warnings[0]


def test_too_few_views_move_nothing_and_say_so() -> None:
    scan, _ = simulated(projections=5)
    found = tool.AlignFeature()(projections=scan)
    assert not found.pixels.any()
    assert "5 views are too few" in found.warnings[0]


def test_views_out_of_order_and_transmission_change_nothing(wide: tuple[Block, Any]) -> None:
    scan, _ = wide
    order = np.random.default_rng(0).permutation(90)
    seen = np.exp(-scan.values[order])
    angles = scan.geometry.angles_rad[order]
    shuffled = alignment.as_block(seen, angles, GreyState.TRANSMISSION)
    plain = tool.AlignFeature()(projections=scan).pixels
    found = tool.AlignFeature()(projections=shuffled).pixels
    assert np.quantile(np.abs(found - plain[order]), 0.9) < 0.1


def test_the_unit_does_not_matter(net: Any, wide: tuple[Block, Any]) -> None:
    scan, _ = wide
    values = scan.values.transpose(1, 0, 2)[:, :8]
    np.testing.assert_allclose(
        tool.segmented(net, 30 * values), tool.segmented(net, values), atol=0.02
    )


def test_views_without_it_get_the_shifts_beside(wide: tuple[Block, Any]) -> None:
    scan, _ = wide
    values = scan.values.copy()
    values[40:43] = 0.0
    found = tool.AlignFeature()(projections=scan.with_values(values))
    assert "views do not show the feature" in found.warnings[0]
    assert np.isfinite(found.pixels).all()


def test_spots_that_touch_the_border_do_not_count() -> None:
    sure = np.zeros((1, 30, 40), np.float32)
    sure[0, 10:14, 20:24] = 0.9
    sure[0, 0:5, 5:9] = 0.9
    found = tool.spots(sure)
    assert len(found) == 1
    assert (found.row[0], found.column[0]) == (11.5, 21.5)
