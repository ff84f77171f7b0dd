"""Bodies that do not overlap, by random sequential addition from the largest to the smallest.

Widom 1966 (J. Chem. Phys. 44, 3888); neighbours are found in a grid of cells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

POOL = 4096  # sizes drawn to know the mean volume and height of a body


def drawn(
    fraction: float,
    radius: float,
    height: float,
    volumes: Array,
    reaches: Array,
    rng: np.random.Generator,
) -> NDArray[np.intp]:
    """Which of a pool of bodies touch a slab: so many that they take ``fraction`` of a cylinder of
    ``radius``, whatever its ``height`` (px).

    ``volumes`` (n,) and ``reaches`` (n,) up and down (px) are of bodies as they are in a large
    volume. The tall are met by a slab more often: one touches it with its middle in
    ``height + 2 reach``.
    """
    chance = height + 2 * reaches
    count = fraction * np.pi * radius**2 * chance.sum() / volumes.sum()
    return rng.choice(len(chance), int(count + rng.random()), p=chance / chance.sum())


def drawn_sizes(
    fraction: float,
    radius: float,
    height: float,
    draw: Callable[[int], Array],
    rng: np.random.Generator,
) -> Array:
    """Radii of spheres as of :func:`drawn`, largest first; ``draw(n)`` gives radii as they are in
    a large volume."""
    pool = draw(POOL)
    chosen = drawn(fraction, radius, height, 4 / 3 * np.pi * pool**3, pool, rng)
    return np.sort(pool[chosen])[::-1].copy()


def anywhere(sizes: Array, reaches: Array, radius: float, height: float, rng: np.random.Generator
             ) -> Array:  # fmt: skip
    """Middles (n, 3) anywhere, overlaps allowed: within ``radius − size`` of the axis and
    ``height/2 + reach`` of the middle height."""
    n = len(sizes)
    away = np.maximum(radius - sizes, 0) * np.sqrt(rng.random(n))
    turn = rng.uniform(0, 2 * np.pi, n)
    z = (height / 2 + reaches) * rng.uniform(-1, 1, n)
    return np.stack([away * np.cos(turn), away * np.sin(turn), z], axis=1)


def log_uniform(low: float, high: float, rng: np.random.Generator) -> Callable[[int], Array]:
    """Sizes of which every factor of two between the limits holds as many."""
    return lambda n: np.exp(rng.uniform(np.log(low), np.log(high), n))


def pack(
    sizes: Array,
    radius: float,
    height: float,
    rng: np.random.Generator,
    *,
    inside: float = 1.0,
    tries: int = 40,
) -> tuple[Array, Array]:
    """Middles (n, 3) and radii (n,) of spheres that do not overlap and touch a slab.

    Middles are within ``radius − inside · size`` of the axis and ``height/2 + size`` of the middle;
    spheres that find no place in ``tries`` attempts are left out.
    """
    if not len(sizes):
        return np.zeros((0, 3)), np.zeros(0)
    beads = np.zeros((len(sizes), 1, 3))
    middles, kept = pack_chains(beads, sizes, height / 2 + sizes, radius, rng, inside=inside,
                                tries=tries)  # fmt: skip
    return middles[kept], sizes[kept]


def pack_chains(
    beads: Array,
    sizes: Array,
    heights: Array,
    radius: float,
    rng: np.random.Generator,
    *,
    inside: float = 1.0,
    tries: int = 40,
) -> tuple[Array, NDArray[np.bool_]]:
    """Middles (item, 3) of items that are chains of beads, and which of them found a place.

    ``beads`` (item, bead, 3) are the beads' offsets from the middle, ``sizes`` (item,) their radii,
    ``heights`` (item,) how far middles may be from the middle height; px.
    """
    from simulators.placing import place

    items, count = beads.shape[:2]
    if not items:
        return np.zeros((0, 3)), np.zeros(0, dtype=bool)
    first = np.arange(items + 1) * count
    # cells of a typical bead: smaller ones make the large costly, larger ones crowd the small
    cell = max(2 * float(np.median(sizes)), radius / 128)
    return place(first, beads.reshape(-1, 3), np.repeat(sizes, count), heights.astype(float),
                 float(radius), inside, cell, tries, rng)  # fmt: skip
