"""The mean of a slice and of its neighbours, where they show the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.noise import MAD_TO_SIGMA

Image = NDArray[np.float32]
FINE, AROUND = 1.0, 2.0  # px: differences are looked at through the first, compared over the second
QUIETEST = 0.1  # of the slice shows how large the noise is in what is compared
NOISE, STRICT = 1.2, 3.0  # chosen on worlds of validation


def neighbour_mean(volume: Image, at: int, reach: int) -> Image:
    """Slice ``at`` of a volume, axes ``z, y, x``, with ``reach`` neighbours on either side (fewer
    at the ends) weighed into it by how much they are like it around each pixel.

    A neighbour's value errs by its noise σ² and by how much the specimen differs there, δ²; the
    weights are the inverse variances σ² / (σ² + 3 δ²) against the slice's own 1. σ is the robust
    spread of the differences; δ² is what their smooth part has over its quietest tenth. A single
    slice, and one without noise, come back as they are.

    >>> still = np.random.default_rng(0).normal(0, 1, (5, 64, 64)).astype(np.float32)
    >>> bool(neighbour_mean(still, 2, 2).std() < 0.6)
    True
    """
    from scipy.ndimage import gaussian_filter

    own = np.asarray(volume[at], np.float32)
    total, weight = own.copy(), np.ones_like(own)
    for other in range(max(at - reach, 0), min(at + reach + 1, len(volume))):
        if other == at:
            continue
        apart = np.asarray(volume[other] - own, np.float32)
        noise = np.float32(np.median(np.abs(apart)) * MAD_TO_SIGMA) ** 2 / 2
        if noise == 0:  # the same again, or nothing that noise could hide
            continue
        seen = gaussian_filter(gaussian_filter(apart, FINE) ** 2, AROUND)
        differs = np.maximum(seen - np.float32(NOISE) * np.quantile(seen, QUIETEST), 0)
        share = noise / (noise + np.float32(STRICT) * differs)
        total += share * volume[other]
        weight += share
    return np.asarray(total / weight, np.float32)
