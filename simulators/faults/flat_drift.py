"""The beam wanders over the detector, so that the flats no longer fit."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.random_streams import Stream, generator

if TYPE_CHECKING:
    from simulators.world import World

EVEN_PX = 6.0  # across, at severity 1
# As measured over 8 h at APS 2-BM: jumps on a quiet background, not a ramp. At severity 1 the
# scan sees as much as those eight hours.
RANGE_PX = 48.0
LARGEST_JUMP_PX = 40.0
MEDIAN_JUMP_PX = 3.0
ACTIVE = 0.35  # part of the time in which it moves
EPISODES = 6
JUMPS = 60
QUIET_PX = 0.046  # per minute
ACROSS = 0.25  # the stripes of a multilayer lie along the rows, so most of it is along the axis


def beam_shifts(world: World) -> NDArray[np.float64]:
    """Shift of the beam at each projection from where the flats saw it: ``angle, (row, col)``, px.

    ``flat_drift`` is an even drift across; ``flat_jumps`` jumps of up to 40 px in some active
    episodes on a quiet background, within 48 px.
    """
    shifts = np.zeros((world.projections, 2))
    shifts[:, 1] = EVEN_PX * world.flat_drift * world.time
    if not world.flat_jumps:
        return shifts
    rng = generator(world.seed, Stream.FLAT_JUMPS)
    starts = rng.uniform(0, 1 - ACTIVE / EPISODES, EPISODES)
    when = rng.choice(starts, JUMPS) + rng.uniform(0, ACTIVE / EPISODES, JUMPS)
    size = MEDIAN_JUMP_PX * np.exp(0.9 * rng.standard_normal(JUMPS))
    step = np.minimum(size, LARGEST_JUMP_PX) * rng.choice([-1.0, 1.0], JUMPS)
    path = (step * (world.time[:, None] >= when)).sum(axis=1)
    minutes = 8 * 60 / max(world.projections, 1)
    path += np.cumsum(QUIET_PX * np.sqrt(minutes) * rng.standard_normal(world.projections))
    # Whatever holds the mirror lets it come back: folded into the range that was seen.
    half = RANGE_PX / 2
    path = half - np.abs((path + half) % (2 * RANGE_PX) - RANGE_PX)
    path -= path[0]
    return shifts + world.flat_jumps * path[:, None] * np.array([1.0, ACROSS])
