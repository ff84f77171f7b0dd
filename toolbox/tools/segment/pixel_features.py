"""What a pixel's surroundings look like at several scales."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

SCALES = (0.7, 1.6, 3.5)  # px


def feature_names(scales: tuple[float, ...] = SCALES) -> list[str]:
    """One name for each feature, in order.

    >>> feature_names((1.6,))
    ['grey', 'mean 1.6', 'gradient 1.6', 'ridge 1.6', 'valley 1.6']
    """
    kinds = ("mean", "gradient", "ridge", "valley")
    return ["grey", *(f"{kind} {scale:g}" for scale in scales for kind in kinds)]


def pixel_features(
    image: NDArray[np.float32], scales: tuple[float, ...] = SCALES
) -> NDArray[np.float32]:
    """Features of each pixel of a slice (axes ``y, x``), axes ``y, x, feature``: the grey value,
    and at each scale the Gaussian mean, the length of the gradient and both eigenvalues of the
    Hessian, multiplied by the scale so that they compare (Lindeberg 1998, Int. J. Comput. Vis.
    30, 79)."""
    from scipy.ndimage import gaussian_filter

    image = np.asarray(image, np.float32)
    found: list[NDArray[np.floating]] = [image]
    for scale in scales:

        def blur(down: int, right: int, scale: float = scale) -> NDArray[np.float32]:
            # derivatives of the Gaussian; truncated where it is below 1 %
            smooth = gaussian_filter(image, scale, order=(down, right), mode="mirror", truncate=3.0)
            return smooth * np.float32(scale ** (down + right))

        yy, xx, yx = blur(2, 0), blur(0, 2), blur(1, 1)
        half, spread = (yy + xx) / 2, np.hypot((yy - xx) / 2, yx)
        found += [blur(0, 0), np.hypot(blur(1, 0), blur(0, 1)), half + spread, half - spread]
    return np.stack(found, axis=-1).astype(np.float32)
