"""A smooth displacement field: what load, heat or drying does to a specimen."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

Array = NDArray[np.float64]

BUMPS = 4
WIDTH = (0.35, 0.6)  # of the bumps, as part of the radius
POISSON = 0.3  # bulge across for a compression along the axis


@dataclass(frozen=True, eq=False)
class Deformation:
    """``deformation(points)`` is how far each point of the specimen at rest moves, px, at points
    ``n, (x, y, z)``: a compression along the axis with its bulge, and a few soft bumps."""

    amplitude: float  # largest displacement within the specimen, px
    radius: float
    height: float
    compression: float
    places: Array  # bump, (x, y, z), part of the radius
    pushes: Array  # bump, (x, y, z)
    widths: Array  # bump
    norm: float

    @classmethod
    def drawn(cls, seed: int, radius: float, height: float, amplitude: float) -> Deformation:
        """The field of a seed, of which the largest displacement is ``amplitude`` px."""
        rng = generator(seed, Stream.DEFORMATION)
        tall = max(height / 2, 0.2 * radius) / radius
        flat = rng.uniform(-0.6, 0.6, (BUMPS, 2))
        places = np.concatenate([flat, rng.uniform(-tall, tall, (BUMPS, 1))], axis=1)
        field = cls(1.0, radius, height, 0.5, places, rng.standard_normal((BUMPS, 3)),
                    rng.uniform(*WIDTH, BUMPS), 1.0)  # fmt: skip
        line = np.linspace(-1, 1, 9)
        x, y, z = np.meshgrid(radius * line, radius * line, height / 2 * line, indexing="ij")
        inside = np.hypot(x, y) <= radius
        points = np.stack([x[inside], y[inside], z[inside]], axis=1)
        largest = float(np.linalg.norm(field(points), axis=1).max())
        return cls(amplitude, radius, height, 0.5, places, field.pushes, field.widths, largest)

    def __call__(self, points: Array) -> Array:
        """Displacements ``n, (x, y, z)`` in px at points ``n, (x, y, z)``."""
        at = points / self.radius
        # Beyond the specimen's height the compression goes on no further.
        end = max(self.height / 2, 0.2 * self.radius) / self.radius
        z = np.clip(at[:, 2], -end, end)
        moved = self.compression * np.stack([POISSON * at[:, 0], POISSON * at[:, 1], -z], axis=1)
        for place, push, width in zip(self.places, self.pushes, self.widths, strict=True):
            distance = ((at - place) ** 2).sum(axis=1) / width**2
            moved += np.exp(-0.5 * distance)[:, None] * push
        return self.amplitude / self.norm * moved
