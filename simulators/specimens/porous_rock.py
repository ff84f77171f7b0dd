"""Sandstone: rounded grains grown together, with connected pores between them.

Fontainebleau and Berea sandstones have grains of 100 to 300 µm, mostly quartz with some feldspar
and few heavy minerals, and 13 to 22 % pores (Andrä et al. 2013, Comput. Geosci. 50, 25).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import packed
from simulators.shapes import Shapes, any_turn, cylinders, ellipsoids
from simulators.specimens.specimen import family

PORE, QUARTZ, FELDSPAR, CLAY, HEAVY = 1, 2, 3, 4, 5
GROWN = 1.17  # overgrowth: grains placed apart, then enlarged into each other


@family(
    "porous_rock",
    en="porous sandstone",
    zh="多孔砂岩",
    phases=(
        ("pore", "air"),
        ("quartz grain", "quartz"),
        ("feldspar grain", "orthoclase"),
        ("clay", "kaolinite"),
        ("heavy mineral", "zircon"),
    ),
    energy_kev=25.0,
    pixel_size_m=1.5e-6,
)
def porous_rock(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Grains of about 0.06 of the radius; the space between them is pore, up to the outline."""
    typical = 0.06 * radius * rng.uniform(0.7, 1.2)
    core = 0.93 * radius

    def draw(number: int) -> np.ndarray:
        return typical * np.clip(np.exp(rng.normal(-0.2, 0.45, number)), 0.35, 1.6)

    middles, sizes = packed(0.75, core, height, draw, rng, grow=1.5)
    n = len(sizes)
    half = (
        GROWN
        * sizes[:, None]
        * np.stack(
            [rng.uniform(1.0, 1.2, n), rng.uniform(0.85, 1.05, n), rng.uniform(0.85, 1.05, n)],
            axis=1,
        )
    )
    kinds = rng.choice([QUARTZ, FELDSPAR, CLAY], n, p=[0.8, 0.15, 0.05])
    small = sizes < np.quantile(sizes, 0.4) if n else np.zeros(0, dtype=bool)
    kinds[small & (rng.random(n) < 0.04)] = HEAVY
    outline = cylinders([[0, 0, 0]], [core, core, height / 2 + radius], PORE)
    return outline + ellipsoids(middles, half, kinds, any_turn(rng, n))
