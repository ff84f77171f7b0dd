"""A fine-grained rock: flattened grains of several minerals apart in a matrix of calcite.

Like a micritic limestone with quartz, feldspar, pyrite and organic matter; grains lie in the
bedding. Densities set the contrast: kerogen 1.3, pyrite 5.0 against 2.7 g/cm³.
"""

from __future__ import annotations

import numpy as np

from simulators.packing import log_uniform, packed
from simulators.shapes import Shapes, cylinders, ellipsoids, in_plane
from simulators.specimens.specimen import family

MATRIX, ORGANIC, PORE, QUARTZ, PYRITE = 1, 2, 3, 4, 5


@family(
    "rock",
    en="limestone with grains",
    zh="含颗粒灰岩",
    phases=(
        ("matrix", "calcite"),
        ("organic matter", "kerogen"),
        ("pore", "air"),
        ("quartz grain", "quartz"),
        ("pyrite grain", "pyrite"),
    ),
    energy_kev=35.0,
    pixel_size_m=2e-6,
)
def rock(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Grains of 0.03 to 0.12 of the radius in a third of the volume, flattened to 0.6 to 1."""
    body = cylinders([[0, 0, 0]], [radius, 0.94 * radius, height / 2 + radius], MATRIX)
    draw = log_uniform(0.03 * radius, 0.12 * radius, rng)
    middles, sizes = packed(0.35, 0.9 * radius, height, draw, rng)
    flat = rng.uniform(0.6, 1.0, len(sizes))
    half = np.stack([sizes, sizes * flat, sizes * rng.uniform(0.7, 1.0, len(sizes))], axis=1)
    bedding = rng.uniform(0, np.pi)
    turn = in_plane(bedding + rng.normal(0, 0.5, len(sizes)))
    minerals = rng.choice([ORGANIC, PORE, QUARTZ, PYRITE], len(sizes), p=[0.35, 0.2, 0.3, 0.15])
    return body + ellipsoids(middles, half, minerals, turn)
