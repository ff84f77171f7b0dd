"""Every projection a little out of place: vibration and encoder error."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

if TYPE_CHECKING:
    from simulators.world import World


def jitter(world: World) -> NDArray[np.float64]:
    """Independent normal shifts of RMS ``jitter_px`` and ``vertical_jitter_px``: ``angle, (row,
    col)`` in px."""
    drawn = generator(world.seed, Stream.JITTER).standard_normal((2, world.projections))
    return np.stack([drawn[0] * world.vertical_jitter_px, drawn[1] * world.jitter_px], axis=1)
