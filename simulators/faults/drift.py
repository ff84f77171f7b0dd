"""Slow drift of the specimen over the detector: even, or settling as things warm up."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulators.world import World

TIME_CONSTANT = 1 / 3  # of the scan
ACROSS = 0.6  # of what thermal drift does along the axis


def even_drift(world: World) -> NDArray[np.float64]:
    """``drift_px`` across over the scan: ``angle, (row, col)`` in px."""
    return np.stack([np.zeros(world.projections), world.drift_px * world.time], axis=1)


def thermal_drift(world: World) -> NDArray[np.float64]:
    """Exponential approach to a new place, ``thermal_px`` along the axis at the end of the scan:
    ``angle, (row, col)`` in px. Expansion of 12–23 µm/m/K makes 0.1 K over 0.3 m 0.4–0.7 µm."""
    way = -np.expm1(-world.time / TIME_CONSTANT) / -np.expm1(-1 / TIME_CONSTANT)
    return world.thermal_px * way[:, None] * np.array([1.0, ACROSS])
