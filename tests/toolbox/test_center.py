"""The rotation axis: each method against worlds whose axis is known."""

from __future__ import annotations

import dataclasses
from functools import cache
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from metadata import GreyState, InputError, open_scan
from simulators import World, simulate
from toolbox import Block, Center, DataKind, Geometry, make_tool
from toolbox.centering import estimate_center


@cache
def sinogram(world: World, every: int = 1) -> tuple[Block, float]:
    """Attenuation of every n-th row of a world, and its axis."""
    scan = simulate(world)
    rows = slice(0, None, every)
    dark = scan.darks(rows).mean(axis=0)
    beam = scan.flats(rows).mean(axis=0) - dark
    light = (scan.projections(rows=rows) - dark) / beam
    values = -np.log(np.clip(light, 1e-4, None)).swapaxes(0, 1).astype(np.float32)
    places = np.arange(world.rows)[rows]
    block = Block(values, DataKind.SINOGRAM, GreyState.ATTENUATION, Geometry.of(scan.info), places)
    return block, scan.truth_center


def found(tool: str, world: World, **parameters: Any) -> tuple[Center, float]:
    block, truth = sinogram(world)
    return make_tool(tool, parameters)(sinogram=block), truth


HALF = World(specimen="foam", columns=160, rows=3, projections=150, center=84.3, photons=2e4)
FULL = World(
    specimen="rock", columns=160, rows=2, projections=300, range_deg=360, center=76.6, photons=2e4
)
ROUGH = dataclasses.replace(HALF, specimen="rock", projections=240)
OFFSET = dataclasses.replace(FULL, specimen="foam", center=28.4, fill=0.6)


@pytest.mark.parametrize(
    ("tool", "world", "parameters"),
    [
        ("center_registration", HALF, {}),
        ("center_fourier", HALF, {}),
        ("center_moments", HALF, {}),
        ("center_mirror", FULL, {}),
        ("center_overlap", OFFSET, {}),
        ("center_overlap", OFFSET, {"side": "left"}),
        ("center_consensus", HALF, {}),
        ("center_consensus", HALF, {"effort": "quick"}),
        ("center_consensus", FULL, {}),
        ("center_consensus", OFFSET, {}),
    ],
)
def test_finds_the_axis_in_a_narrow_interval(
    tool: str, world: World, parameters: dict[str, Any]
) -> None:
    center, truth = found(tool, world, **parameters)
    assert abs(center.column - truth) < 0.6
    assert center.low <= truth <= center.high
    assert center.high - center.low <= 4


def test_sharpness_finds_the_axis_around_a_guess() -> None:
    center, truth = found("center_sharpness", ROUGH, about=86.0)
    assert abs(center.column - truth) < 0.6
    assert center.low <= truth <= center.high
    assert center.high - center.low < 10


def test_rings_do_not_stand_for_the_axis() -> None:
    ringed = dataclasses.replace(HALF, rings=1.0, photons=4e3, center=72.7)
    for tool in ("center_registration", "center_fourier", "center_consensus"):
        center, truth = found(tool, ringed)
        assert abs(center.column - truth) < 1, tool


def test_order_of_projections_does_not_matter() -> None:
    block, _ = sinogram(HALF)
    order = np.random.default_rng(0).permutation(block.values.shape[1])
    shuffled = block.with_values(
        block.values[:, order],
        geometry=dataclasses.replace(block.geometry, angles_rad=block.geometry.angles_rad[order]),
    )
    assert estimate_center(shuffled, "quick") == estimate_center(block, "quick")


def test_same_answer_from_transmission() -> None:
    block, _ = sinogram(HALF)
    light = block.with_values(np.exp(-block.values), state=GreyState.TRANSMISSION)
    assert estimate_center(light, "quick").column == pytest.approx(
        estimate_center(block, "quick").column, abs=0.05
    )


def test_input_is_not_changed() -> None:
    block, _ = sinogram(HALF)
    values = block.values.copy()
    estimate_center(block, "quick")
    np.testing.assert_array_equal(block.values, values)


def test_tilt_is_found_from_rows_over_the_height() -> None:
    # A specimen alike at all heights: where every row differs, so small a tilt is often missed.
    leaning = World(
        specimen="shepp_logan", columns=160, rows=161, projections=120, center=81.0, tilt_deg=0.3,
        photons=3e4,
    )  # fmt: skip
    block, truth = sinogram(leaning, every=32)
    center = estimate_center(block)
    assert np.rad2deg(center.tilt_rad) == pytest.approx(0.3, abs=0.05)
    assert abs(center.column - truth) < 0.6
    # the axis that fbp will take at the outer rows is the one that the world has there
    upright, _ = sinogram(dataclasses.replace(leaning, tilt_deg=0.0), every=32)
    assert estimate_center(upright).tilt_rad == pytest.approx(0.0, abs=np.deg2rad(0.05))
    first, last = center.at_rows(np.array([0, 160]), 161)
    one_row = estimate_center(block.take_rows(slice(0, 1)))
    assert first == pytest.approx(one_row.column, abs=0.6)
    assert abs(last - first) == pytest.approx(160 * np.tan(np.deg2rad(0.3)), abs=0.2)


def test_says_so_where_the_data_cannot_tell() -> None:
    noise = World(
        specimen="shepp_logan", columns=160, rows=1, projections=40, range_deg=80, fill=2.0,
        center=84.0, photons=100, attenuation=0.3,
    )  # fmt: skip
    center, truth = found("center_consensus", noise)
    assert center.low <= truth <= center.high
    assert center.high - center.low > 4
    assert "cannot tell" in center.warnings[0]
    assert "known_center" in center.warnings[0]
    assert f"`axis at {center.column:.0f}`" in center.warnings[0]


