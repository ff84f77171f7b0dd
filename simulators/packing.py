"""Bodies that do not overlap, by random sequential addition from the largest to the smallest.

Widom 1966 (J. Chem. Phys. 44, 3888); neighbours are found in a grid of cells.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]

SMALLEST_PX = 0.5  # finer spheres are not seen, and there would be very many
POOL = 4096  # sizes drawn to know the mean volume and height of a body


def drawn(
    fraction: float,
    radius: float,
    height: float,
    volumes: Array,
    reaches: Array,
    rng: np.random.Generator,
    share: Array | float = 1.0,
) -> NDArray[np.intp]:
    """Which of a pool of bodies touch a slab: so many that they take ``fraction`` of a cylinder of
    ``radius``, whatever its ``height`` (px).

    ``volumes`` (n,) and ``reaches`` (n,) up and down (px) are of bodies as they are in a large
    volume, each ``share`` (n,) times. The tall are met by a slab more often: one touches it with
    its middle in ``height + 2 reach``.
    """
    chance = (height + 2 * reaches) * share
    count = fraction * np.pi * radius**2 * chance.sum() / (share * volumes).sum()
    return rng.choice(len(chance), int(count + rng.random()), p=chance / chance.sum())


def drawn_sizes(
    fraction: float,
    radius: float,
    height: float,
    draw: Callable[[int], Array],
    rng: np.random.Generator,
    by_volume: bool = False,
) -> Array:
    """Radii of spheres as of :func:`drawn`, largest first. ``draw(n)`` gives radii as they are in a
    large volume, or with ``by_volume`` radii that take equal parts of it each."""
    pool = np.maximum(draw(POOL), SMALLEST_PX)
    volumes = 4 / 3 * np.pi * pool**3
    share = 1 / volumes if by_volume else 1.0
    chosen = drawn(fraction, radius, height, volumes, pool, rng, share)
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


def packed(
    fraction: float,
    radius: float,
    height: float,
    draw: Callable[[int], Array],
    rng: np.random.Generator,
    *,
    by_volume: bool = False,
    inside: float = 1.0,
    tries: int = 60,
    grow: float = 1.0,
) -> tuple[Array, Array]:
    """Middles (n, 3) and radii (n,) of spheres that do not overlap and touch a slab.

    They are drawn as by :func:`drawn_sizes` and seated with their middles within ``radius − inside
    · size`` of the axis; those that find no place in ``tries`` attempts are left out, so some
    two thirds of a large ``fraction`` are reached. Then each, from the smallest, becomes up to
    ``grow`` times as large, until it touches another or the outline: closer than random addition
    alone can pack.
    """
    # At the faces of a slab spheres seat themselves in layers, as at a wall: pack more, and cut.
    pad = float(draw(256).max())
    sizes = drawn_sizes(fraction, radius, height + 2 * pad, draw, rng, by_volume)
    tall = (height / 2 + pad) + sizes
    middles, kept = pack_chains(np.zeros((len(sizes), 1, 3)), sizes, tall, radius, rng,
                                inside=inside, tries=tries)  # fmt: skip
    middles, sizes = middles[kept], sizes[kept]
    if grow > 1 and len(sizes):
        from simulators.placing import enlarge

        limit = np.minimum(sizes * grow, (radius - np.hypot(*middles.T[:2])) / inside)
        sizes = enlarge(middles, sizes, np.maximum(limit, sizes), np.argsort(sizes))
    touching = np.abs(middles[:, 2]) < height / 2 + sizes
    return middles[touching], sizes[touching]


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
