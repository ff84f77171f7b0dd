"""A woven composite: flat yarns of glass over and under one another in resin.

Plain weaves of E-glass have yarns 0.5 to 3 mm wide that pass over one neighbour and under the
next; pores of resin stay between them and in the crossings (Desplentere et al. 2005, Compos. Sci.
Technol. 65, 1920).
"""

from __future__ import annotations

import numpy as np

from simulators.materials import Material
from simulators.shapes import Shapes, boxes, cylinders, ellipsoids, join
from simulators.specimens.specimen import family

RESIN, YARN, DENSE_YARN, PORE = 1, 2, 3, 4


@family(
    "woven_composite",
    en="woven glass composite",
    zh="玻璃纤维织物复合材料",
    phases=(
        ("resin", "epoxy"),
        ("weft", Material("weft in resin", "Si0.6Al0.18Ca0.23Mg0.07O2C2H2", 1.9)),
        ("warp", "e-glass"),
        ("pore", "air"),
    ),
    energy_kev=20.0,
    pixel_size_m=5e-6,
)
def woven_composite(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """The cloth lies across the axis, in layers; each layer shows the upper pieces of both sets of
    yarns, turned at random about the axis."""
    pitch = max(radius * rng.uniform(0.06, 0.2), 5.0)
    layer = pitch * rng.uniform(0.4, 0.8)
    tall = height / 2 + radius
    parts = [cylinders([[0, 0, 0]], [radius, radius, tall], RESIN)]
    for z in np.arange(-height / 2 - layer, height / 2 + layer, layer) + rng.uniform(0, layer):
        parts.append(_cloth(0.97 * radius, pitch, z, layer, rng))
    turn = rng.uniform(0, 2 * np.pi)
    c, s = np.cos(turn), np.sin(turn)
    count = rng.poisson(20)
    away, angle = radius * 0.9 * np.sqrt(rng.random(count)), rng.uniform(0, 2 * np.pi, count)
    places = np.stack([away * np.cos(angle), away * np.sin(angle),
                       rng.uniform(-0.5, 0.5, count) * (height + pitch)], axis=1)  # fmt: skip
    size = rng.uniform(0.1, 0.3, (count, 3)) * pitch
    parts.append(ellipsoids(places, np.minimum(size, 0.06 * radius), PORE))
    return join(parts).turned([[c, -s, 0], [s, c, 0], [0, 0, 1]])


def _cloth(reach: float, pitch: float, z: float, layer: float, rng: np.random.Generator) -> Shapes:
    """Pieces of yarn as long as they lie on top, in a chequered order, some of them missing."""
    line = np.arange(-reach, reach, pitch) + rng.uniform(0, pitch)
    x, y = (v.ravel() for v in np.meshgrid(line, line))
    column, row = (v.ravel() for v in np.meshgrid(np.arange(len(line)), np.arange(len(line))))
    over = rng.integers(1, 4)  # neighbours passed at a time: plain weave, twill, satin
    warp = (column + over * row) % (over + 1) == 0
    wide, long = rng.uniform(0.3, 0.45) * pitch, rng.uniform(0.42, 0.75) * pitch
    half = np.stack([np.where(warp, wide, long), np.where(warp, long, wide),
                     np.full(len(x), 0.5 * layer)], axis=1)  # fmt: skip
    inside = np.hypot(np.abs(x) + half[:, 0], np.abs(y) + half[:, 1]) < reach
    inside &= rng.random(len(x)) > 0.06
    places = np.stack([x, y, np.full(len(x), z)], axis=1)
    return boxes(places[inside], half[inside], np.where(warp, DENSE_YARN, YARN)[inside])
