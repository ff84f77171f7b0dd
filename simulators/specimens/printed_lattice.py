"""A printed metal lattice: square struts on a grid, with pores inside and powder stuck on.

Struts of Ti-6Al-4V lattices by laser melting are 0.2 to 1 mm thick with cells of 1 to 3 mm;
unmolten grains of 20 to 60 µm stay on them, gas pores and missing struts are their faults
(Maconachie et al. 2019, Mater. Des. 183, 108137).
"""

from __future__ import annotations

import numpy as np

from simulators.shapes import Shapes, boxes, ellipsoids, join
from simulators.specimens.specimen import family

METAL, PORE, POWDER = 1, 2, 3


@family(
    "printed_lattice",
    en="printed metal lattice",
    zh="增材制造点阵结构",
    phases=(("strut", "Ti-6Al-4V"), ("pore", "air"), ("powder grain", "Ti-6Al-4V")),
    energy_kev=70.0,
    pixel_size_m=5e-6,
)
def printed_lattice(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Struts along three directions at right angles, the grid turned at random about the axis and
    leaning a little."""
    cell = max(radius * rng.uniform(0.16, 0.45), min(8.0, 0.6 * radius))
    thick = max(cell * rng.uniform(0.12, 0.3), min(0.75, 0.2 * radius))  # half a strut
    reach = 0.97 * radius
    line = np.arange(-reach, reach, cell) + rng.uniform(0, 0.3) * cell
    levels = np.arange(-height / 2 - 2 * cell, height / 2 + 2 * cell, cell)
    levels = levels + rng.uniform(0, 1) * cell
    within = reach - 2 * thick  # a strut's corners and the grains on it stay inside
    upright = [(x, y) for x in line for y in line if np.hypot(x, y) < within]
    parts = [_struts(np.array([(x, y, z + cell / 2) for x, y in upright for z in levels]),
                     (thick, thick, cell / 2), rng)]  # fmt: skip
    for axis in (0, 1):
        places = np.array([(x, y, z) for x in line for y in line for z in levels])
        places[:, axis] += cell / 2
        half = [thick, thick, thick]
        half[axis] = cell / 2
        inside = np.hypot(places[:, 0], places[:, 1]) + 0.56 * cell < within
        parts.append(_struts(places[inside], tuple(half), rng))
    metal = join([part for part in parts if len(part)] or parts[:1])
    turn = rng.uniform(0, 2 * np.pi)
    room = 0.05 * radius / (height + cell)  # no more than keeps the ends inside
    lean = np.clip(rng.normal(0, 0.05), -room, room)
    c, s, up, over = np.cos(turn), np.sin(turn), np.cos(lean), np.sin(lean)
    whole = join([metal, *_grains(upright, thick, cell, height, rng)])
    return whole.turned(np.array([[c, -s, 0], [s, c, 0], [0, 0, 1]])
                        @ [[up, 0, over], [0, 1, 0], [-over, 0, up]])  # fmt: skip


def _struts(places: np.ndarray, half: tuple[float, ...], rng: np.random.Generator) -> Shapes:
    """Boxes, one in twenty missing, each a little thicker or thinner than the next."""
    places = places.reshape(-1, 3)
    places = places[rng.random(len(places)) > 0.05]
    sizes = np.asarray(half) * rng.uniform(0.88, 1.12, (len(places), 1))
    return boxes(places, sizes, METAL)


def _grains(upright: list[tuple[float, float]], thick: float, cell: float, height: float,
            rng: np.random.Generator) -> list[Shapes]:  # fmt: skip
    """Pores in the upright struts, one a cell, and powder on their faces, two a cell."""
    if not upright:
        return []
    struts = np.array(upright)
    found = []
    for material, share, away in ((PORE, 1.0, 0.3), (POWDER, 2.0, 1.1)):
        count = rng.poisson(share * len(struts) * (height + 2 * thick) / cell)
        size = thick * rng.uniform(0.12, 0.35, count)
        offset = rng.uniform(-1, 1, (count, 2)) * away * thick
        places = np.concatenate([struts[rng.integers(len(struts), size=count)] + offset,
                                 rng.uniform(-0.5, 0.5, (count, 1)) * (height + 2 * thick)],
                                axis=1)  # fmt: skip
        found.append(ellipsoids(places, np.repeat(size[:, None], 3, axis=1), material))
    return found
