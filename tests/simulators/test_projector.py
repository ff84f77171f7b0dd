"""Laws of the exact projector: closed forms, painting, invariances, agreement with the slice."""

from __future__ import annotations

import numpy as np
import pytest
from numpy.typing import NDArray

from metadata import InputError
from simulators.projector import fractions, labels, path_lengths
from simulators.shapes import Shapes, any_turn, boxes, cylinders, ellipsoids, in_plane
from simulators.specimens import FAMILIES, make_specimen

RNG_SEED = 5


def rays(columns: int, views: int, z: float = 0.0) -> tuple[NDArray, NDArray, NDArray]:
    theta = np.linspace(0, np.pi, views, endpoint=False) + 0.1
    u = np.broadcast_to(np.arange(columns) - (columns - 1) / 2, (views, columns))
    return theta, u, np.full((views, columns), z)


def mixture(seed: int = RNG_SEED) -> Shapes:
    """Bodies of every kind and direction that overlap, materials 0 (holes) to 3."""
    rng = np.random.default_rng(seed)
    places, half = rng.uniform(-11, 11, (30, 3)), rng.uniform(1.5, 8, (30, 3))
    kinds = (ellipsoids, cylinders, boxes)
    whole = cylinders([[0, 0, 0]], [20, 20, 30], 1)
    for k, make in enumerate(kinds):
        part = slice(10 * k, 10 * k + 10)
        whole = whole + make(places[part], half[part], rng.integers(0, 4, 10), any_turn(rng, 10))
    return whole[np.r_[0, 1 + rng.permutation(30)]]


def test_a_ball_has_the_chords_of_a_ball() -> None:
    theta, u, z = rays(41, 7, z=3.0)
    ball = ellipsoids([[2.0, -1.0, 0.5]], 12.0, 1)
    found = path_lengths(ball, 2, theta, u, z, fine=1)[1]
    off = u - (2 * np.cos(theta) - 1 * np.sin(theta))[:, None]
    expected = 2 * np.sqrt(np.maximum(12.0**2 - off**2 - 2.5**2, 0))
    np.testing.assert_allclose(found, expected, atol=2e-5)


def test_an_upright_cylinder_and_a_box_have_their_chords() -> None:
    theta, u, z = rays(41, 2)
    tube = cylinders([[0, 0, 0]], [9.0, 9.0, 2.0], 1)
    expected = 2 * np.sqrt(np.maximum(81 - u**2, 0))
    np.testing.assert_allclose(path_lengths(tube, 2, theta, u, z, fine=1)[1], expected, atol=2e-5)
    assert path_lengths(tube, 2, theta, u, z + 2.01).sum() == 0
    brick = boxes([[0, 0, 0]], [8.2, 3.0, 1.0], 1, in_plane(0.3))
    seen = path_lengths(brick, 2, [0.3, 0.3 + np.pi / 2], u, z, fine=1)[1]
    np.testing.assert_allclose(seen[0], np.where(np.abs(u[0]) < 8.2, 6.0, 0.0), atol=1e-5)
    np.testing.assert_allclose(seen[1], np.where(np.abs(u[0]) <= 3.0, 16.4, 0.0), atol=1e-5)


def test_a_lying_cylinder_shows_its_ends_and_its_side() -> None:
    lying = cylinders([[0, 0, 0]], [4.0, 4.0, 10.0], 1, [[0, 1, 0], [0, 0, 1], [1, 0, 0]])
    u, z = np.zeros((2, 1)), np.full((2, 1), 2.0)
    # along x the whole length is crossed, along y the chord at this height
    found = path_lengths(lying, 2, [np.pi / 2, 0.0], u, z, fine=1)[1, :, 0]
    np.testing.assert_allclose(found, [20.0, 2 * np.sqrt(16 - 4)], rtol=1e-6)


def test_rays_may_have_heights_of_their_own() -> None:
    ball = ellipsoids([[0, 0, 0]], 10.0, 1)
    theta, u, _ = rays(31, 3)
    z = 0.2 * u + np.array([[0.0], [1.5], [-3.0]])
    found = path_lengths(ball, 2, theta, u, z, fine=1)[1]
    np.testing.assert_allclose(found, 2 * np.sqrt(np.maximum(100 - u**2 - z**2, 0)), atol=2e-5)


def test_every_material_keeps_its_area_in_every_view() -> None:
    shapes = mixture()
    theta, u, z = rays(64, 9, z=1.0)
    seen = path_lengths(shapes, 4, theta, u, z, fine=16).sum(axis=2)
    area = fractions(shapes, 4, 1.0, 64, fine=16).sum(axis=(1, 2))
    assert (area[1:] > 20).all()
    np.testing.assert_allclose(seen, np.broadcast_to(area[:, None], seen.shape), atol=1.0)


@pytest.mark.parametrize("name", sorted(FAMILIES))
def test_every_family_keeps_its_areas(name: str) -> None:
    specimen = make_specimen(name, 30, 2, seed=3)
    theta, u, z = rays(64, 3)
    count = len(specimen.materials)
    seen = path_lengths(specimen.shapes, count, theta, u, z, fine=12).sum(axis=2)
    area = fractions(specimen.shapes, count, 0.0, 64, fine=12).sum(axis=(1, 2))
    np.testing.assert_allclose(seen, np.broadcast_to(area[:, None], seen.shape), atol=8.0)
    assert area.sum() > 300


