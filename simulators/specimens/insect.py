"""A small insect, dry-mounted in a polymer tube: cuticle, muscles, gut, air tubes, fat body.

Fruit flies are 2.5 mm long with a cuticle of 2 to 20 µm; bundles of flight muscle fill the thorax,
and air tubes (tracheae) run along both sides (Snodgrass, Principles of Insect Morphology, 1935).
"""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from simulators.shapes import Shapes, any_turn, boxes, cylinders, ellipsoids, in_plane, join, rods
from simulators.specimens.specimen import family

TUBE, CUTICLE, TISSUE, MUSCLE, GUT, FAT, AIR_TUBE = range(1, 8)
OUTSIDE = 0


@family(
    "insect",
    en="insect",
    zh="昆虫",
    phases=(
        ("tube", "polypropylene"),
        ("cuticle", "chitin"),
        ("tissue", "dried tissue"),
        ("muscle", "protein"),
        ("gut content", "starch"),
        ("fat body", "plant oil"),
        ("air tube", "air"),
    ),
    energy_kev=12.0,
    pixel_size_m=1.2e-6,
)
def insect(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """The body lies along the axis with the thorax in the middle; it is three radii long, and
    longer where the heights asked for need it."""
    shell = rng.uniform(0.015, 0.035)
    wide = rng.uniform(0.9, 1.05)
    body = join([
        _part([0, 0, -0.8], [0.34 * wide, 0.3, 0.3], shell),
        _part([0, 0.02, 1.05], [0.42 * wide, 0.38, 0.72], shell),
        _part([0, 0, 0], [0.44 * wide, 0.4, 0.56], shell),
    ])  # fmt: skip
    eyes = ellipsoids([[-0.26, -0.06, -0.86], [0.26, -0.06, -0.86]], [0.15, 0.2, 0.17], CUTICLE)
    brain = ellipsoids([[-0.09, 0, -0.78], [0.09, 0, -0.78]], [0.12, 0.1, 0.1], MUSCLE)
    inside = [_fat(rng), _muscles(wide, rng), _gut(), _air_tubes(wide, rng)]
    animal = join([_legs(rng), _wings(), body, eyes, brain, *inside])
    place = in_plane(rng.uniform(0, 2 * np.pi, 1))[0]
    animal = animal.turned(place).moved([*rng.uniform(-0.04, 0.04, 2), 0.0])
    long = max(1.0, 0.4 * height / radius)
    tall = height / 2 + radius
    tube = cylinders([[0, 0, 0]] * 2, [[radius, radius, tall], [0.95 * radius] * 2 + [tall]],
                     [TUBE, OUTSIDE])  # fmt: skip
    return tube + animal.turned(np.diag([radius, radius, radius * long]))


def _part(middle: ArrayLike, half: ArrayLike, shell: float) -> Shapes:
    """A shell of cuticle filled with tissue."""
    size = np.asarray(half, dtype=float)
    places = np.broadcast_to(np.asarray(middle, dtype=float), (2, 3))
    return ellipsoids(places, np.stack([size, size - shell]), [CUTICLE, TISSUE])


def _muscles(wide: float, rng: np.random.Generator) -> Shapes:
    """Six pairs of bundles along the thorax, and slanted ones from back to belly beside them."""
    y = np.linspace(-0.24, 0.14, 6)
    x = 0.085 * wide * np.ones(6)
    along = np.concatenate([np.stack([s * x, y, 0.0 * y], axis=1) for s in (-1, 1)])
    lengthwise = ellipsoids(along, [0.075 * wide, 0.034, 0.42], MUSCLE)
    z = np.repeat(np.linspace(-0.24, 0.24, 4), 2)
    side = np.tile([-1.0, 1.0], 4) * 0.25 * wide
    lean = rng.uniform(-0.05, 0.05, len(z))
    top, bottom = np.full(len(z), -0.17), np.full(len(z), 0.17)
    slanted = rods(np.stack([side, top, z - lean], axis=1),
                   np.stack([0.9 * side, bottom, z + lean], axis=1), 0.045, MUSCLE)  # fmt: skip
    return lengthwise + slanted


def _gut() -> Shapes:
    """A tube from mouth to end, wider in the abdomen, with food in it."""
    places = [[0, 0.23, -0.3], [0, 0.2, 0.5], [0, 0.1, 1.05]]
    half = np.array([[0.06, 0.05, 0.6], [0.07, 0.06, 0.4], [0.16, 0.13, 0.5]])
    return ellipsoids(places, half, TISSUE) + ellipsoids(places, 0.75 * half, GUT)


def _fat(rng: np.random.Generator) -> Shapes:
    """Lobes along the abdomen's wall."""
    n = int(rng.integers(40, 90))
    turn, z = rng.uniform(0, 2 * np.pi, n), rng.uniform(-0.42, 0.42, n)
    out = rng.uniform(0.2, 0.27, n)
    places = np.stack([out * np.cos(turn), 0.02 + out * np.sin(turn) * 0.9, 1.05 + z], axis=1)
    return ellipsoids(places, rng.uniform(0.02, 0.065, (n, 3)), FAT, any_turn(rng, n))


def _air_tubes(wide: float, rng: np.random.Generator) -> Shapes:
    """A trunk along each side, branches inwards, and sacs."""
    n = int(rng.integers(20, 40))
    side = rng.choice([-1.0, 1.0], n)
    start = np.stack([0.29 * wide * side, np.full(n, 0.05), rng.uniform(-0.3, 1.45, n)], axis=1)
    end = start + np.stack([-side * rng.uniform(0.08, 0.22, n), rng.uniform(-0.12, 0.12, n),
                            rng.normal(0, 0.06, n)], axis=1)  # fmt: skip
    branches = rods(start, end, rng.uniform(0.006, 0.016, n), AIR_TUBE)
    trunks = rods(
        [[-0.29 * wide, 0.05, -0.3], [0.29 * wide, 0.05, -0.3]],
        [[-0.29 * wide, 0.05, 1.45], [0.29 * wide, 0.05, 1.45]],
        0.025,
        AIR_TUBE,
    )
    sacs = ellipsoids([[-0.2, 0.1, 0.62], [0.2, 0.1, 0.62]], [0.09, 0.12, 0.12], AIR_TUBE)
    return trunks + branches + sacs


def _legs(rng: np.random.Generator) -> Shapes:
    """Three pairs, folded along the body: hollow joints from the thorax out and back."""
    parts = []
    for side in (-1.0, 1.0):
        for z in (-0.3, 0.0, 0.3):
            knee = np.array([side * rng.uniform(0.62, 0.72), rng.uniform(0.3, 0.42), z - 0.1])
            foot = np.array([side * rng.uniform(0.35, 0.5), 0.62, z + rng.uniform(0.4, 0.7)])
            hip = np.array([side * 0.25, 0.28, z])
            for a, b, thick in ((hip, knee, 0.055), (knee, foot, 0.035)):
                parts.append(rods(a, b, thick, CUTICLE) + rods(a, b, 0.65 * thick, TISSUE))
                parts.append(ellipsoids([b], thick, CUTICLE))
    return join(parts)


def _wings() -> Shapes:
    """Two thin sheets over the back, with veins."""
    parts = []
    for side in (-1.0, 1.0):
        tilt = in_plane([side * 0.25])[0]
        middle = np.array([side * 0.3, -0.52, 1.0])
        parts.append(boxes([middle], [0.26, 0.006, 0.85], CUTICLE, tilt))
        across = np.linspace(-0.22, 0.22, 5)[:, None] * tilt[0]
        veins = middle + across
        parts.append(cylinders(veins, [0.014, 0.014, 0.85], CUTICLE))
    return join(parts)
