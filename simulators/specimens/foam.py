"""Closed-cell polyurethane foam: round gas cells of many sizes, apart by thin walls.

Rigid foams have cells of 100 to 500 µm and, moulded at integral density, 40 to 70 % gas (Gibson &
Ashby, Cellular Solids, 2nd ed. 1997, ch. 2).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import log_uniform, packed
from simulators.shapes import Shapes, cylinders, ellipsoids
from simulators.specimens.specimen import family

WALL, CELL = 1, 2


@family(
    "foam",
    en="closed-cell foam",
    zh="闭孔泡沫",
    phases=(("cell wall", "polyurethane"), ("gas cell", "air")),
    energy_kev=15.0,
    pixel_size_m=2e-6,
)
def foam(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Cells of 0.03 to 0.16 of the radius, kept a little apart; the foam rose along the axis, so
    they are some 10 % longer there."""
    body = cylinders([[0, 0, 0]], [radius, 0.95 * radius, height / 2 + radius], WALL)
    rise = rng.uniform(1.0, 1.2)
    draw = log_uniform(0.03 * radius, 0.16 * radius, rng)
    middles, sizes = packed(0.95, 0.94 * radius, height / rise, draw, rng, tries=100, grow=1.6)
    cells = ellipsoids(middles, 0.97 * sizes[:, None], CELL)
    return body + cells.turned(np.diag([1, 1, rise]))