def test_a_later_body_replaces_an_earlier_one() -> None:
    under, over = ellipsoids([[0, 0, 0]], 10.0, 1), boxes([[0, 0, 0]], [3.0, 4.0, 5.0], 2)

    def seen(shapes: Shapes) -> NDArray:
        return path_lengths(shapes, 3, [np.pi / 2], [[0.0]], [[0.0]])[1:, 0, 0]

    np.testing.assert_allclose(seen(under + over), [14, 6], atol=0.02)
    np.testing.assert_allclose(seen(over + under), [20, 0], atol=0.02)
    hole = boxes([[0, 0, 0]], [3.0, 4.0, 5.0], 0)
    np.testing.assert_allclose(seen(under + hole), [14, 0], atol=0.02)


def test_turning_the_specimen_is_turning_the_beam() -> None:
    shapes, (theta, u, z) = mixture(), rays(48, 5, z=-2.0)
    c, s = np.cos(0.7), np.sin(0.7)
    turned = shapes.turned([[c, -s, 0], [s, c, 0], [0, 0, 1]])
    np.testing.assert_allclose(
        path_lengths(turned, 4, theta + 0.7, u, z), path_lengths(shapes, 4, theta, u, z), atol=1e-4
    )


def test_lengths_agree_with_sums_through_the_labels() -> None:
    shapes, fine = mixture(), 8
    size = 48
    dense = labels(shapes.scaled(fine), 1.5 * fine, size * fine)
    theta, u, z = rays(size, 4, z=1.5)
    found = path_lengths(shapes, 4, theta, u, z, fine=fine)
    t = np.arange(-26 * fine, 26 * fine) / fine
    offsets = (np.arange(fine) + 0.5) / fine - 0.5
    for k, angle in enumerate(theta):
        across = (u[k][:, None] + offsets).ravel()[:, None]
        x = across * np.cos(angle) - t * np.sin(angle)
        y = across * np.sin(angle) + t * np.cos(angle)
        j, i = (np.rint(v * fine + (size * fine - 1) / 2).astype(int) for v in (x, y))
        inside = (i >= 0) & (j >= 0) & (i < size * fine) & (j < size * fine)
        met = np.where(inside, dense[np.where(inside, i, 0), np.where(inside, j, 0)], 0)
        for material in (1, 2, 3):
            summed = (met == material).sum(axis=1).reshape(size, fine).mean(axis=1) / fine
            # a step is 1/8 px; a chord has up to two ends for each of some dozen bodies
            np.testing.assert_allclose(found[material, k], summed, atol=0.35)


def test_fractions_agree_with_labels() -> None:
    shapes, fine = mixture(), 8
    dense = labels(shapes.scaled(fine), 0.0, 40 * fine)
    parts = fractions(shapes, 4, 0.0, 40, fine=fine)
    for material in (1, 2, 3):
        blocks = (dense == material).reshape(40, fine, 40, fine).mean(axis=(1, 3))
        assert np.abs(parts[material] - blocks).max() < 0.15
        assert np.abs(parts[material] - blocks).mean() < 0.004
    assert parts.sum(axis=0).max() <= 1 + 1e-5


def test_a_displaced_body_moves_its_shadow() -> None:
    shapes, (theta, u, z) = mixture(), rays(64, 4)
    moved = shapes.displaced(lambda points: np.broadcast_to([3.0, -2.0, 1.0], points.shape))
    across = (3 * np.cos(theta) - 2 * np.sin(theta))[:, None]
    np.testing.assert_allclose(
        path_lengths(moved, 4, theta, u + across, z + 1.0),
        path_lengths(shapes, 4, theta, u, z), atol=1e-4,
    )  # fmt: skip


def test_threads_and_calls_change_nothing() -> None:
    shapes, (theta, u, z) = mixture(), rays(40, 11)
    one = path_lengths(shapes, 4, theta, u, z, threads=1)
    np.testing.assert_array_equal(one, path_lengths(shapes, 4, theta, u, z, threads=3))
    np.testing.assert_array_equal(one[:, 4:6], path_lengths(shapes, 4, theta[4:6], u[4:6], z[4:6]))
    np.testing.assert_array_equal(
        labels(shapes, 0.0, 40, threads=1), labels(shapes, 0.0, 40, threads=3)
    )


def test_what_cannot_be_projected_is_named() -> None:
    ball = ellipsoids([[0, 0, 0]], 2.0, 3)
    with pytest.raises(InputError, match=r"material 3, but 2 materials.*at least 4"):
        path_lengths(ball, 2, [0.0], [[0.0]], [[0.0]])
    with pytest.raises(InputError, match=r"do not ascend.*reverse the columns"):
        path_lengths(ball, 4, [0.0], [[1.0, 0.0]], [[0.0, 0.0]])
    with pytest.raises(InputError, match=r"no volume.*thickness"):
        labels(boxes([[0, 0, 0]], [1.0, 0.0, 1.0], 1), 0.0, 8)
