"""Closed-cell polyurethane foam: round gas cells of many sizes, apart by thin walls.

Rigid foams have cells of 100 to 500 µm and, moulded at integral density, 40 to 70 % gas (Gibson &
Ashby, Cellular Solids, 2nd ed. 1997, ch. 2).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import drawn_sizes, log_uniform, pack
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
    sizes = drawn_sizes(0.7, radius, height / rise, log_uniform(0.03 * radius, 0.16 * radius, rng),
                        rng)  # fmt: skip
    middles, sizes = pack(sizes, 0.93 * radius, height / rise, rng)
    cells = ellipsoids(middles, 0.96 * sizes[:, None], CELL)
    return body + cells.turned(np.diag([1, 1, rise]))
