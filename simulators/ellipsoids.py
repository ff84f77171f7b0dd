"""Ellipsoids and their exact projections: a forward model that is not the toolbox's own."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Ellipsoid:
    """One ellipsoid, added to what is there. Lengths in px from the axis (x right, y down, z along
    the axis from the middle row); ``phi_rad`` turns the semi-axes ``a, b`` in the slice from x
    towards y; ``value`` is attenuation in 1/px."""

    x: float
    y: float
    z: float
    a: float
    b: float
    c: float
    phi_rad: float
    value: float


def project(bodies: tuple[Ellipsoid, ...], theta: Array, u: Array, z: Array) -> Array:
    """Line integrals at angles ``theta`` (angle), detector places ``u`` (angle, col) from the axis
    and heights ``z`` (angle, col): axes ``angle, col``.

    Kak & Slaney 1988, ch. 3, an ellipse of which the section at height z shrinks by
    ``s = sqrt(1 − ((z − z0)/c)²)``.
    """
    total = np.zeros(u.shape)
    for body in bodies:
        shrink2 = 1 - ((z - body.z) / body.c) ** 2
        if shrink2.max() <= 0:
            continue
        width2 = (
            (body.a * np.cos(theta - body.phi_rad)) ** 2
            + (body.b * np.sin(theta - body.phi_rad)) ** 2
        )[:, None]
        t = u - (body.x * np.cos(theta) + body.y * np.sin(theta))[:, None]
        reach = np.maximum(shrink2 * width2 - t * t, 0)
        total += 2 * body.value * body.a * body.b * np.sqrt(reach) / width2
    return total


def slice_at(bodies: tuple[Ellipsoid, ...], z: float, size: int, fine: int = 2) -> Array:
    """The slice at height ``z``, axes ``y, x``, each voxel the mean of ``fine × fine`` points."""
    line = (np.arange(size * fine) + 0.5) / fine - 0.5 - (size - 1) / 2
    image = np.zeros((size * fine, size * fine))
    for body in bodies:
        shrink2 = 1 - ((z - body.z) / body.c) ** 2
        if shrink2 <= 0:
            continue
        reach = max(body.a, body.b)
        xs = np.flatnonzero(np.abs(line - body.x) <= reach)
        ys = np.flatnonzero(np.abs(line - body.y) <= reach)
        if not len(xs) or not len(ys):
            continue
        x, y = line[xs][None, :] - body.x, line[ys][:, None] - body.y
        along = x * np.cos(body.phi_rad) + y * np.sin(body.phi_rad)
        across = -x * np.sin(body.phi_rad) + y * np.cos(body.phi_rad)
        inside = (along / body.a) ** 2 + (across / body.b) ** 2 <= shrink2
        image[np.ix_(ys, xs)] += body.value * inside
    return image.reshape(size, fine, size, fine).mean(axis=(1, 3))
