"""Cast aluminium alloy with copper and silicon: precipitates between dendrites, and pores.

Al-Si-Cu castings have 3 to 8 % eutectic silicon, 2 to 4 % Al2Cu, plates of β-Al5FeSi up to some
100 µm, and gas and shrinkage pores (Kaufman & Rooy, Aluminum Alloy Castings, ASM 2004).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import anywhere, drawn, drawn_sizes, log_uniform, packed
from simulators.shapes import Shapes, any_turn, boxes, cylinders, ellipsoids
from simulators.specimens.specimen import family

ALUMINIUM, SILICON, COPPER_PHASE, IRON_PHASE, PORE = 1, 2, 3, 4, 5
POOL = 2048


@family(
    "alloy",
    en="cast alloy with precipitates and pores",
    zh="含析出相和气孔的铸造合金",
    phases=(
        ("aluminium", "aluminium"),
        ("silicon", "silicon"),
        ("Al2Cu precipitate", "al2cu"),
        ("iron-rich plate", "al5fesi"),
        ("pore", "air"),
    ),
    energy_kev=30.0,
    pixel_size_m=8e-7,
)
def alloy(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Precipitates of 0.01 to 0.07 of the radius, plates up to 0.2, pores of 0.02 to 0.1."""
    inner = 0.97 * radius
    silicon = _plates(radius, height, 0.05, (0.02, 0.06), 0.12, SILICON, rng)
    iron = _plates(radius, height, 0.008, (0.07, 0.18), 0.05, IRON_PHASE, rng)
    draw = log_uniform(0.012 * radius, 0.07 * radius, rng)
    middles, sizes = packed(0.08, inner, height, draw, rng)
    half = sizes[:, None] * rng.uniform([0.9, 0.5, 0.3], [1.0, 0.9, 0.7], (len(sizes), 3))
    copper = ellipsoids(middles, half, COPPER_PHASE, any_turn(rng, len(sizes)))
    body = cylinders([[0, 0, 0]], [radius, radius, height / 2 + radius], ALUMINIUM)
    return body + silicon + iron + copper + _pores(radius, height, rng)


def _plates(radius: float, height: float, part: float, wide: tuple[float, float], thin: float,
            material: int, rng: np.random.Generator) -> Shapes:  # fmt: skip
    """Thin plates in any orientation; their needles in a section are what metallographs show."""
    size = radius * np.exp(rng.uniform(np.log(wide[0]), np.log(wide[1]), POOL))
    half = size[:, None] * np.stack(
        [np.ones(POOL), rng.uniform(0.3, 1.0, POOL), rng.uniform(0.5, 1.5, POOL) * thin], axis=1
    )
    corner = np.linalg.norm(half, axis=1)
    chosen = drawn(part, radius, height, 8 * half.prod(axis=1), corner, rng)
    places = anywhere(corner[chosen], corner[chosen], 0.98 * radius, height, rng)
    return boxes(places, half[chosen], material, any_turn(rng, len(chosen)))


def _pores(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Round gas pores, and shrinkage pores: knots of flat holes that run into each other."""
    draw = log_uniform(0.02 * radius, 0.07 * radius, rng)
    gas = drawn_sizes(rng.uniform(0.003, 0.01), radius, height, draw, rng)
    round_ = ellipsoids(anywhere(gas, gas, 0.95 * radius, height, rng), gas[:, None], PORE)
    draw = log_uniform(0.06 * radius, 0.14 * radius, rng)
    knots = drawn_sizes(rng.uniform(0.01, 0.03), radius, height, draw, rng)
    middles = anywhere(knots, knots, 0.95 * radius, height, rng)
    owner = np.repeat(np.arange(len(knots)), 9)
    size = knots[owner, None]
    away = any_turn(rng, len(owner))[:, 0] * size * rng.uniform(0, 0.55, (len(owner), 1))
    half = size * rng.uniform([0.3, 0.12, 0.06], [0.44, 0.3, 0.16], (len(owner), 3))
    knotted = ellipsoids(middles[owner] + away, half, PORE, any_turn(rng, len(owner)))
    return round_ + knotted
