"""Concrete: aggregates of many sizes in cement paste, with entrained and entrapped air.

Aggregates take 60 to 70 % and follow the grading of Fuller & Thompson 1907 (Trans. ASCE 59, 67);
air takes 2 to 6 % in bubbles of 0.05 to 1 mm and a few larger ones. Here aggregates take a third:
random addition packs irregular grains no closer.
"""

from __future__ import annotations

import numpy as np

from simulators.packing import packed
from simulators.shapes import Shapes, any_turn, boxes, cylinders, ellipsoids, join
from simulators.specimens.specimen import family

PASTE, QUARTZ, CARBONATE, AIR, IRON = 1, 2, 3, 4, 5


@family(
    "concrete",
    en="concrete",
    zh="混凝土",
    phases=(
        ("cement paste", "cement paste"),
        ("siliceous aggregate", "quartz"),
        ("carbonate aggregate", "calcite"),
        ("air void", "air"),
        ("iron-rich grain", "pyrite"),
    ),
    energy_kev=70.0,
    pixel_size_m=1.2e-5,
)
def concrete(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Aggregates of 0.02 to 0.35 of the radius, angular ones as blocks with worn corners."""
    smallest, largest = 0.025 * radius, rng.uniform(0.22, 0.35) * radius

    def fuller(n: int) -> np.ndarray:
        """Radii by volume: a part sqrt(s / largest) of it is smaller than s."""
        return largest * rng.uniform(np.sqrt(smallest / largest), 1, n) ** 2

    middles, sizes = packed(1.0, 0.98 * radius, height, fuller, rng, by_volume=True, tries=40,
                            grow=1.4)  # fmt: skip
    n = len(sizes)
    material = rng.choice([QUARTZ, CARBONATE, IRON], n, p=[0.6, 0.37, 0.03])
    material[(material == IRON) & (sizes > 0.06 * radius)] = CARBONATE
    bubble = (sizes < 0.08 * radius) & (rng.random(n) < rng.uniform(0.15, 0.3))
    air = ellipsoids(middles[bubble], 0.9 * sizes[bubble, None], AIR)
    middles, sizes, material = middles[~bubble], sizes[~bubble], material[~bubble]
    n = len(sizes)
    angular = rng.random(n) < rng.uniform(0.2, 0.8)
    half = sizes[:, None] * rng.uniform([0.95, 0.75, 0.6], [1.0, 1.0, 0.95], (n, 3))
    rounded = ellipsoids(middles[~angular], half[~angular], material[~angular],
                         any_turn(rng, int((~angular).sum())))  # fmt: skip
    body = cylinders([[0, 0, 0]], [radius, radius, height / 2 + radius], PASTE)
    broken = _blocks(middles[angular], half[angular], material[angular], rng)
    return body + air + rounded + broken


def _blocks(middles: np.ndarray, half: np.ndarray, material: np.ndarray,
            rng: np.random.Generator) -> Shapes:  # fmt: skip
    """Crushed stone: three boxes of one grain, turned a little against each other."""
    parts = []
    turn = any_turn(rng, len(middles))
    for _ in range(3):
        extra = 0.35 * rng.standard_normal((len(middles), 3, 3))
        mixed, _rest = np.linalg.qr(np.eye(3) + extra)
        # corners within the ball that keeps the grain apart from others
        size = half * rng.uniform(0.6, 1.0, half.shape)
        size *= (half.max(axis=1) / np.linalg.norm(size, axis=1))[:, None]
        parts.append(boxes(middles, size, material, mixed @ turn))
    return join(parts)
