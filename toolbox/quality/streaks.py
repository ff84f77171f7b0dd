"""Streaks: fine structure that runs in some directions only."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.slice_noise import central

DIRECTIONS = 60
BAND = (0.1, 0.4)  # cycles per px


def streak_strength(slices: NDArray[np.float32]) -> float:
    """How unevenly fine structure is spread over the directions (slices with axes ``z, y, x``):
    the standard deviation over 60 directions of the amplitude of waves of 2.5 to 10 px, over its
    mean. Noise alone gives little (its waves are many, which is counted off); few views, a
    missing wedge, metal, and samples with straight edges give much.
    """
    values = central(slices).astype(np.float64)
    size = min(values.shape[-2:])
    if size < 24:
        return 0.0
    values = values[:, :size, :size]
    hann = np.hanning(size)
    window = np.outer(hann, hann)
    values = (values - values.mean(axis=(1, 2), keepdims=True)) * window
    power = (np.abs(np.fft.rfft2(values)) ** 2).mean(axis=0)
    down, right = np.fft.fftfreq(size)[:, None], np.fft.rfftfreq(size)
    radius = np.hypot(down, right)
    inside = (radius > BAND[0]) & (radius < BAND[1])
    # each ring of frequencies weighs alike, so that directions differ only by what runs in them
    rings = np.rint(radius * size).astype(int)
    level = np.bincount(rings.ravel(), power.ravel()) / np.maximum(np.bincount(rings.ravel()), 1)
    even = power / np.maximum(level[rings], 1e-300)
    turn = np.mod(np.arctan2(down, right + 0 * down), np.pi)
    sector = np.minimum((turn / np.pi * DIRECTIONS).astype(int), DIRECTIONS - 1)[inside]
    count = np.maximum(np.bincount(sector, minlength=DIRECTIONS), 1)
    mean = np.bincount(sector, even[inside], DIRECTIONS) / count
    amplitude = np.sqrt(mean)
    if amplitude.mean() == 0:
        return 0.0
    # of noise, the power of one wave varies as much as its mean; the window joins about 2 waves
    chance = 0.25 * 2 / (len(values) * count).mean()
    return float(np.sqrt(max(amplitude.var() / amplitude.mean() ** 2 - chance, 0.0)))
