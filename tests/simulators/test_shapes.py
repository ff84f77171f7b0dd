"""Laws of packed shapes: affine maps are exact, selections lose nothing, bodies keep apart."""

from __future__ import annotations

import numpy as np
import pytest

from metadata import InputError
from simulators.packing import drawn_sizes, log_uniform, packed
from simulators.projector import labels
from simulators.shapes import Shapes, any_turn, boxes, cylinders, ellipsoids, join, rods


def some(n: int = 40) -> Shapes:
    rng = np.random.default_rng(2)
    turn, half, places = any_turn(rng, n), rng.uniform(1, 4, (n, 3)), rng.uniform(-20, 20, (n, 3))
    third = n // 3
    return join([
        make(places[a:b], half[a:b], 1 + k, turn[a:b])
        for k, (make, a, b) in enumerate(((ellipsoids, 0, third), (cylinders, third, 2 * third),
                                          (boxes, 2 * third, n)))
    ])  # fmt: skip


def test_an_affine_displacement_is_exact() -> None:
    shear = np.array([[0.1, 0.3, 0.0], [0.0, -0.1, 0.2], [0.05, 0.0, 0.1]])
    moved = some().displaced(lambda points: points @ shear.T + [1.0, 2.0, 3.0])
    expected = some().turned(np.eye(3) + shear).moved([1.0, 2.0, 3.0])
    np.testing.assert_allclose(moved.center, expected.center)
    np.testing.assert_allclose(moved.axes, expected.axes)


def test_small_bodies_follow_a_curved_field() -> None:
    def bend(points: np.ndarray) -> np.ndarray:
        return np.stack([0.002 * points[:, 1] ** 2, 0 * points[:, 0], 0 * points[:, 0]], axis=1)

    bar = boxes([[0, y, 0] for y in range(-20, 21)], [5.0, 0.5, 2.0], 1)
    bent = labels(bar.displaced(bend), 0.0, 49)
    y = np.arange(49) - 24
    inside = np.abs(y) < 20
    middle = (bent * (np.arange(49) - 24)).sum(axis=1)[inside] / bent.sum(axis=1)[inside]
    np.testing.assert_allclose(middle, 0.002 * y[inside] ** 2, atol=0.51)


def test_only_bodies_at_the_heights_are_kept() -> None:
    shapes = some()
    near = shapes.within(-3.0, 3.0)
    assert 0 < len(near) < len(shapes)
    for z in (-3.0, 0.0, 3.0):
        np.testing.assert_array_equal(labels(near, z, 64), labels(shapes, z, 64))
    assert (np.diff(near.material) >= 0).all()


def test_reach_bounds_every_point() -> None:
    shapes, rng = some(), np.random.default_rng(0)
    q = rng.uniform(-1, 1, (4000, 3))
    inside = [np.linalg.norm(q, axis=1) <= 1, np.hypot(q[:, 0], q[:, 1]) <= 1, q[:, 0] < 2]
    direction = np.array([0.6, 0.0, 0.8])
    for body in range(len(shapes)):
        points = shapes.center[body] + q[inside[shapes.kind[body]]] @ shapes.axes[body]
        beyond = ((points - shapes.center[body]) @ direction).max()
        reach = shapes.reach(direction)[body]
        assert 0.7 * reach < beyond <= reach
        assert np.hypot(*points.T[:2]).max() <= shapes.farthest()[body]


def test_rods_join_their_ends() -> None:
    rod = rods([[-3.0, 0.0, 1.0]], [[5.0, 6.0, 1.0]], 0.5, 1)
    np.testing.assert_allclose(rod.center[0], [1.0, 3.0, 1.0])
    np.testing.assert_allclose(rod.axes[0, 2], [4.0, 3.0, 0.0])
    np.testing.assert_allclose(rod.axes[0] @ rod.axes[0].T, np.diag([0.25, 0.25, 25.0]), atol=1e-12)


def test_arrays_that_do_not_fit_are_named() -> None:
    with pytest.raises(InputError, match=r"arrays of 2 shapes.*expected \(2, 3\)"):
        Shapes(np.zeros(2, np.uint8), np.zeros((1, 3)), np.zeros((2, 3, 3)), np.zeros(2, np.int16))


def test_packed_spheres_keep_apart_and_inside() -> None:
    rng = np.random.default_rng(1)
    middles, sizes = packed(0.8, 50, 10, log_uniform(2, 9, rng), rng, grow=1.5)
    assert len(sizes) > 100
    gap = np.linalg.norm(middles[:, None] - middles[None], axis=2) - sizes[:, None] - sizes[None]
    np.fill_diagonal(gap, 1.0)
    assert gap.min() > -1e-9
    assert (np.hypot(*middles.T[:2]) + sizes).max() <= 50 + 1e-9
    assert (np.abs(middles[:, 2]) <= 5 + sizes).all()


def test_a_slab_holds_the_asked_part_whatever_its_height() -> None:
    rng = np.random.default_rng(0)
    for height in (1.0, 40.0):
        areas = []
        for _ in range(60):
            sizes = drawn_sizes(0.2, 60, height, log_uniform(3, 9, rng), rng)
            z = (height / 2 + sizes) * rng.uniform(-1, 1, len(sizes))
            areas.append(np.maximum(sizes**2 - z**2, 0).sum() / 60**2)
        # 60 slabs of some 50 sections: an error of 0.005
        assert np.mean(areas) == pytest.approx(0.2, abs=0.02)
