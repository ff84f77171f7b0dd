import numpy as np
import pytest

from metadata.errors import InputError
from toolbox.kinds import DataKind, GreyState
from toolbox.noise import noise_sigma
from toolbox.tools.correct.flat_field import FlatField
from toolbox.values import Block, Geometry

ANGLES, ROWS, COLUMNS = 12, 3, 20


def counts(flats: int = 8, seed: int = 0) -> tuple[Block, np.ndarray]:
    rng = np.random.default_rng(seed)
    truth = rng.uniform(0.2, 1.0, (ANGLES, ROWS, COLUMNS)).astype(np.float32)
    beam = rng.uniform(800, 1200, (ROWS, COLUMNS)).astype(np.float32)
    geometry = Geometry(np.linspace(0, np.pi, ANGLES, endpoint=False), ROWS, COLUMNS)
    block = Block(
        truth * beam + 100, DataKind.PROJECTIONS, GreyState.COUNTS, geometry,
        np.arange(ROWS), np.arange(ANGLES),
        flats=np.tile(beam + 100, (flats, 1, 1)),
        darks=np.full((3, ROWS, COLUMNS), 100, np.float32),
    )  # fmt: skip
    return block, truth


@pytest.mark.parametrize("flats", [1, 2, 4, 8])
def test_counts_become_transmission(flats):
    block, truth = counts(flats)
    before = block.values.copy()
    result = FlatField()(projections=block)
    assert result.state is GreyState.TRANSMISSION
    assert result.flats is None
    assert result.values.dtype == np.float32
    np.testing.assert_allclose(result.values, truth, rtol=1e-5)
    np.testing.assert_array_equal(block.values, before)


def test_a_zinger_in_one_flat_leaves_no_ring():
    block, truth = counts(6)
    block.flats[2, 1, 5] = 60000
    np.testing.assert_allclose(FlatField()(projections=block).values, truth, rtol=1e-5)


def test_dead_pixels_and_nan_are_filled_from_their_neighbours():
    block, _ = counts()
    block.flats[:, 1, 7:9] = 100
    block.flats[:, 2, 0] = np.nan
    block.values[4, 0, 3] = np.nan
    values = FlatField()(projections=block).values
    assert np.isfinite(values).all()
    left, right = values[:, 1, 6], values[:, 1, 9]
    np.testing.assert_allclose(values[:, 1, 7], left + (right - left) / 3, rtol=1e-5)
    np.testing.assert_allclose(values[4, 0, 3], (values[4, 0, 2] + values[4, 0, 4]) / 2, rtol=1e-5)
    np.testing.assert_allclose(values[:, 2, 0], values[:, 2, 1], rtol=1e-5)


def test_no_flats_is_one_clear_error():
    block, _ = counts()
    with pytest.raises(InputError, match="no flat fields"):
        FlatField()(projections=block.with_values(block.values, flats=None))


def test_flats_like_darks_say_that_there_was_no_beam():
    block, _ = counts()
    with pytest.raises(InputError, match="no beam"):
        FlatField()(projections=block.with_values(block.values, flats=block.darks))


def test_sinogram_views_are_read_as_they_come():
    block, truth = counts()
    other = block.with_values(np.ascontiguousarray(block.values.swapaxes(0, 1)).swapaxes(0, 1))
    np.testing.assert_allclose(FlatField()(projections=other).values, truth, rtol=1e-5)


def test_noise_sigma_ignores_structure():
    rng = np.random.default_rng(1)
    y, x = np.mgrid[:200, :200]
    disc = 5.0 * ((y - 100) ** 2 + (x - 90) ** 2 < 3600)
    assert noise_sigma(disc + rng.normal(0, 0.3, disc.shape)) == pytest.approx(0.3, rel=0.05)
    assert noise_sigma(np.ones((9, 9))) == 0
    with pytest.raises(ValueError, match="at least 8"):
        noise_sigma(np.ones((2, 2)))
