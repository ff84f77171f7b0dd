"""A rotation stage that does not run true."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

if TYPE_CHECKING:
    from simulators.world import World

TWO_LOBES = 0.5  # of the axial run-out


def runout(world: World) -> NDArray[np.float64]:
    """Run-out of the stage, ``angle, (row, col)`` in px: along the axis ``wobble_px`` once a turn;
    across half as much twice a turn, as once a turn across only displaces the slice."""
    rise, side = generator(world.seed, Stream.WOBBLE).uniform(0, 2 * np.pi, 2)
    theta = world.angles_rad
    return world.wobble_px * np.stack(
        [np.cos(theta + rise), TWO_LOBES * np.cos(2 * theta + side)], axis=1
    )


def lean(world: World) -> NDArray[np.float64]:
    """Lean of the axis in the detector at each angle, rad: ``tilt_deg`` and once a turn
    ``wobble_deg`` (the lean along the beam, which moves no pixel to first order, is left out)."""
    phase = generator(world.seed, Stream.WOBBLE).uniform(0, 2 * np.pi, 3)[2]
    return np.deg2rad(world.tilt_deg + world.wobble_deg * np.cos(world.angles_rad + phase))
