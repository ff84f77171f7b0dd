"""A specimen of spheres with soft borders that can be asked for its grey value at any place, so
that it can be moved and bent without interpolation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolbox import Block, DataKind, Geometry, GreyState

Array = NDArray[np.float64]


@dataclass(frozen=True)
class Specimen:
    """``specimen(places)`` with places ``component, z, y, x`` in px gives grey values of ``z, y,
    x``; about a fourth of the volume is full."""

    shape: tuple[int, int, int]
    seed: int = 0
    count: int = 140
    softness: float = 0.7  # px

    def __call__(self, places: Array) -> Array:
        rng = np.random.default_rng(self.seed)
        middles = rng.uniform(0, 1, (self.count, 3)) * np.array(self.shape)
        radii = rng.uniform(0.04, 0.11, self.count) * max(self.shape)
        greys = rng.choice([0.4, 1.0, 1.6, -0.5], self.count)
        found = np.zeros(places.shape[1:])
        for middle, radius, grey in zip(middles, radii, greys, strict=True):
            r = np.sqrt(((places - middle[:, None, None, None]) ** 2).sum(axis=0))
            found += grey / (1 + np.exp(np.clip((r - radius) / self.softness, -40, 40)))
        return found


def block(values: NDArray) -> Block:
    """Slices ``z, y, x`` as tools take them."""
    z, y, x = values.shape
    return Block(values.astype(np.float32), DataKind.VOLUME, GreyState.ATTENUATION,
                 Geometry(np.zeros(y), z, x), np.arange(z))  # fmt: skip
