"""A full turn with the axis near the edge becomes a half turn with the axis in the middle."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.kinds import DataKind, GreyState
from toolbox.tools.stitch.merge_360 import Merge360
from toolbox.values import Block, Center, Geometry, Shape


def block(values: NDArray, angles: NDArray) -> Block:
    views, rows, columns = values.shape
    return Block(
        values.astype(np.float32), DataKind.PROJECTIONS, GreyState.ATTENUATION,
        Geometry(angles, rows, columns), np.arange(rows), np.arange(views),
    )  # fmt: skip


def discs(angles: NDArray, columns: int, axis: float, rows: int = 1, tilt: float = 0.0) -> NDArray:
    """Attenuation of discs about an axis that may lean by ``tilt`` columns a row."""
    rng = np.random.default_rng(2)
    lines = np.zeros((len(angles), rows, columns))
    axes = axis + tilt * (np.arange(rows) - (rows - 1) / 2)
    u = np.arange(columns)[None, None, :] - axes[None, :, None]
    for _ in range(25):
        radius, distance, phase = rng.uniform(5, 20), rng.uniform(0, 110), rng.uniform(0, 6.28)
        t = u - (distance * np.cos(angles - phase))[:, None, None]
        lines += 0.02 * np.sqrt(np.maximum(radius**2 - t**2, 0))
    return lines


def test_the_real_half_acquisition_has_its_axis_found(data: Path) -> None:
    with h5py.File(data / "sinograms/neutron_360_halfacq_crop.h5") as file:
        counts = np.maximum(file["exchange/data"][()], 50) / 46900.0
    scan = block(-np.log(counts), np.linspace(0, 2 * np.pi, len(counts)))
    tuned = Merge360().tune(projections=scan)
    found = tuned.tool.parameters()
    assert found["side"] == "left"
    assert (found["overlap"] - 1) / 2 == pytest.approx(40.25, abs=1)
    merged = tuned.tool(projections=scan)
    assert merged.values.shape[0] == found["views"] == 229
    assert merged.values.shape[-1] == 2 * 298 - round(found["overlap"])
    assert merged.geometry.columns == merged.values.shape[-1]
    assert np.ptp(merged.geometry.angles_rad) < np.pi


@pytest.mark.parametrize("axis", [40.0, 33.3, 158.6])
def test_the_merged_views_are_those_of_a_wide_detector(axis: float) -> None:
    angles = np.linspace(0, 2 * np.pi, 240, endpoint=False)
    scan = block(discs(angles, 200, axis), angles)
    tuned = Merge360().tune(projections=scan)
    found = tuned.tool.parameters()
    near = axis if axis < 100 else 199 - axis
    assert (found["overlap"] - 1) / 2 == pytest.approx(near, abs=0.15)
    assert found["side"] == ("left" if axis < 100 else "right")
    merged = tuned.tool(projections=scan)
    columns = merged.values.shape[-1]
    assert tuned.tool.output_shape(projections=Shape(240, 1, 200)) == Shape(120, 1, columns)
    wide = discs(angles[:120], columns, (columns - 1) / 2)
    error = merged.values - wide
    assert np.sqrt(np.mean(error**2)) < 0.02 * np.sqrt(np.mean(wide**2)) + 0.005


def test_a_centre_is_used_where_given_and_its_tilt_undone() -> None:
    angles = np.linspace(0, 2 * np.pi, 180, endpoint=False)
    tilt = 0.3
    scan = block(discs(angles, 200, 45.2, rows=5, tilt=tilt), angles)
    center = Center(45.2, 45.0, 45.4, tilt_rad=float(np.arctan(tilt)))
    tuned = Merge360().tune(projections=scan, center=center)
    assert tuned.tool.parameters()["overlap"] == pytest.approx(91.4)
    merged = tuned.tool(projections=scan, center=center).values
    wide = discs(angles[:90], merged.shape[-1], (merged.shape[-1] - 1) / 2, rows=5)
    assert np.sqrt(np.mean((merged - wide) ** 2)) < 0.03 * np.sqrt(np.mean(wide**2))
    upright = Merge360(overlap=91.4, side="left", views=90)(projections=scan).values
    assert np.mean((upright[:, 0] - wide[:, 0]) ** 2) > 2 * np.mean((merged - wide)[:, 0] ** 2)


def test_unequal_angles_are_interpolated() -> None:
    rng = np.random.default_rng(0)
    angles = np.sort(np.linspace(0, 2 * np.pi, 360, endpoint=False) + rng.uniform(0, 0.012, 360))
    scan = block(discs(angles, 200, 40.0), angles)
    tool = Merge360(overlap=81.0, side="left")
    merged = tool(projections=scan)
    wide = discs(merged.geometry.angles_rad, merged.values.shape[-1], 159.0)
    assert np.sqrt(np.mean((merged.values - wide) ** 2)) < 0.03 * np.sqrt(np.mean(wide**2))


def test_descending_angles_are_put_in_order() -> None:
    angles = np.linspace(2 * np.pi, 0, 240, endpoint=False)
    scan = block(discs(angles, 200, 40.0), angles)
    merged = Merge360(overlap=81.0, side="left")(projections=scan)
    assert np.all(np.diff(merged.geometry.angles_rad) > 0)
    wide = discs(merged.geometry.angles_rad, merged.values.shape[-1], 159.0)
    np.testing.assert_allclose(merged.values, wide, atol=0.02)


def test_a_half_turn_is_refused() -> None:
    angles = np.linspace(0, np.pi, 90, endpoint=False)
    scan = block(discs(angles, 100, 20.0), angles)
    with pytest.raises(InputError, match=r"90 views span 180\.0°, expected a full turn"):
        Merge360()(projections=scan)
    full = block(discs(2 * angles, 100, 20.0), 2 * angles)
    with pytest.raises(InputError, match="Give the other `side`"):
        Merge360(overlap=120.0, side="left", views=45)(projections=full)
