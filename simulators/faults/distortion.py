"""Distortion by the optics: the image of a point lies the farther off the farther it is from the
middle of the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulators.world import World

Places = NDArray[np.float64]


def undistorted(world: World, columns: Places, row: float) -> tuple[Places, Places]:
    """Where the rays that a row of the detector sees would fall without distortion, columns and
    rows. A ray that would fall at the middle of the left or right side falls ``distortion_px``
    farther out (below 0: in), to first order, others by the cube of their distance (Vo, Atwood &
    Drakopoulos 2015, doi 10.1364/OE.23.032859, the first term).

    >>> from simulators.world import World
    >>> u, v = undistorted(World(columns=101, rows=1, distortion_px=2.0), np.array([0.0, 50.0]), 0)
    >>> u.round(2).tolist()
    [1.94, 50.0]
    """
    middle, height = (world.columns - 1) / 2, (world.rows - 1) / 2
    across, along = columns - middle, row - height
    inwards = world.distortion_px * (across**2 + along**2) / (world.columns / 2) ** 3
    return columns - across * inwards, row - along * inwards
