"""Pictures of stripes, noise, edges and places show what they say."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from planner.perception import gauges as made
from planner.perception.gauges import SIDE, gauges

VIEWS, WIDTH, HALF = 160, 128, SIDE // 2
RNG = np.random.default_rng
Row = NDArray[np.floating[Any]]
Image = NDArray[np.float32]


def _disc(shift: Row | float = 0.0, noise: float = 0.001) -> Image:
    """A disc off the axis: attenuation at most 1, ``angle, col``."""
    place = WIDTH / 2 + 12 * np.cos(np.linspace(0, np.pi, VIEWS)) + shift
    across = np.arange(WIDTH)[None] - place[:, None]
    row = np.sqrt(np.clip(1 - (across / 30) ** 2, 0, None))
    return np.asarray(row + RNG(0).normal(0, noise, row.shape), np.float32)


@pytest.mark.parametrize("shape", [(4, 8), (7, 256), (91, 160), (1000, 700)])
def test_gauges_of_any_size_are_finite_and_no_larger_than_said(shape: tuple[int, int]) -> None:
    row = RNG(1).normal(0.5, 0.2, shape).astype(np.float32)
    row[0, 0] = np.nan
    found = gauges(row, row[:, : min(shape[1], 256)])
    assert found.shape == (6, SIDE, SIDE)
    assert found.dtype == np.float32
    assert np.isfinite(found).all()
    assert np.abs(found).max() <= made.GREY


def test_what_is_no_attenuation_is_brought_to_its_range() -> None:
    row = _disc()
    np.testing.assert_allclose(
        gauges(row * 3e4, row * 3e4)[1], gauges(row * 6e4, row * 6e4)[1], atol=1e-3
    )


def _slab() -> Image:
    """Flat, with a little noise."""
    return RNG(5).normal(0.5, 0.001, (VIEWS, WIDTH)).astype(np.float32)


def test_a_stripe_stands_out_at_its_column_as_long_as_it_lasts() -> None:
    row = _slab()
    row[: VIEWS // 2, 64] += 0.02
    found = made.stripes(made.standing_out(row)[7])
    above, below = found[:HALF], found[HALF:]  # as attenuation, and beside others
    column, end = 64 * SIDE // WIDTH, HALF // 2
    for shown, least in ((above, 1.2), (below, 1.2)):
        assert shown[:end, column].min() > least
        assert abs(shown[end:, column]).max() < 0.8 * least
    assert abs(np.delete(above, column, axis=1)).max() < 0.3


def test_a_stripe_that_stays_is_told_from_one_that_does_not() -> None:
    steady, passing = _slab(), _slab()
    steady[:, 64] += 0.02
    passing[:30, 64] += 0.02
    shown = [made.still(made.standing_out(row))[:, 64 * SIDE // WIDTH] for row in (steady, passing)]
    medians = [column[HALF // 2] for column in shown]
    assert medians[0] > medians[1] + 0.5
    assert shown[1][-1] > shown[0][-1] + 0.5  # its sum strays


def test_noise_is_measured_as_a_logarithm_in_the_open_beam() -> None:
    row = RNG(2).normal(0, 0.01, (VIEWS, WIDTH)).astype(np.float32)
    np.testing.assert_allclose(np.median(made.noise(row)), 0, atol=0.05)
    thick = made.noise(row * 10 + 2 * np.log(10.0))  # a tenth of the noise in the open beam …
    np.testing.assert_allclose(np.median(thick[:HALF]), 0, atol=0.1)
    np.testing.assert_allclose(np.median(thick[HALF:, HALF:]), 1, atol=0.1)  # … than as measured


def test_a_jump_is_shown_where_it_is_and_the_way_of_one_place_is_not() -> None:
    step = 3.0 * (np.arange(VIEWS) > VIEWS // 2)
    still, jumped = made.places(_disc()), made.places(_disc(step))
    assert abs(still[HALF:]).max() < 0.5
    whole = jumped[HALF]  # the whole view's moves, over the scan
    assert abs(int(whole.argmax()) - HALF) <= 1
    assert whole.max() > 1.2
    assert np.ptp(jumped[HALF + 8]) > 1.0  # the centre of mass leaves the sine of one place


def test_too_few_views_have_no_places() -> None:
    assert not made.places(_disc()[:3]).any()


def test_fringes_raise_high_frequencies_and_the_foot_of_an_edge_falls() -> None:
    row = _disc()
    bend = np.gradient(np.gradient(row, axis=1), axis=1)
    fringed = row - 3 * bend
    high = [made.spectrum(r)[:HALF, 20:32].mean() for r in (row, fringed)]
    assert high[1] > high[0] + 0.3
    foot = [made.edges(r)[:, 2 * made.REACH : 3 * made.REACH].min(axis=1).mean()
            for r in (row, fringed)]  # fmt: skip
    assert foot[1] < foot[0] - 0.1


def test_noise_is_not_shared_by_neighbouring_views() -> None:
    alone = made.spectrum(RNG(3).normal(0, 1, (VIEWS, WIDTH)).astype(np.float32))
    together = made.spectrum(_disc(noise=0.0))
    assert abs(alone[HALF:].mean()) < 0.2
    assert together[HALF:, : made.LOW].mean() > 0.8


def test_pixels_of_a_wide_noisy_scan_are_put_together() -> None:
    fine = np.repeat(_disc(), 8, axis=1)
    noisy = fine + RNG(4).normal(0, 2.0, fine.shape).astype(np.float32)
    assert made.spectrum(noisy)[HALF:, :4].mean() > 0.3
