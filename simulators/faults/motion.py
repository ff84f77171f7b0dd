"""The specimen moves during the scan: one jump, or a slip that settles."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

if TYPE_CHECKING:
    from simulators.world import World

TIME_CONSTANT = 0.15  # of the scan


def jump(world: World) -> NDArray[np.float64]:
    """``motion_px`` across from the middle of the scan on: ``angle, (row, col)`` in px."""
    return np.stack([np.zeros(world.projections), world.motion_px * (world.time > 0.5)], axis=1)


def settling(world: World) -> NDArray[np.float64]:
    """The specimen slips by ``settling_px`` in a direction of its own (x, y and down), fast at
    first; seen from each angle: ``angle, (row, col)`` in px. Unlike the others this is a movement
    in the frame of the specimen."""
    rng = generator(world.seed, Stream.SETTLING)
    direction = rng.standard_normal(3)
    x, y, z = world.settling_px * direction / np.linalg.norm(direction)
    way = -np.expm1(-world.time / TIME_CONSTANT)
    theta = world.angles_rad
    return way[:, None] * np.stack(
        [np.full(len(theta), abs(z)), x * np.cos(theta) + y * np.sin(theta)], axis=1
    )
