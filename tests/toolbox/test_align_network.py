"""The alignment network: jitter along and across goes, what is in place stays."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest

from planner.benchmarks import alignment
from simulators import World
from toolbox.kinds import GreyState
from toolbox.learned.weights import trained
from toolbox.tools.align import align_network as tool
from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.align.volume_reprojection import free_shifts, moved_views
from toolbox.values import Block, Center


def simulated(**world: object) -> tuple[Block, Any]:
    """Attenuation behind stripes that stand still, and its true shifts; of a family that no
    training saw."""
    given = {"specimen": "trabecular_bone", "rows": 24, "columns": 128, "projections": 90,
             "photons": 1e4, "rings": 0.3, "seed": 3}  # fmt: skip
    case = alignment.simulated(World(**(given | world)))  # type: ignore[arg-type]
    return case.scan, case.truth


def left(found: Any, truth: Any, scan: Block) -> tuple[float, float]:
    """RMS across and along in px."""
    return alignment.remaining(found.pixels, truth, scan.geometry.angles_rad)


def test_three_pixels_along_and_across_go() -> None:
    scan, truth = simulated(jitter_px=3.0, vertical_jitter_px=3.0)
    across, along = left(tool.AlignNetwork()(projections=scan), truth, scan)
    assert across < 0.3
    assert along < 0.3


def test_an_aligned_scan_stays_where_it_is() -> None:
    scan, truth = simulated()
    assert max(left(tool.AlignNetwork()(projections=scan), truth, scan)) < 0.15


def test_one_row_says_nothing_of_shifts_along_the_axis() -> None:
    scan, truth = simulated(rows=1, jitter_px=2.0)
    found = tool.AlignNetwork()(projections=scan)
    assert not found.pixels[:, 0].any()
    assert left(found, truth, scan)[0] < 0.3


def test_the_axis_need_not_be_known() -> None:
    scan, truth = simulated(jitter_px=2.0, center=59.0)
    for center in (None, Center(59.0, 58.0, 60.0)):
        assert left(tool.AlignNetwork()(projections=scan, center=center), truth, scan)[0] < 0.3


def test_views_out_of_order_get_their_own_shift() -> None:
    scan, truth = simulated(jitter_px=2.0, vertical_jitter_px=1.0)
    order = np.random.default_rng(0).permutation(90)
    angles = scan.geometry.angles_rad[order]
    shuffled = alignment.as_block(scan.values[order], angles, GreyState.ATTENUATION)
    found = tool.AlignNetwork()(projections=shuffled)
    assert max(left(found, truth[order], shuffled)) < 0.4
    np.testing.assert_allclose(without_gauge(found.pixels[:, 1], angles), found.pixels[:, 1],
                               atol=1e-6)  # fmt: skip


def test_too_few_views_move_nothing_and_say_so() -> None:
    scan, _ = simulated(projections=5, jitter_px=1.0)
    found = tool.AlignNetwork()(projections=scan)
    assert not found.pixels.any()
    assert "5 views are too few" in found.warnings[0]


def test_a_sample_wider_than_the_field_is_warned_of() -> None:
    scan, _ = simulated(jitter_px=1.0, fill=1.4)
    assert "wider than the field" in tool.AlignNetwork(rounds=1)(projections=scan).warnings[0]


@pytest.mark.parametrize("size", [(16, 32), (9, 41), (1, 20)])
def test_views_of_any_size_and_unit(size: tuple[int, int]) -> None:
    net = trained("align_network", tool.network)
    rng = np.random.default_rng(0)
    view = rng.random((size[0], 3, size[1])).astype(np.float32)
    seen = tool.looks(view, view, np.zeros((3, 2)))
    assert seen.shape[2] % tool.PLACE == seen.shape[3] % tool.PLACE == 0
    scaled = tool.looks(300 * view + 7, 300 * view + 7, np.zeros((3, 2)))
    np.testing.assert_allclose(scaled, seen, atol=1e-3)
    assert tool.steps(net, seen).shape == (3, 2)


def test_what_moved_in_from_outside_is_masked() -> None:
    view = np.ones((8, 2, 12), np.float32)
    mask = tool.looks(view, view, np.array([[0.0, 0.0], [2.0, -3.0]]))[:, 2]
    assert mask[0].all()
    assert mask[1].sum() == 6 * 9
    assert mask[1, :6, 3:].all()


def test_views_move_along_both_axes_and_back() -> None:
    row, column = np.mgrid[:20, :30].astype(np.float32)
    blob = np.exp(-((row - 9) ** 2 + (column - 14) ** 2) / 12)[:, None]
    by = np.array([[2.0, -3.0]])
    moved = moved_views(blob, by)
    assert np.unravel_index(moved[:, 0].argmax(), (20, 30)) == (11, 11)
    back = moved_views(moved, -by)
    np.testing.assert_allclose(back[4:-4], blob[4:-4], atol=0.01)  # ends are mirrored


def test_shifts_lose_what_no_projection_shows() -> None:
    angles = np.linspace(0, np.pi, 9)
    shifts = np.stack([np.full(9, 4.0), 1 + 2 * np.sin(angles)], axis=1)
    assert np.abs(free_shifts(shifts, angles)).max() < 1e-9


def test_bins_of_few_rows() -> None:
    values = np.arange(2 * 3 * 8, dtype=np.float32).reshape(2, 3, 8)
    assert tool.binned(values, 4).shape == (1, 3, 2)
    np.testing.assert_allclose(tool.binned(values, 4).mean(), values.mean())
