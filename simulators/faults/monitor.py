"""The beam decays, and the ring is refilled."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulators.world import World


def beam_current(world: World) -> NDArray[np.float64]:
    """Beam at each projection as part of that at the flats (axis ``angle``): an even loss of
    ``monitor_drop`` over the scan or, with ``refills``, between each two of them, back to full at
    each."""
    spans = world.refills + 1
    part = world.time * spans
    since = part - np.minimum(np.floor(part), spans - 1)
    return 1 - world.monitor_drop * since
