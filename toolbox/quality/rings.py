"""Ring artefacts in slices."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.noise import MAD_TO_SIGMA

SECTORS = 16
WIDE = 9  # px: what is wider along the radius is sample


def ring_strength(slices: NDArray[np.float32], middle: float | None = None) -> float:
    """RMS of the rings about the axis, in the unit of the slices (axes ``z, y, x``).

    The slice is averaged over the angle in 16 sectors, and its running median over 9 px along
    the radius is taken off (which keeps steps, such as a round outline). The medians of the even
    and of the odd sectors are multiplied: what both hold alike is a ring, while noise and the
    sample's edges differ. Values beyond three times the usual (median absolute deviation) are
    cut, so that one edge does not outweigh all rings. Near the axis (5 % of the radius) sectors
    hold too few pixels. ``middle``: the axis in a slice, (N − 1)/2 by default.

    Other concentric parts of the sample count as rings.

    >>> r = np.hypot(*np.meshgrid(np.arange(64) - 31.5, np.arange(64) - 31.5))
    >>> bool(ring_strength(np.cos(2 * r)[None].astype(np.float32)) > 0.3)
    True
    """
    from scipy.ndimage import map_coordinates, median_filter

    size = slices.shape[-1]
    axis = (size - 1) / 2 if middle is None else middle
    radii = np.arange(max(0.025 * size, 2.0), 0.47 * size)
    if len(radii) < 8:
        return 0.0
    turns = 2 * np.pi * (np.arange(size) + 0.5) / size
    places = axis + radii * np.stack([np.sin(turns), np.cos(turns)])[..., None]
    total = 0.0
    for image in slices:
        polar = map_coordinates(image, places, order=3, mode="nearest")
        whole = len(turns) // SECTORS * SECTORS
        sectors = polar[:whole].reshape(SECTORS, -1, len(radii)).mean(axis=1)
        fine = sectors - median_filter(sectors, (1, WIDE), mode="nearest")
        even, odd = (_cut(np.median(fine[first::2], axis=0)) for first in (0, 1))
        total += float(np.average(even * odd, weights=radii))
    return float(np.sqrt(max(total / len(slices), 0.0)))


def _cut(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    limit = 3 * MAD_TO_SIGMA * np.median(np.abs(profile))
    return np.clip(profile, -limit, limit)
