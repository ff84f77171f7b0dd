"""Centre of mass of each projection, and the sine that it must follow."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

EDGE = 0.04  # of the width on either side, where there should be air


def mass_centers(values: NDArray[np.float32]) -> tuple[NDArray[np.float64], float]:
    """The centre of mass of each view of ``row, angle, col``, in columns, and how much of the
    highest attenuation is left at the edges of the field (over 0.05: the sample is wider).

    The air beside the sample, a line from edge to edge, counts as nothing.
    """
    lines = values.mean(axis=0, dtype=np.float64)  # angle, col
    columns = lines.shape[-1]
    edge = max(int(EDGE * columns), 2)
    left = np.median(lines[:, :edge], axis=1, keepdims=True)
    right = np.median(lines[:, -edge:], axis=1, keepdims=True)
    way = np.arange(columns) / max(columns - 1, 1)
    top = max(float(np.quantile(lines, 0.99)), 1e-12)
    air = max(float(np.median(np.abs(left))), float(np.median(np.abs(right)))) / top
    mass = lines - (left * (1 - way) + right * way)
    whole = mass.sum(axis=1)
    least = 0.05 * float(np.median(np.abs(whole))) + 1e-12
    safe = np.where(np.abs(whole) < least, np.inf, whole)
    return (mass * np.arange(columns)).sum(axis=1) / safe, air


def sine_fit(
    centers: NDArray[np.float64], angles_rad: NDArray[np.float64]
) -> tuple[NDArray[np.float64], float]:
    """What is left of the centres after the best ``axis + x cos θ + y sin θ``, and the axis.

    Outliers are kept from ruling the fit by fitting again without the farthest tenth.
    """
    waves = np.stack([np.ones_like(angles_rad), np.cos(angles_rad), np.sin(angles_rad)], axis=1)
    fit = np.linalg.lstsq(waves, centers, rcond=None)[0]
    rest = np.abs(centers - waves @ fit)
    near = rest <= np.quantile(rest, 0.9)
    if near.sum() > 6:
        fit = np.linalg.lstsq(waves[near], centers[near], rcond=None)[0]
    return centers - waves @ fit, float(fit[0])
