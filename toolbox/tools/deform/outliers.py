"""Vectors that stand out of their neighbours, and what is put in their place."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

THRESHOLD, FLOOR = 3.0, 0.1  # the universal threshold allows for more; px of ordinary scatter


def replaced(
    vectors: NDArray[np.float64], found: NDArray[np.bool_]
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Vectors (``z, y, x, component``) of which those not ``found``, or far from the median of
    their 3 × 3 × 3 neighbours (normalised median test of Westerweel & Scarano 2005), are medians
    of the trusted ones around; and which are trusted.

    >>> field = np.ones((1, 3, 3, 3)); field[0, 1, 1] = 9.0
    >>> made, trusted = replaced(field, np.ones((1, 3, 3), bool))
    >>> made[0, 1, 1].tolist(), int(trusted.sum())
    ([1.0, 1.0, 1.0], 8)
    """
    known = np.where(found[..., None], vectors, np.nan)
    around = _neighbours(known)
    # an empty neighbourhood says nothing against a vector
    counted = np.isfinite(around[..., 0]).sum(axis=0) >= 3
    middle = _median(around)
    scatter = _median(np.abs(around - middle)) + FLOOR
    apart = np.abs(known - middle) / scatter
    trusted = found & (~counted | ~(np.nan_to_num(apart, nan=np.inf) > THRESHOLD).any(axis=-1))
    made = np.where(trusted[..., None], vectors, np.nan)
    if not trusted.any():
        return np.zeros_like(vectors), trusted
    while np.isnan(made).any():  # from the trusted ones outwards
        filling = _median(_neighbours(made))
        if not (np.isnan(made) & ~np.isnan(filling)).any():
            made = np.where(np.isnan(made), np.nanmedian(made, axis=(0, 1, 2)), made)
            break
        made = np.where(np.isnan(made), filling, made)
    return made, trusted


def _neighbours(field: NDArray[np.float64]) -> NDArray[np.float64]:
    """The up to 26 vectors around each, nan where there is none: ``neighbour, z, y, x, …``."""
    padded = np.pad(field, [(1, 1)] * 3 + [(0, 0)], constant_values=np.nan)
    windows = np.lib.stride_tricks.sliding_window_view(padded, (3, 3, 3), axis=(0, 1, 2))
    flat = windows.reshape(*field.shape, 27)
    return np.moveaxis(np.delete(flat, 13, axis=-1), -1, 0)


def _median(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Median over the first axis without nan; nan where there is nothing else."""
    ordered = np.sort(values, axis=0)  # nan last
    count = np.isfinite(ordered).sum(axis=0)
    low = np.maximum((count - 1) // 2, 0)[None]
    high = np.minimum(count // 2, len(ordered) - 1)[None]
    pair = np.take_along_axis(ordered, low, 0) + np.take_along_axis(ordered, high, 0)
    return np.where(count > 0, pair[0] / 2, np.nan)
