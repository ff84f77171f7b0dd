"""A few grains of metal in the specimen: streaks, and starved or clipped rays."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np

from simulators.materials import MATERIALS, Material
from simulators.random_streams import Stream, generator
from simulators.shapes import Shapes, ellipsoids

if TYPE_CHECKING:
    from simulators.world import World

METALS = ("aluminium", "steel", "copper", "tungsten", "gold")
CONTRAST = 30.0  # over the strongest material of the specimen, as far as a metal has it
COUNT = 4
SIZES = (0.08, 0.14)  # semi-axes as part of the radius, at severity 1


def metal_for(materials: tuple[Material, ...], energy_kev: float) -> Material:
    """The metal whose attenuation comes nearest to thirty times that of the specimen's strongest
    material: aluminium in a polymer, gold in a mineral."""
    strongest = max(m.attenuation_per_m(energy_kev) for m in materials)
    ratios = [MATERIALS[name].attenuation_per_m(energy_kev) / strongest for name in METALS]
    return MATERIALS[METALS[int(np.argmin(np.abs(np.log(np.array(ratios) / CONTRAST))))]]


def grains(world: World, material: int) -> Shapes:
    """Up to four ellipsoids of ``material`` that do not overlap, at the middle of the height;
    the severity is their size: what a ray loses in one grows with the way through it."""
    rng = generator(world.seed if world.specimen_seed is None else world.specimen_seed,
                    Stream.METAL)  # fmt: skip
    placed: list[tuple[float, float, float]] = []
    half = []
    for _ in range(20 * COUNT):
        size = world.metal * world.radius * np.exp(rng.uniform(*np.log(SIZES)))
        distance = (0.72 * world.radius - size) * np.sqrt(rng.uniform())
        angle = rng.uniform(0, 2 * np.pi)
        x, y = distance * np.cos(angle), distance * np.sin(angle)
        if len(placed) < COUNT and all(np.hypot(x - a, y - b) > size + s for a, b, s in placed):
            placed.append((x, y, size))
            half.append(size * rng.uniform(0.7, 1, 3))
    centers = np.array([(x, y, 0.0) for x, y, _ in placed])
    return ellipsoids(centers, np.array(half), np.full(len(placed), material))
