"""A cereal grain: bran, a layer of aleurone, starch granules in protein, the germ, the crease.

Wheat grains are 5 to 7 mm long and 2.5 to 3.5 mm wide; the bran is 50 to 100 µm thick, the germ 2
to 3 % of the grain, and cracks run through the endosperm after drying (Evers & Millar 2002,
J. Cereal Sci. 36, 261). Starch granules are drawn several times too large, so that they are seen.
"""

from __future__ import annotations

import numpy as np

from simulators.packing import log_uniform, packed
from simulators.shapes import Shapes, any_turn, boxes, ellipsoids, in_plane, join
from simulators.specimens.specimen import family

BRAN, ALEURONE, PROTEIN, STARCH, GERM, OIL, GAP = range(1, 8)
WIDTH, DEPTH = 0.95, 0.8  # half axes across, as part of the radius


@family(
    "seed",
    en="cereal grain",
    zh="谷物籽粒",
    phases=(
        ("bran", "cell wall"),
        ("aleurone", "aleurone"),
        ("protein", "protein"),
        ("starch granule", "starch"),
        ("germ", "germ"),
        ("oil body", "plant oil"),
        ("gap", "air"),
    ),
    energy_kev=16.0,
    pixel_size_m=1.8e-6,
)
def seed(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """The grain stands along the axis; it is three radii long, and longer where the heights asked
    for need it."""
    half = np.array([WIDTH, DEPTH, max(1.5, 0.7 * height / radius)]) * radius
    bran, aleurone = rng.uniform(0.03, 0.05), rng.uniform(0.03, 0.045)
    layers = np.array([1.0, 1 - bran, 1 - bran - aleurone])
    coat = ellipsoids(np.zeros((3, 3)), layers[:, None] * half, [BRAN, ALEURONE, PROTEIN])
    inner = layers[2] * half
    draw = log_uniform(0.018 * radius, 0.05 * radius, rng)
    middles, sizes = packed(0.6, WIDTH * radius, height, draw, rng)
    fits = np.linalg.norm(middles / (inner - sizes[:, None]), axis=1) < 1
    flat = rng.uniform(0.7, 1.0, (int(fits.sum()), 3)) * sizes[fits, None]
    starch = ellipsoids(middles[fits], flat, STARCH, any_turn(rng, len(flat)))
    parts = [coat, starch, _cracks(radius, height, rng), _germ(radius, inner, rng),
             _crease(radius, half, bran, rng)]  # fmt: skip
    return join(parts).turned(in_plane(rng.uniform(0, 2 * np.pi, 1))[0])


def _crease(radius: float, half: np.ndarray, bran: float, rng: np.random.Generator) -> Shapes:
    """The furrow along the belly: bran folded inwards around a narrow gap that widens inside."""
    tall = 0.9 * half[2]
    deep, y0 = rng.uniform(0.3, 0.42) * radius, DEPTH * radius
    thick = bran * radius
    gap = rng.uniform(0.012, 0.03) * radius
    fold = boxes([[0, y0 - deep / 2, 0]], [gap + thick, deep / 2, tall], BRAN)
    loop = ellipsoids([[0, y0 - deep, 0]], [0.12 * radius, 0.08 * radius, tall], BRAN)
    hollow = ellipsoids([[0, y0 - deep, 0]], [0.07 * radius, 0.045 * radius, tall], GAP)
    furrow = boxes([[0, y0 - deep / 2, 0]], [gap, deep / 2, tall], GAP)
    return fold + loop + furrow + hollow


def _cracks(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Flat gaps through the endosperm, across the grain."""
    long = 0.25 * radius
    n = rng.poisson(1.5 + 2.5 * height / radius)
    places = np.stack([rng.uniform(-0.35, 0.35, n) * radius, rng.uniform(-0.35, 0.2, n) * radius,
                       rng.uniform(-1, 1, n) * (height / 2 + long)], axis=1)  # fmt: skip
    half = np.stack([rng.uniform(0.1, 0.25, n) * radius, rng.uniform(0.1, 0.25, n) * radius,
                     rng.uniform(0.006, 0.014, n) * radius], axis=1)  # fmt: skip
    return ellipsoids(places, half, GAP, any_turn(rng, n))


def _germ(radius: float, inner: np.ndarray, rng: np.random.Generator) -> Shapes:
    """The embryo on the back near one end, with oil bodies in it."""
    middle = np.array([0.0, -0.5 * inner[1], 0.42 * inner[2]])
    size = np.array([0.38 * inner[0], 0.3 * inner[1], 0.45 * inner[2]])
    n = 150
    away = any_turn(rng, n)[:, 0] * np.cbrt(rng.random((n, 1))) * 0.85
    oil = ellipsoids(middle + away * size, radius * rng.uniform(0.01, 0.025, (n, 1)), OIL)
    return ellipsoids([middle], size, GERM) + oil
