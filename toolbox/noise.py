"""How noisy an array is, without knowing what it shows."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

MAD_TO_SIGMA = 1.4826  # of normal noise


def noise_sigma(values: NDArray[Any], axes: tuple[int, ...] = (-2, -1)) -> float:
    """Standard deviation of the white noise in ``values``, in their unit.

    Takes the finest Haar detail along every one of ``axes`` (any number of axes of any array; a
    sinogram, a slice, a volume), where structure is rare, and of it the median absolute deviation,
    which rare structure does not move. Non-finite values are left out. Noise that is correlated
    over neighbours (after interpolation or smoothing) is underestimated. 0 for a constant array.

    Raises ValueError where fewer than 8 differences can be taken.

    Reference: Donoho & Johnstone 1994, Biometrika 81, 425.

    >>> noisy = np.random.default_rng(0).normal(5.0, 2.0, (128, 128))
    >>> round(noise_sigma(noisy), 1)
    2.0
    """
    detail = np.asarray(values)
    detail = detail.astype(np.float32 if detail.dtype.itemsize <= 4 else np.float64, copy=False)
    for axis in sorted({a % detail.ndim for a in axes}):
        pairs = detail.shape[axis] // 2
        even = np.take(detail, np.arange(pairs) * 2, axis=axis)
        odd = np.take(detail, np.arange(pairs) * 2 + 1, axis=axis)
        detail = (odd - even) / np.sqrt(2).astype(detail.dtype)
    detail = detail[np.isfinite(detail)]
    if detail.size < 8:
        raise ValueError(
            f"noise_sigma got an array of shape {np.shape(values)} with {detail.size} finite "
            f"differences along axes {axes}, expected at least 8"
        )
    return float(MAD_TO_SIGMA * np.median(np.abs(detail - np.median(detail))))
