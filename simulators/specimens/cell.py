"""Frozen cells in a glass capillary, with gold nanoparticles taken up into vesicles.

Organelles by size: nucleus a third to a half of the cell, mitochondria 0.5 to 1 µm, lipid droplets
below 1 µm (Alberts et al., Molecular Biology of the Cell, 6th ed. 2014); clusters of gold in
vesicles as X-ray nano-tomography shows them (Kepsutlu et al. 2020, ACS Nano 14, 2248).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import log_uniform, packed
from simulators.shapes import Shapes, any_turn, cylinders, ellipsoids, join
from simulators.specimens.specimen import family

GLASS, ICE, CYTOPLASM, NUCLEUS, NUCLEOLUS, ORGANELLE, LIPID, VACUOLE, GOLD = range(1, 10)


@family(
    "cell",
    en="cells with nanoparticles",
    zh="含纳米颗粒的细胞",
    phases=(
        ("capillary", "borosilicate glass"),
        ("ice", "ice"),
        ("cytoplasm", "cytoplasm"),
        ("nucleus", "chromatin"),
        ("nucleolus", "protein"),
        ("organelle", "protein"),
        ("lipid droplet", "plant oil"),
        ("vacuole", "water"),
        ("gold nanoparticle", "gold"),
    ),
    energy_kev=8.0,
    pixel_size_m=2e-8,
)
def cell(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Cells of 0.3 to 0.6 of the radius; gold of 0.006 of it, at least 0.7 px."""
    ice = 0.95 * radius
    tall = height / 2 + radius
    tube = cylinders([[0, 0, 0]] * 2, [[radius, radius, tall], [ice, ice, tall]], [GLASS, ICE])
    middles = np.zeros((0, 3))
    while not (np.abs(middles[:, 2]) < 0.2 * radius).any():  # a scan aims at a cell
        draw = log_uniform(0.45 * radius, 0.85 * radius, rng)
        middles, sizes = packed(1.2, ice, height, draw, rng, grow=1.4)
    gold = max(0.006 * radius, 0.7)
    cells = [_one(size, gold, rng).moved(middle)
             for middle, size in zip(middles, sizes, strict=True)]  # fmt: skip
    return tube + join(cells)


def _one(size: float, gold: float, rng: np.random.Generator) -> Shapes:
    """A cell about the origin, as a ball; squeezed and turned in the end."""
    nucleus = size * rng.uniform(0.35, 0.48)
    seat = any_turn(rng, 1)[0, 0] * size * rng.uniform(0.1, 0.35)
    chains = int(rng.integers(150, 300))
    mitochondria = ellipsoids(
        _spread(chains, 0.8 * size, rng),
        size * np.stack([rng.uniform(0.02, 0.04, chains), rng.uniform(0.02, 0.04, chains),
                         rng.uniform(0.05, 0.12, chains)], axis=1),
        ORGANELLE,
        any_turn(rng, chains),
    )  # fmt: skip
    drops, holes = int(rng.integers(40, 120)), int(rng.integers(2, 12))
    lipids = ellipsoids(_spread(drops, 0.85 * size, rng),
                        size * np.exp(rng.uniform(-4.0, -2.8, (drops, 1))), LIPID)  # fmt: skip
    vacuoles = ellipsoids(_spread(holes, 0.7 * size, rng),
                          size * rng.uniform(0.06, 0.16, (holes, 1)), VACUOLE)  # fmt: skip
    nuclei = ellipsoids(
        np.stack([seat, seat + any_turn(rng, 1)[0, 0] * 0.3 * nucleus]),
        np.outer([nucleus, 0.28 * nucleus], rng.uniform(0.85, 1.0, 3)),
        [NUCLEUS, NUCLEOLUS],
    )
    clusters = int(rng.integers(12, 30))
    vesicles = _spread(clusters, 0.75 * size, rng)
    vesicles = vesicles[np.linalg.norm(vesicles - seat, axis=1) > nucleus + 0.1 * size]
    owner = np.repeat(np.arange(len(vesicles)), rng.integers(8, 50, len(vesicles)))
    spread = rng.normal(0, 1, (len(owner), 3)) * 0.035 * size
    places = vesicles[owner] + np.clip(spread, -0.09 * size, 0.09 * size)
    particles = ellipsoids(places, gold * rng.uniform(0.8, 1.4, (len(owner), 1)), GOLD)
    body = ellipsoids([[0.0, 0.0, 0.0]], size, CYTOPLASM)
    squeeze = np.diag(rng.uniform(0.75, 1.0, 3))
    inner = [body, vacuoles, mitochondria, lipids, nuclei]
    turn = any_turn(rng, 1)[0]
    # gold stays round: only its places follow the squeezed cell
    seats = particles.center @ (turn @ squeeze).T
    return join(inner).turned(turn @ squeeze) + Shapes(
        particles.kind, seats, particles.axes, particles.material
    )


def _spread(n: int, radius: float, rng: np.random.Generator) -> np.ndarray:
    """Places (n, 3) evenly inside a ball."""
    return any_turn(rng, n)[:, 0] * radius * np.cbrt(rng.random((n, 1)))