def test_repairs_what_is_not_finite() -> None:
    block, truth = sinogram(HALF)
    values = block.values.copy()
    values[0, 3, 10:20] = np.nan
    assert abs(estimate_center(block.with_values(values), "quick").column - truth) < 0.6


def _block(values: np.ndarray, span: float = np.pi) -> Block:
    angles = np.linspace(0, span, values.shape[1], endpoint=False)
    return Block(
        values.astype(np.float32), DataKind.SINOGRAM, GreyState.ATTENUATION,
        Geometry(angles, values.shape[0], values.shape[2]), np.arange(values.shape[0]),
    )  # fmt: skip


@pytest.mark.parametrize(
    ("values", "said"),
    [
        (np.full((2, 40, 64), 0.7), r"constant \(0.7 everywhere\)"),
        (np.full((2, 40, 64), np.nan), "no finite value"),
        (np.ones((0, 40, 64)), r"empty \(shape \(0, 40, 64\)"),
        (np.random.default_rng(0).random((2, 1, 64)), "in 1 projection.*`axis at 32` in"),
    ],
)
def test_refuses_what_holds_no_axis(values: np.ndarray, said: str) -> None:
    with pytest.raises(InputError, match=said):
        estimate_center(_block(values))


@pytest.mark.parametrize(
    ("tool", "world", "said"),
    [
        ("center_registration", dataclasses.replace(HALF, range_deg=126.0), "span only 126.0°"),
        ("center_mirror", HALF, "needs a full turn"),
        ("center_overlap", HALF, "needs a full turn"),
        ("center_fourier", FULL, "over half a turn"),
        ("center_moments", dataclasses.replace(HALF, fill=1.5), "whole specimen"),
        ("center_sharpness", HALF, "outside of"),
    ],
)
def test_single_methods_name_another_where_they_do_not_apply(
    tool: str, world: World, said: str
) -> None:
    parameters = {"about": 5.0} if tool == "center_sharpness" else {}
    with pytest.raises(InputError, match=said):
        found(tool, world, **parameters)


def test_unknown_effort_is_refused() -> None:
    with pytest.raises(InputError, match="expected one of quick, full"):
        estimate_center(sinogram(HALF)[0], effort="hard")


@pytest.mark.parametrize(
    ("name", "truth"),
    [
        ("projections/tooth_aps_dx.h5", 296.0),
        ("projections/i13_24737_nxtomo.nxs", 85.75),
        ("sinograms/neutron_360.h5", 245.25),
        ("sinograms/neutron_360_halfacq_crop.h5", 40.25),
        ("projections/tomobank_00076_rows01_dx.h5", 1275.0),
    ],
)
def test_real_scans(data: Path, name: str, truth: float) -> None:
    center = estimate_center(attenuation_of(data / name))
    assert abs(center.column - truth) < 1
    assert center.low <= truth <= center.high
    assert center.high - center.low <= 4


@pytest.mark.parametrize("name", ["sparse_100proj.h5", "limited_angle_0_126.h5"])
def test_real_scans_that_cannot_tell_say_so(data: Path, name: str) -> None:
    center = estimate_center(attenuation_of(data / "conditions" / name))
    sure = abs(center.column - 1275) < 1 and center.high - center.low <= 4
    assert sure or "cannot tell" in " ".join(center.warnings)
    assert center.low <= 1275 <= center.high


def attenuation_of(path: Path) -> Block:
    with open_scan(path) as scan:
        info = scan.info
        rows = np.unique(np.linspace(0, info.rows - 1, 7)[1:-1].round().astype(int))
        values = np.concatenate([scan.projections(rows=slice(r, r + 1)) for r in rows], axis=1)
        if info.flats:
            dark = scan.darks().mean(axis=0)[rows]
            values = (values - dark) / np.maximum(scan.flats().mean(axis=0)[rows] - dark, 1e-6)
        elif info.state != GreyState.ATTENUATION:
            values = values / np.percentile(values, 99)
        values = -np.log(np.clip(values, 1e-3, None)).swapaxes(0, 1).astype(np.float32)
        return Block(values, DataKind.SINOGRAM, GreyState.ATTENUATION, Geometry.of(info), rows)


def test_a_turn_of_seven_degree_steps(data: Path) -> None:
    """Beside the data stands 51 for this scan; the mean of the centres of mass over the turn, the
    mirrored views and the slices all say 44."""
    block = attenuation_of(data / "sinograms" / "i18_multimodal_stxm_xrf_xrd.nxs")
    found = estimate_center(block)
    theta, columns = block.geometry.angles_rad, np.arange(block.values.shape[-1])
    sine = np.stack([np.ones_like(theta), np.cos(theta), np.sin(theta)], axis=1)
    mass = np.maximum(block.values, 0)
    place = (mass * columns).sum(axis=-1) / mass.sum(axis=-1)  # row, angle
    balance = float(np.linalg.lstsq(sine, place.T, rcond=None)[0][0].mean())
    assert abs(found.column - balance) < 1.5
    assert found.low <= 44.2 <= found.high
    assert found.high - found.low <= 4.0

    def focus(column: float) -> float:
        center = dataclasses.replace(found, column=column)
        return float(make_tool("fbp", {})(sinogram=block, center=center).values.std())

    assert focus(found.column) > 1.1 * focus(51.0)
