"""Battery cathode: round secondary particles of NMC, cracked by cycling, in binder and pores.

NMC electrodes have particles of 5 to 12 µm (a wide tail), 50 to 60 % active volume and 25 to 35 %
pores; cracks open along grain boundaries with cycling (Jiang et al. 2020, Nat. Commun. 11, 2310).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import packed
from simulators.shapes import Shapes, any_turn, boxes, cylinders, ellipsoids
from simulators.specimens.specimen import family

PORE, BINDER, ACTIVE, CRACK = 1, 2, 3, 4


@family(
    "battery_electrode",
    en="battery electrode with cracked particles",
    zh="含裂纹颗粒的电池电极",
    phases=(
        ("pore", "air"),
        ("binder", "carbon binder"),
        ("active particle", "nmc 622"),
        ("crack", "air"),
    ),
    energy_kev=25.0,
    pixel_size_m=1e-7,
)
def battery_electrode(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Particles of 0.05 to 0.2 of the radius; of those, a part that grows with age is cracked."""
    core = 0.97 * radius
    typical = radius * rng.uniform(0.075, 0.11)

    def draw(number: int) -> np.ndarray:
        return typical * np.clip(np.exp(rng.normal(-0.1, 0.4, number)), 0.45, 2.2)

    middles, sizes = packed(0.8, core, height, draw, rng, inside=1.05, tries=100, grow=1.3)
    n = len(sizes)
    half = sizes[:, None] * rng.uniform(0.9, 1.04, (n, 3))
    particles = ellipsoids(middles, half, ACTIVE, any_turn(rng, n))
    outline = cylinders([[0, 0, 0]], [core, core, height / 2 + radius], PORE)
    return outline + _binder(middles, sizes, core, rng) + particles + _cracks(middles, sizes, rng)


def _binder(middles: np.ndarray, sizes: np.ndarray, core: float, rng: np.random.Generator
            ) -> Shapes:  # fmt: skip
    """Lumps at the particles' surfaces, bridging to their neighbours; inside the outline."""
    owner = np.repeat(np.arange(len(sizes)), 4)
    away = any_turn(rng, len(owner))[:, 0] * sizes[owner, None]
    places = middles[owner] + away
    half = sizes[owner, None] * rng.uniform(0.2, 0.5, (len(owner), 3))
    fits = np.hypot(places[:, 0], places[:, 1]) + half.max(axis=1) < core
    return ellipsoids(places[fits], half[fits], BINDER, any_turn(rng, int(fits.sum())))


def _cracks(middles: np.ndarray, sizes: np.ndarray, rng: np.random.Generator) -> Shapes:
    """Flat gaps from near a particle's middle, never beyond its surface."""
    age = rng.uniform(0.4, 0.95)
    number = np.where(rng.random(len(sizes)) < age, rng.integers(2, 8, len(sizes)), 0)
    owner = np.repeat(np.arange(len(sizes)), number)
    m = len(owner)
    size = sizes[owner, None]
    turn = any_turn(rng, m)
    half = size * np.stack([rng.uniform(0.3, 0.55, m), rng.uniform(0.2, 0.45, m),
                            rng.uniform(0.015, 0.06, m)], axis=1)  # fmt: skip
    # the farthest corner stays within 0.9 of the smallest half-axis
    spare = np.maximum(0.8 * size - np.linalg.norm(half, axis=1, keepdims=True), 0)
    places = middles[owner] + turn[:, 0] * spare * rng.uniform(0, 1, (m, 1))
    return boxes(places, half, CRACK, turn)
