"""A capillary reactor: concentric tubes, a fluid, rods that stand in it and beads of catalyst.

Powders, liquids and cells under flow are scanned in quartz capillaries, often with a second tube
around or a thermocouple beside (Norby 2006, J. Am. Chem. Soc. 128, 3104; Jacques et al. 2013,
Angew. Chem. Int. Ed. 50, 10148).
"""

from __future__ import annotations

import numpy as np

from simulators.shapes import Shapes, cylinders, ellipsoids
from simulators.specimens.specimen import family

WALL, GAS, FLUID, ROD, BEAD = 1, 2, 3, 4, 5


@family(
    "capillary",
    en="capillary reactor",
    zh="毛细管反应器",
    phases=(
        ("wall", "silica"),
        ("gas", "air"),
        ("fluid", "water"),
        ("rod", "aluminium"),
        ("bead", "catalyst alumina"),
    ),
    energy_kev=30.0,
    pixel_size_m=2e-6,
)
def capillary(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Tubes in each other, each a little off the middle of the one around it."""
    tall = height + radius
    middle, outer = np.zeros(2), 0.98 * radius
    room = middle, outer
    shapes = []
    for _ in range(int(rng.integers(1, 4))):
        wall = outer * rng.uniform(0.06, 0.22)
        inner = outer - wall
        inside = FLUID if rng.random() < 0.5 else GAS
        shapes += [_standing(middle, outer, tall, WALL), _standing(middle, inner, tall, inside)]
        outer = inner * rng.uniform(0.6, 0.95)
        room = middle, inner
        middle = middle + 0.9 * _within(inner - outer, 1, rng)[0]
    middle, inner = room
    for _ in range(int(rng.integers(0, 4))):
        thick = inner * rng.uniform(0.06, 0.25)
        place = middle + _within(inner - thick, 1, rng)[0]
        shapes.append(_standing(place, thick, tall, ROD))
        if rng.random() < 0.4:
            shapes.append(_standing(place, thick * rng.uniform(0.3, 0.7), tall, GAS))
    size = inner * rng.uniform(0.05, 0.2)
    count = rng.poisson(rng.uniform(0, 0.5) * inner**2 * (height + 2 * size) / (4 * size**3))
    count = min(count, 1500)
    half = np.minimum(size * rng.uniform(0.6, 1.4, count), 0.9 * inner)
    places = middle + np.array([_within(inner - h, 1, rng)[0] for h in half]).reshape(-1, 2)
    up = rng.uniform(-0.5, 0.5, count) * (height + 2 * size)
    beads = ellipsoids(np.column_stack([places, up]), np.repeat(half[:, None], 3, axis=1), BEAD)
    return sum(shapes[1:], shapes[0]) + beads


def _standing(middle: np.ndarray, radius: float, tall: float, material: int) -> Shapes:
    """A round cylinder along the axis."""
    return cylinders([[*middle, 0.0]], [[radius, radius, tall]], material)


def _within(radius: float, count: int, rng: np.random.Generator) -> np.ndarray:
    """Places evenly over a disc, axes ``place, (x, y)``."""
    away, turn = radius * np.sqrt(rng.random(count)), rng.uniform(0, 2 * np.pi, count)
    return np.stack([away * np.cos(turn), away * np.sin(turn)], axis=1)
