"""Light spreads in the scintillator: a point becomes a spot with wide tails."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulators.world import World

Array = NDArray[np.float32]

# The tails as two wider spots, as parts of the light in them and multiples of blur_px.
TAILS = ((0.6, 3.0), (0.4, 8.0))
CUT = 3.0  # standard deviations at which a spot ends


def margin_rows(world: World) -> int:
    """Rows beyond the wanted ones whose light reaches them; none with one row, where light
    spreads across the columns only."""
    if not world.blur_px or world.rows == 1:
        return 0
    widest = TAILS[-1][1] if world.blur_tails else 1.0
    return int(np.ceil(CUT * widest * world.blur_px))


def spread(light: Array, blur_px: float, tails: float) -> Array:
    """Blur frames, axes ``angle, row, col``, along rows and columns (columns only for one row):
    a normal spot of ``blur_px`` and, with the part ``tails``, wider ones.

    >>> spot = np.zeros((1, 1, 65), np.float32); spot[0, 0, 32] = 1
    >>> bool(abs(spread(spot, 1.0, 0.2).sum() - 1) < 1e-3)
    True
    """
    from scipy.ndimage import gaussian_filter1d

    parts = [(1 - tails, 1.0)]
    if tails:
        parts += [(tails * share, width) for share, width in TAILS]
    axes = (-1,) if light.shape[-2] == 1 else (-1, -2)
    total = np.zeros_like(light)
    for share, width in parts:
        spot = light
        for axis in axes:
            spot = gaussian_filter1d(spot, width * blur_px, axis=axis, mode="nearest",
                                     truncate=CUT)  # fmt: skip
        total += np.float32(share) * spot
    return total
