"""Stray radiation that hits the sensor: bright spots in single frames."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

if TYPE_CHECKING:
    from simulators.world import World

RATE = 1e-3  # hits a pixel and frame at severity 1
BRIGHT = (0.5, 1.0)  # of the full well


def zingers(world: World, row: int) -> tuple[NDArray[np.intp], NDArray[np.float32]]:
    """Hits on a row: their places ``n, (angle, col)`` and what each adds, as part of the full
    well."""
    rng = generator(world.seed, Stream.ZINGERS, row)
    size = world.projections * world.columns
    places = np.unique(rng.integers(0, size, rng.poisson(RATE * world.zingers * size)))
    added = rng.uniform(*BRIGHT, len(places)).astype(np.float32)
    return np.stack(np.divmod(places, world.columns), axis=1), added
