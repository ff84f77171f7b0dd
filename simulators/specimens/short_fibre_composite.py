"""Injection-moulded polyamide with short glass fibres, mostly in the plane of the flow.

Common grades hold 30 % by weight (16 % by volume) of fibres 10 to 12 µm thick and 150 to 400 µm
long (see Fu & Lauke 1996, Compos. Sci. Technol. 56, 1179, on what length and direction do).
"""

from __future__ import annotations

import numpy as np

from simulators.packing import anywhere, drawn, drawn_sizes, log_uniform, pack_chains
from simulators.shapes import Shapes, cylinders, ellipsoids, rods
from simulators.specimens.specimen import family

MATRIX, VOID, FIBRE = 1, 2, 3
POOL = 2048


@family(
    "short_fibre_composite",
    en="short-fibre composite",
    zh="短纤维复合材料",
    phases=(("matrix", "polyamide"), ("void", "air"), ("fibre", "e-glass")),
    energy_kev=22.0,
    pixel_size_m=8e-7,
)
def short_fibre_composite(radius: float, height: float, rng: np.random.Generator) -> Shapes:
    """Fibres 0.012 of the radius thick (at least 1.1 px of radius), 10 to 16 times as long, that
    do not touch; the flow is along x, the plane x–z."""
    thick = max(0.012 * radius, 1.1)
    length = np.minimum(2 * thick * rng.uniform(9, 16, POOL), 0.7 * radius)
    flow = np.stack(
        [np.ones(POOL), rng.normal(0, 0.18, POOL), rng.normal(0, rng.uniform(0.3, 0.9), POOL)],
        axis=1,
    )
    flow /= np.linalg.norm(flow, axis=1, keepdims=True)
    reach = np.abs(flow[:, 2]) * length / 2 + thick
    share = rng.uniform(0.1, 0.15)
    chosen = drawn(share, radius, height, np.pi * thick**2 * length, reach, rng)
    half = flow[chosen] * length[chosen, None] / 2
    # beads 1.3 radii apart: two fibres keep at least 0.92 of their thickness
    beads = int(np.ceil(length.max() / (1.3 * thick))) + 1
    offsets = half[:, None, :] * np.linspace(-1, 1, beads)[None, :, None]
    middles, kept = pack_chains(offsets, np.full(len(chosen), thick), height / 2 + reach[chosen],
                                0.97 * radius, rng)  # fmt: skip
    middles, half = middles[kept], half[kept]
    voids = drawn_sizes(0.004, radius, height, log_uniform(thick, 5 * thick, rng), rng)
    return (
        cylinders([[0, 0, 0]], [radius, radius, height / 2 + radius], MATRIX)
        + ellipsoids(anywhere(voids, voids, 0.97 * radius, height, rng), voids[:, None], VOID)
        + rods(middles - half, middles + half, thick, FIBRE)
    )
