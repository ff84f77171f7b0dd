"""Specimens made of ellipsoids, seeded; sizes in px, the strongest path near ``attenuation``."""

from __future__ import annotations

from dataclasses import replace

import numpy as np

from simulators.ellipsoids import Ellipsoid

# Values of the modified phantom of Toft 1996 (contrast raised for display), as
# (value, a, b, x, y, phi in degrees), lengths as part of the radius, y upwards.
_SHEPP_LOGAN = (
    (1.0, 0.69, 0.92, 0.0, 0.0, 0),
    (-0.8, 0.6624, 0.874, 0.0, -0.0184, 0),
    (-0.2, 0.11, 0.31, 0.22, 0.0, -18),
    (-0.2, 0.16, 0.41, -0.22, 0.0, 18),
    (0.1, 0.21, 0.25, 0.0, 0.35, 0),
    (0.1, 0.046, 0.046, 0.0, 0.1, 0),
    (0.1, 0.046, 0.046, 0.0, -0.1, 0),
    (0.1, 0.046, 0.023, -0.08, -0.605, 0),
    (0.1, 0.023, 0.023, 0.0, -0.606, 0),
    (0.1, 0.023, 0.046, 0.06, -0.605, 0),
)


def shepp_logan(radius: float, height: float, rng: np.random.Generator) -> list[Ellipsoid]:
    """The modified Shepp–Logan head, its ellipses standing as tall ellipsoids."""
    return [
        Ellipsoid(x * radius, -y * radius, 0.0, a * radius, b * radius, 4 * height + radius,
                  -np.deg2rad(phi), value)
        for value, a, b, x, y, phi in _SHEPP_LOGAN
    ]  # fmt: skip


def foam(radius: float, height: float, rng: np.random.Generator) -> list[Ellipsoid]:
    """A cylinder with spherical pores of many sizes that do not overlap."""
    bodies = [_cylinder(radius, height)]
    _fill(bodies, rng, radius, height, count=60, sizes=(0.03, 0.16), values=(-1.0, -1.0))
    return bodies


def rock(radius: float, height: float, rng: np.random.Generator) -> list[Ellipsoid]:
    """A cylinder with flattened grains, denser and lighter than it, that do not overlap."""
    bodies = [_cylinder(radius, height)]
    _fill(bodies, rng, radius, height, 90, (0.03, 0.12), (-0.9, -0.5, 0.3, 0.8), flat=0.6)
    return bodies


def with_metal(bodies: list[Ellipsoid], radius: float, height: float,
               rng: np.random.Generator) -> list[Ellipsoid]:  # fmt: skip
    """A few strongly absorbing grains in addition, at the middle of the height."""
    metal: list[Ellipsoid] = []
    _fill(metal, rng, radius * 0.8, height, count=4, sizes=(0.08, 0.14), values=(30.0,))
    metal = [replace(grain, z=0.0) for grain in metal]
    return bodies + metal


SPECIMENS = {"shepp_logan": shepp_logan, "foam": foam, "rock": rock}


def _cylinder(radius: float, height: float) -> Ellipsoid:
    return Ellipsoid(0.0, 0.0, 0.0, radius, radius * 0.94, 20 * (height + radius), 0.3, 1.0)


def _fill(
    bodies: list[Ellipsoid],
    rng: np.random.Generator,
    radius: float,
    height: float,
    count: int,
    sizes: tuple[float, float],
    values: tuple[float, ...],
    flat: float = 1.0,
) -> None:
    placed: list[tuple[float, float, float, float]] = []
    tall = max(height / 2, 0.2 * radius)
    for _ in range(count * 20):
        if len(placed) == count:
            return
        size = radius * np.exp(rng.uniform(*np.log(sizes)))
        distance, angle = (0.9 * radius - size) * np.sqrt(rng.uniform()), rng.uniform(0, 2 * np.pi)
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        z = rng.uniform(-tall, tall)
        if any((x - p) ** 2 + (y - q) ** 2 + (z - r) ** 2 < (size + s) ** 2
               for p, q, r, s in placed):  # fmt: skip
            continue
        placed.append((x, y, z, size))
        shape = rng.uniform(flat, 1.0)
        bodies.append(Ellipsoid(x, y, z, size, size * shape, size, rng.uniform(0, np.pi),
                                float(rng.choice(values))))  # fmt: skip
