"""Many simple bodies in packed arrays: ellipsoids, elliptic cylinders and boxes, painted in order.

A body is an affine image of a unit body (ball, cylinder, cube), so any affine map of the specimen,
shear included, is exact.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metadata.errors import InputError

Array = NDArray[np.float64]

ELLIPSOID, CYLINDER, BOX = 0, 1, 2


@dataclass(frozen=True)
class Shapes:
    """``n`` bodies. Lengths in px, origin on the rotation axis in the middle row: x right, y down
    in the slice, z along the axis with the rows.

    A body holds the points ``center + q @ axes`` with ``q`` in its unit body: ``kind`` 0 the ball
    ``|q| ≤ 1``, 1 the cylinder ``q₀² + q₁² ≤ 1, |q₂| ≤ 1``, 2 the cube ``|qᵢ| ≤ 1``. So the rows of
    ``axes`` are half-axes as vectors; they need not be orthogonal. A later body replaces what is
    under it; material 0 is air, so it also cuts holes.

    >>> ball = ellipsoids([[0.0, 0.0, 0.0]], 2.0, material=1)
    >>> float(ball.moved([1.0, 0.0, 0.0]).scaled(2.0).center[0, 0])
    2.0
    """

    kind: NDArray[np.uint8]  # n
    center: Array  # n, (x, y, z)
    axes: Array  # n, half-axis, (x, y, z)
    material: NDArray[np.int16]  # n

    def __post_init__(self) -> None:
        n = len(self.kind)
        if (self.center.shape, self.axes.shape, len(self.material)) != ((n, 3), (n, 3, 3), n):
            raise InputError(
                f"The arrays of {n} shapes have center {self.center.shape}, axes {self.axes.shape}"
                f" and material {self.material.shape}; expected ({n}, 3), ({n}, 3, 3) and ({n},)."
            )

    def __len__(self) -> int:
        return len(self.kind)

    def __getitem__(self, chosen: slice | NDArray[np.bool_] | NDArray[np.intp]) -> Shapes:
        return Shapes(
            self.kind[chosen], self.center[chosen], self.axes[chosen], self.material[chosen]
        )

    def __add__(self, over: Shapes) -> Shapes:
        return join([self, over])

    def reach(self, direction: ArrayLike) -> Array:
        """How far each body reaches from its centre along a unit vector, px."""
        along = np.abs(self.axes @ np.asarray(direction, dtype=np.float64))
        ball = np.sqrt((along**2).sum(axis=1))
        cylinder = np.hypot(along[:, 0], along[:, 1]) + along[:, 2]
        return np.select([self.kind == ELLIPSOID, self.kind == CYLINDER], [ball, cylinder],
                         along.sum(axis=1))  # fmt: skip

    def farthest(self) -> Array:
        """How far each body comes from the axis, px (at most 1 % too much)."""
        turns = np.linspace(0, 2 * np.pi, 24, endpoint=False)
        outward = np.stack([np.cos(turns), np.sin(turns), 0 * turns], axis=1)
        sides = [self.center @ side + self.reach(side) for side in outward]
        return np.max(sides, axis=0) / np.cos(np.pi / 24)

    def within(self, z0: float, z1: float) -> Shapes:
        """The bodies that touch heights ``z0`` to ``z1``, order kept."""
        reach = self.reach([0.0, 0.0, 1.0])
        z = self.center[:, 2]
        return self[(z + reach >= z0) & (z - reach <= z1)]

    def scaled(self, factor: float) -> Shapes:
        """Larger by a factor, about the origin."""
        return Shapes(self.kind, self.center * factor, self.axes * factor, self.material)

    def moved(self, offset: ArrayLike) -> Shapes:
        """Shifted by ``(x, y, z)``, px."""
        return Shapes(self.kind, self.center + np.asarray(offset), self.axes, self.material)

    def turned(self, matrix: ArrayLike) -> Shapes:
        """Every point ``p`` at ``matrix @ p``: a rotation, or any other linear map; exact."""
        transposed = np.asarray(matrix, dtype=np.float64).T
        return Shapes(self.kind, self.center @ transposed, self.axes @ transposed, self.material)

    def displaced(self, displacement: Callable[[Array], Array]) -> Shapes:
        """Moved and strained by ``displacement(points (n, 3)) -> (n, 3)``, px.

        Each body gets its own affine map: the field at its centre and the field's difference
        between the two ends of each half-axis. Exact for affine fields; for others a first-order
        approximation over the body, so small bodies follow closely. The field is asked for places
        at the ends of tall bodies too, outside the heights that are scanned.
        """
        n = len(self)
        ends = np.concatenate(
            [self.center, *(self.center + sign * self.axes[:, k] for k in range(3)
                            for sign in (1, -1))]
        )  # fmt: skip
        moved = displacement(ends).reshape(7, n, 3)
        axes = self.axes + np.stack([moved[1 + 2 * k] - moved[2 + 2 * k] for k in range(3)],
                                    axis=1) / 2  # fmt: skip
        return Shapes(self.kind, self.center + moved[0], axes, self.material)


def join(parts: Sequence[Shapes]) -> Shapes:
    """All bodies in one, later parts over earlier ones."""
    return Shapes(
        np.concatenate([p.kind for p in parts]),
        np.concatenate([p.center for p in parts]),
        np.concatenate([p.axes for p in parts]),
        np.concatenate([p.material for p in parts]),
    )


def ellipsoids(center: ArrayLike, half: ArrayLike, material: ArrayLike,
               turn: ArrayLike | None = None) -> Shapes:  # fmt: skip
    """Ellipsoids at ``center`` (n, 3) with semi-axes ``half`` (n, 3), (n, 1) or a number, px;
    ``turn`` (n, 3, 3) or (3, 3) holds their unit axes as rows."""
    return _bodies(ELLIPSOID, center, half, material, turn)


def cylinders(center: ArrayLike, half: ArrayLike, material: ArrayLike,
              turn: ArrayLike | None = None) -> Shapes:  # fmt: skip
    """Elliptic cylinders: ``half`` = two semi-axes and half the length along the third axis."""
    return _bodies(CYLINDER, center, half, material, turn)


def boxes(center: ArrayLike, half: ArrayLike, material: ArrayLike,
          turn: ArrayLike | None = None) -> Shapes:  # fmt: skip
    """Boxes with half edges ``half``."""
    return _bodies(BOX, center, half, material, turn)


def rods(start: ArrayLike, end: ArrayLike, radius: ArrayLike, material: ArrayLike) -> Shapes:
    """Round cylinders from ``start`` (n, 3) to ``end`` (n, 3), ``radius`` (n,) or a number."""
    a, b = np.atleast_2d(np.asarray(start, float)), np.atleast_2d(np.asarray(end, float))
    half = np.linalg.norm(b - a, axis=1) / 2
    size = np.stack([np.broadcast_to(radius, half.shape), np.broadcast_to(radius, half.shape),
                     half], axis=1)  # fmt: skip
    return cylinders((a + b) / 2, size, material, along(b - a))


def along(direction: ArrayLike) -> Array:
    """Unit axes (n, 3, 3) whose third row points along ``direction`` (n, 3)."""
    third = np.atleast_2d(np.asarray(direction, dtype=np.float64))
    third = third / np.maximum(np.linalg.norm(third, axis=1, keepdims=True), 1e-12)
    other = np.where(np.abs(third[:, 2:]) < 0.9, [[0.0, 0.0, 1.0]], [[1.0, 0.0, 0.0]])
    first = np.cross(other, third)
    first /= np.linalg.norm(first, axis=1, keepdims=True)
    return np.stack([first, np.cross(third, first), third], axis=1)


def any_turn(rng: np.random.Generator, n: int) -> Array:
    """Random unit axes (n, 3, 3), every orientation alike (from uniform unit quaternions)."""
    w, x, y, z = (q := rng.standard_normal((n, 4))).T / np.linalg.norm(q, axis=1)
    rows = [
        [1 - 2 * (y * y + z * z), 2 * (x * y - z * w), 2 * (x * z + y * w)],
        [2 * (x * y + z * w), 1 - 2 * (x * x + z * z), 2 * (y * z - x * w)],
        [2 * (x * z - y * w), 2 * (y * z + x * w), 1 - 2 * (x * x + y * y)],
    ]
    return np.moveaxis(np.array(rows), 2, 0)


def in_plane(phi: ArrayLike) -> Array:
    """Unit axes (n, 3, 3) turned by ``phi`` (n,) rad about z, from x towards y."""
    angle = np.atleast_1d(np.asarray(phi, dtype=np.float64))
    c, s, zero, one = np.cos(angle), np.sin(angle), np.zeros_like(angle), np.ones_like(angle)
    return np.moveaxis(np.array([[c, s, zero], [-s, c, zero], [zero, zero, one]]), 2, 0)


def _bodies(kind: int, center: ArrayLike, half: ArrayLike, material: ArrayLike,
            turn: ArrayLike | None) -> Shapes:  # fmt: skip
    places = np.asarray(center, dtype=np.float64).reshape(-1, 3)
    n = len(places)
    size = np.broadcast_to(np.asarray(half, dtype=np.float64), (n, 3))
    unit = np.eye(3) if turn is None else np.asarray(turn, dtype=np.float64)
    return Shapes(
        np.full(n, kind, dtype=np.uint8),
        places,
        np.ascontiguousarray(np.broadcast_to(unit, (n, 3, 3)) * size[:, :, None]),
        np.ascontiguousarray(np.broadcast_to(np.asarray(material, dtype=np.int16), (n,))),
    )
