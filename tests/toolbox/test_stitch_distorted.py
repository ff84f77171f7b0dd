"""Stitching with distortion: optics are undone as the simulator distorts, slab by slab; what is
said of the overlap is fitted; tiles that distort are joined better, others as before."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import pytest

from simulators import World
from simulators.faults.distortion import undistorted
from tests.toolbox.distorted_tiles import SHARED, scans, tiles
from tests.toolbox.test_stitch_tiles import read_tile
from toolbox import known_tools
from toolbox.tools.stitch import distortion, optics
from toolbox.tools.stitch.stitch_distorted import StitchDistorted
from toolbox.tools.stitch.stitch_tiles import StitchTiles
from toolbox.values import Block

BY = 3.0  # px


def high_tile() -> Block:
    """Noise, higher than wide."""
    tile = tiles(rows=1, projections=8, columns=64, photons=None)[0]
    geometry = dataclasses.replace(tile.geometry, rows=90)
    values = np.random.default_rng(0).normal(size=(8, 90, 64)).astype(np.float32)
    return tile.with_values(values, geometry=geometry, rows=np.arange(90))


def test_undistorted_tiles_look_as_if_there_had_been_no_distortion() -> None:
    still = tiles(distortion_px=0.0, photons=None)
    for seen, true in zip(tiles(distortion_px=BY), still, strict=True):
        inner = np.s_[:, :, 6:-6]
        before = np.abs(seen.values - true.values)[inner].mean()
        after = np.abs(optics.undistorted(seen, BY).values - true.values)[inner].mean()
        worse = np.abs(optics.undistorted(seen, -BY).values - true.values)[inner].mean()
        assert after < 0.5 * before < before < worse


def test_no_distortion_leaves_a_tile_as_it_is() -> None:
    tile = high_tile()
    assert optics.undistorted(tile, 0.0) is tile
    assert optics.rows_mixed(tile, 0.0) == 0


def test_rows_need_as_many_neighbours_as_it_says() -> None:
    tile = high_tile()
    reach = optics.rows_mixed(tile, 1.0)
    assert reach > optics.TAPS
    whole = optics.undistorted(tile, 1.0).values
    slab = optics.undistorted(tile.take_rows(slice(0, 10 + reach)), 1.0).values
    np.testing.assert_allclose(slab[:, :10], whole[:, :10], atol=1e-6)


def test_where_a_pixel_is_seen_undoes_the_distortion() -> None:
    tile, world = high_tile(), World("foam", columns=64, rows=90, distortion_px=1.0)
    rows, columns = optics.seen_at(tile, 1.0)
    for row in (0, 20, 89):
        for column in (0, 13, 63):
            seen = np.array([columns[row, column]])
            back = undistorted(world, seen, float(rows[row, column]))
            assert float(back[0][0]) == pytest.approx(column, abs=1e-3)
            assert float(np.ravel(back[1])[0]) == pytest.approx(row, abs=1e-3)


@pytest.mark.parametrize(("by", "shift"), [(2.0, 0.7), (-4.0, 0.0), (0.0, -1.2)])
def test_the_fit_finds_what_the_strips_say(by: float, shift: float) -> None:
    bend = optics.bend(*tiles(), SHARED)[:3]
    rng = np.random.default_rng(1)
    apart = (shift - by * bend)[:, None] + rng.normal(0, 0.1, (3, 24, SHARED)).astype(np.float32)
    weight = rng.uniform(0.5, 2, apart.shape).astype(np.float32)
    apart[:, :, ::7] += 30.0
    weight[:, :, ::7] = 1e-6  # nobody can tell there
    found, moved, error = distortion.fitted(apart.astype(np.float32), weight, bend)
    assert found == pytest.approx(by, abs=0.1)
    assert moved == pytest.approx(shift, abs=0.1)
    assert 0 < error < 0.1


@pytest.mark.parametrize("by", [BY, -BY, 6.0, -1.0])
def test_the_distortion_is_found_from_the_overlap(by: float) -> None:
    left, right = tiles(distortion_px=by)
    tuned = StitchDistorted().tune(left=left, right=right)
    found = tuned.tool.parameters()
    assert found["distortion"] == pytest.approx(by, abs=0.2 + 0.1 * abs(by))
    assert found["overlap"] == pytest.approx(SHARED, abs=0.5)
    assert tuned.notes[0].endswith("at the sides of a tile, taken out")


def test_tiles_without_distortion_are_joined_as_before() -> None:
    left, right = tiles(distortion_px=0.0)
    plain = StitchTiles().tune(left=left, right=right).tool
    tuned = StitchDistorted().tune(left=left, right=right)
    assert abs(tuned.tool.parameters()["distortion"]) < 0.2
    joined = StitchDistorted(distortion=0.0)(left=left, right=right).values
    np.testing.assert_array_equal(joined, plain(left=left, right=right).values)


def test_the_joined_stack_is_nearer_to_what_one_detector_sees() -> None:
    whole = scans(distortion_px=BY).whole
    left, right = tiles(distortion_px=BY)
    truth = np.stack([whole.line_integrals(row) for row in range(5)], axis=1)
    errors = []
    for tool in (StitchTiles(overlap=float(SHARED)), StitchDistorted(overlap=float(SHARED))):
        joined = tool(left=left, right=right).values
        errors.append(np.abs(joined - truth)[..., 8:-8].mean())
    assert errors[1] < 0.5 * errors[0]


def test_real_tiles_of_one_detector_are_left_as_they_are(data: Path) -> None:
    left, right = (read_tile(data / f"conditions/tile_{side}.h5") for side in ("left", "right"))
    tuned = StitchDistorted().tune(left=left, right=right)
    assert tuned.tool.parameters()["distortion"] == 0
    assert tuned.tool.parameters()["overlap"] == 280


def test_swapped_tiles_are_told_and_exchanged() -> None:
    left, right = tiles(distortion_px=BY)
    tuned = StitchDistorted().tune(left=right, right=left)
    assert tuned.tool.parameters()["order"] == "swapped"
    assert tuned.tool.parameters()["distortion"] == pytest.approx(BY, abs=0.4)


def test_too_few_shared_columns_tell_nothing() -> None:
    by, note = distortion.found(distortion.slopes, *tiles(), 12.0)
    assert by == 0
    assert note == "12 columns shared: too few, or too many, to tell a distortion by"


def test_what_the_views_do_not_agree_on_is_left_alone() -> None:
    rng = np.random.default_rng(0)
    left, right = (t.with_values(rng.normal(size=t.values.shape).astype(np.float32))
                   for t in tiles())  # fmt: skip
    by, note = distortion.found(distortion.slopes, left, right, float(SHARED))
    assert by == 0
    assert note.endswith("none that is sure, so none is taken out")


def test_it_is_asked_for_by_name_only() -> None:
    assert not known_tools()["stitch_distorted"].card.default_on
