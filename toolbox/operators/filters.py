"""Radial filters of filtered back-projection."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

FILTERS = ("ramp", "shepp-logan", "cosine", "hamming", "hann", "none")


def radial_filter(name: str, length: int) -> NDArray[np.float64]:
    """Frequency response at ``np.fft.fftfreq(length)`` (cycles per px): the ramp |ξ| as the
    transform of its kernel cut to ``length`` samples, so that the mean of a slice is right.

    Kak & Slaney 1988, eq. 3.61: sampling |ξ| itself would lose the mean of the slice.
    ``none`` is plain back-projection.
    """
    if name not in FILTERS:
        from metadata.errors import InputError

        raise InputError(f"The filter is {name!r}, expected one of {', '.join(FILTERS)}.")
    if name == "none":
        return np.ones(length)
    n = np.rint(np.fft.fftfreq(length) * length).astype(np.int64)
    kernel = np.zeros(length)
    kernel[0] = 0.25
    odd = n % 2 != 0
    kernel[odd] = -1.0 / (np.pi * n[odd]) ** 2
    ramp = np.fft.fft(kernel).real
    frequency = np.abs(np.fft.fftfreq(length))
    if name == "shepp-logan":
        return ramp * np.sinc(frequency)
    if name == "cosine":
        return ramp * np.cos(np.pi * frequency)
    if name == "hamming":
        return ramp * (0.54 + 0.46 * np.cos(2 * np.pi * frequency))
    if name == "hann":
        return ramp * (0.5 + 0.5 * np.cos(2 * np.pi * frequency))
    return ramp


def radial_quadrature(
    name: str, period: int, corrections: int
) -> tuple[NDArray[np.int64], NDArray[np.float64]]:
    """Frequencies (in units of 1 / (2 period)) and weights that integrate the filter exactly.

    The ramp has a kink at zero and is smooth elsewhere, so a linear convolution needs the fine
    step 1 / (2 period) only near zero. Split by a smooth window φ into a low part (fine step,
    |k| < ``corrections``) and a high part (even k, twice the weight): half the frequencies of a
    transform padded to twice the width, with an error that decays with
    ``corrections × (period − reach)``, reach being the longest way from a ray to a pixel.
    """
    length = 2 * period
    k = np.rint(np.fft.fftfreq(length) * length).astype(np.int64)
    response = radial_filter(name, length) / length
    if name == "none":
        low = np.zeros(length)
    else:
        x = np.clip(np.abs(k) / corrections, 1e-9, 1 - 1e-9)
        # A bump without corners: every derivative vanishes at both ends.
        low = 1 / (1 + np.exp(np.clip(1 / (1 - x) - 1 / x, -80, 80)))
    even = k % 2 == 0
    weight = np.where(even, response * (2 - low), response * low)
    keep = (even & (np.abs(k) < period)) | (~even & (np.abs(k) < corrections) & (low > 0))
    return k[keep], weight[keep]
