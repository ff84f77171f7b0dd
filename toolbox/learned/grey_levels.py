"""One scale of grey values for the slices that networks see, whatever their unit."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

COARSE = 4  # px: grey levels are measured on means of so many pixels, where noise is small


def grey_levels(image: NDArray[np.float32]) -> tuple[float, float]:
    """Level and spread of a slice's grey values: the middle and half the span from the 2nd to the
    98th percentile of its coarse means, so that noise does not widen them. The spread of a
    constant slice counts as 1.

    >>> grey_levels(np.ones((8, 8), np.float32))
    (1.0, 1.0)
    """
    height, width = (max(side // COARSE, 1) for side in image.shape)
    part = image[: height * COARSE, : width * COARSE]
    if min(image.shape) >= COARSE:
        part = part.reshape(height, COARSE, width, COARSE).mean(axis=(1, 3))
    low, high = np.percentile(part, (2, 98))
    return float(low + high) / 2, float(high - low) / 2 or 1.0
