"""Two tiles become one: on real crops with a known overlap and on simulated ones."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
import numpy as np
import pytest
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.kinds import DataKind, GreyState
from toolbox.tools.stitch.stitch_tiles import StitchTiles
from toolbox.values import Block, Geometry, Shape


def block(values: NDArray, state: GreyState = GreyState.TRANSMISSION) -> Block:
    views, rows, columns = values.shape
    angles = np.linspace(0, np.pi, views, endpoint=False)
    return Block(
        values.astype(np.float32), DataKind.PROJECTIONS, state,
        Geometry(angles, rows, columns), np.arange(rows), np.arange(views),
    )  # fmt: skip


def wide(seed: int = 0, columns: int = 400, views: int = 90, noise: float = 0.01) -> NDArray:
    """Transmission of some discs, wider than a tile, row by row a little different."""
    rng = np.random.default_rng(seed)
    u = np.arange(columns) - (columns - 1) / 2
    theta = np.linspace(0, np.pi, views, endpoint=False)
    lines = np.zeros((views, 2, columns))
    for _ in range(25):
        radius, distance, phase = rng.uniform(8, 25), rng.uniform(0, 150), rng.uniform(0, 6.28)
        t = u - distance * np.cos(theta - phase)[:, None]
        lines += 0.02 * np.sqrt(np.maximum(radius**2 - t**2, 0))[:, None] * [[1.0], [0.9]]
    return np.exp(-lines) * (1 + noise * rng.normal(size=lines.shape))


def read_tile(path: Path) -> Block:
    with h5py.File(path) as file:
        exchange = file["exchange"]
        dark = exchange["data_dark"][()].mean(axis=0)
        flat = exchange["data_white"][()].mean(axis=0)
        return block((exchange["data"][()] - dark) / (flat - dark))


def test_real_tiles_are_joined_at_their_true_overlap(data: Path) -> None:
    left = read_tile(data / "conditions/tile_left.h5")
    right = read_tile(data / "conditions/tile_right.h5")
    tuned = StitchTiles().tune(left=left, right=right)
    assert tuned.tool.parameters()["overlap"] == 280
    assert tuned.tool.parameters()["order"] == "as_given"
    assert any(n.startswith("overlap found: 280.0 px ± ") for n in tuned.notes)
    joined = tuned.tool(left=left, right=right)
    assert joined.values.shape == (500, 1, 2560)
    assert joined.geometry.columns == 2560
    np.testing.assert_allclose(joined.values[..., :1220], left.values[..., :1220])
    np.testing.assert_allclose(joined.values[..., 1500:], right.values[..., 280:], rtol=2e-3)


def test_swapped_real_tiles_are_told_and_exchanged(data: Path) -> None:
    left = read_tile(data / "conditions/tile_left.h5")
    right = read_tile(data / "conditions/tile_right.h5")
    tuned = StitchTiles().tune(left=right, right=left)
    assert tuned.tool.parameters()["order"] == "swapped"
    assert any("look swapped" in n for n in tuned.notes)
    again = tuned.tool(left=right, right=left)
    straight = StitchTiles()(left=left, right=right)
    np.testing.assert_allclose(again.values / straight.values, 1.0, rtol=2e-3)


@pytest.mark.parametrize("overlap", [30, 77, 150])
def test_the_overlap_is_found_despite_stripes_and_grey_levels(overlap: int) -> None:
    whole = wide()
    stripes = np.random.default_rng(5).normal(1, 0.1, (2, 1, 2, 400))
    at = 200
    left = block(whole[..., : at + overlap] * stripes[0][..., : at + overlap])
    right = block(0.8 * whole[..., at:] * stripes[1][..., : 400 - at])
    tuned = StitchTiles().tune(left=left, right=right)
    assert tuned.tool.parameters()["overlap"] == pytest.approx(overlap, abs=0.2)
    assert tuned.tool.parameters()["grey_ratio"] == pytest.approx(0.8, abs=0.08)
    assert not any("doubtful" in n for n in tuned.notes)


def test_a_fraction_of_a_pixel_is_found_and_undone() -> None:
    from scipy.ndimage import shift

    whole = wide(noise=0.0)
    right = shift(whole, (0, 0, 0.4), mode="nearest")[..., 200:]
    tool = StitchTiles().tune(left=block(whole[..., :300]), right=block(right)).tool
    assert tool.parameters()["overlap"] == pytest.approx(100.4, abs=0.1)
    joined = tool(left=block(whole[..., :300]), right=block(right)).values
    assert joined.shape[-1] == 400
    inside = np.abs(joined - whole)[..., 205:-3]
    assert np.sqrt(np.mean(inside**2)) < 0.3 * np.sqrt(np.mean((right - whole[..., 200:]) ** 2))


def test_three_tiles_chain() -> None:
    whole = wide(noise=0.0)
    parts = [block(whole[..., a:b]) for a, b in ((0, 180), (120, 300), (250, 400))]
    first = StitchTiles()(left=parts[0], right=parts[1])
    joined = StitchTiles()(left=first, right=parts[2])
    assert joined.values.shape == whole.shape
    np.testing.assert_allclose(joined.values, whole, rtol=0.01)


def test_attenuation_joins_as_transmission_does() -> None:
    whole = wide(noise=0.0)
    cut = whole[..., :250], 0.7 * whole[..., 150:]
    tool = StitchTiles(overlap=100.0, order="as_given")
    one = tool(left=block(cut[0]), right=block(cut[1])).values
    logs = [block(-np.log(c), GreyState.ATTENUATION) for c in cut]
    other = tool(left=logs[0], right=logs[1]).values
    np.testing.assert_allclose(-np.log(one), other, atol=2e-3)


def test_slabs_give_the_same_as_the_whole() -> None:
    whole = wide()
    left, right = block(whole[..., :250]), block(whole[..., 150:])
    tool = StitchTiles().tune(left=left, right=right).tool
    joined = tool(left=left, right=right).values
    for row in (0, 1):
        cut = slice(row, row + 1)
        slab = tool(left=left.take_rows(cut), right=right.take_rows(cut)).values
        np.testing.assert_array_equal(slab, joined[:, cut])


def test_the_shape_is_known_before() -> None:
    shape = StitchTiles(overlap=99.6).output_shape(left=Shape(90, 2, 300), right=Shape(90, 2, 200))
    assert shape == Shape(90, 2, 400)


def test_tiles_without_a_common_part_are_doubted() -> None:
    rng = np.random.default_rng(3)
    noise = [block(np.exp(0.1 * rng.normal(size=(60, 1, 120)))) for _ in range(2)]
    notes = StitchTiles().tune(left=noise[0], right=noise[1]).notes
    assert any("doubtful" in n for n in notes)


def test_unlike_tiles_are_refused_with_every_reason() -> None:
    left = block(np.ones((9, 1, 30)))
    right = dataclasses.replace(block(np.ones((8, 1, 30))), state=GreyState.ATTENUATION)
    with pytest.raises(InputError, match=r"transmission, the other attenuation; .* 9 and 8 proj"):
        StitchTiles()(left=left, right=right)
    right = block(np.ones((9, 1, 30)))
    turned = dataclasses.replace(right.geometry, angles_rad=right.geometry.angles_rad + 0.1)
    with pytest.raises(InputError, match=r"angles differ by up to 5\.73°"):
        StitchTiles()(left=left, right=dataclasses.replace(right, geometry=turned))
    with pytest.raises(InputError, match="Give at most 30"):
        StitchTiles(overlap=40.0, grey_ratio=1.0, order="as_given")(left=left, right=right)
