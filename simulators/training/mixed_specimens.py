"""Specimens that belong to no family: pieces of several, scattered bodies, grey values drawn anew.

Networks that learn from a few families alone learn how these look; of specimens unlike all others
only what holds for any remains (domain randomisation: Tobin et al. 2017, IROS, 23,
doi 10.1109/IROS.2017.8202133).
"""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence

import numpy as np

from simulators.acquisition.matter import rotation
from simulators.materials import MATERIALS, Material
from simulators.shapes import (
    Shapes,
    any_turn,
    boxes,
    cylinders,
    ellipsoids,
    in_plane,
    join,
)
from simulators.specimens import FAMILIES, Specimen

FAMILY = 0.75  # of the specimens begin as one of a family; the others as bodies of any kind
PIECES = (0, 1, 1, 2)  # laid over it
LIGHT, HOLLOW = 0.1, 1e-4  # least density of what is seen, and that of holes; some has 1
MARGIN_PX = 2.0  # as of the families
ENERGY_KEV, PIXEL_SIZE_M = 20.0, 2e-6


def mixed(
    families: Sequence[str],
    radius: float,
    height: float,
    rng: np.random.Generator,
    light: float = LIGHT,
) -> Specimen:
    """A specimen inside a cylinder of ``radius`` px about the axis, at all heights within
    ``height/2`` px of the middle: one of the families, or bodies of one kind, with pieces of others
    over it, all of water, as dense as drawn: from ``light`` to 1."""
    tall = height + 2 * MARGIN_PX
    parts = [_one(families, radius, height, rng) if rng.random() < FAMILY
             else _vessel(radius, tall, rng)]  # fmt: skip
    for _ in range(int(rng.choice(PIECES))):
        size = rng.uniform(0.2, 0.6) * radius
        draws = _one(families, size, height, rng), _scattered(size, rng)
        away = rng.uniform(0, 0.97 * radius - size)
        angle = rng.uniform(0, 2 * np.pi)
        piece = draws[rng.integers(2)].moved([away * np.cos(angle), away * np.sin(angle), 0])
        parts.append(piece[piece.farthest() <= 1.001 * radius])
    shapes = _apart([part.within(-tall / 2, tall / 2) for part in parts])
    densities = _densities(int(shapes.material.max(initial=0)), rng, light)
    made_of = [Material(f"water of density {d:.3g}", "H2O", d) for d in densities]
    return Specimen(
        "mixed",
        shapes,
        (MATERIALS["air"], *made_of),
        ("outside", *(f"material {k + 1}" for k in range(len(made_of)))),
        ENERGY_KEV,
        PIXEL_SIZE_M,
    )


def _one(families: Sequence[str], radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """A specimen of a family, turned about the axis."""
    family = FAMILIES[str(rng.choice(list(families)))]
    shapes = family.specimen(radius, height, rng).shapes
    return shapes.turned(rotation(rng.uniform(0, 360)))


def _vessel(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Bodies in a solid or hollow cylinder, or in nothing."""
    half = [*rng.uniform(0.7, 1, 2) * radius, height + radius]
    parts = [_scattered(0.9 * radius, rng)]
    if rng.random() < 0.7:
        outer = cylinders([[0, 0, 0]], half, 1)
        inner = cylinders([[0, 0, 0]], [0.62 * radius, 0.62 * radius, height + radius], 1)
        parts = [outer, *([inner] if rng.random() < 0.3 else []), *parts]
    return _apart(parts)


def _scattered(radius: float, rng: np.random.Generator) -> Shapes:
    """Three to four hundred bodies of one kind, of one to four materials, about the middle row."""
    n = int(10 ** rng.uniform(0.5, 2.6))
    size = radius * 10 ** (rng.uniform(-1.7, -0.25) + rng.normal(0, 0.25, n))
    size = np.minimum(size, 0.5 * radius)
    angle = rng.uniform(0, 2 * np.pi, n)
    away = np.minimum(radius * rng.uniform(0.3, 1) * np.sqrt(rng.random(n)), radius - size)
    at = np.stack([away * np.cos(angle), away * np.sin(angle), rng.uniform(-0.7, 0.7, n) * size], 1)
    narrow = np.clip(10 ** rng.normal(0, rng.uniform(0, 0.35), (n, 3)), 0.25, 1)
    half = size[:, None] * narrow
    make = (ellipsoids, cylinders, boxes)[rng.integers(3)]
    if make is cylinders:
        half[:, 2] = size * rng.choice([1, 5])
    turns = (any_turn(rng, n), in_plane(rng.uniform(0, 2 * np.pi, n)),
             in_plane(np.full(n, rng.uniform(0, 2 * np.pi))))  # fmt: skip
    return make(at, half, rng.integers(1, rng.integers(2, 6), n), turns[rng.integers(3)])


def _apart(parts: Sequence[Shapes]) -> Shapes:
    """All bodies in one, of materials of their own; air stays air."""
    found, known = [], 0
    for part in parts:
        numbers = np.where(part.material > 0, part.material + known, 0).astype(np.int16)
        found.append(dataclasses.replace(part, material=numbers))
        known = int(numbers.max(initial=known))
    return join(found)


def _densities(count: int, rng: np.random.Generator, light: float) -> list[float]:
    """Of so many materials: all alike, one of two, or any; some are holes, one never."""
    kind = rng.integers(3)
    if kind == 0:
        found = np.ones(count)
    elif kind == 1:
        found = rng.choice([1.0, rng.uniform(1.5 * light, 0.8)], count)
    else:
        found = 10 ** rng.uniform(np.log10(light), 0, count)
    found[rng.random(count) < rng.choice([0, 0.25, 0.4])] = HOLLOW
    if count:
        found[rng.integers(count)] = 1.0
    return [float(value) for value in found]
