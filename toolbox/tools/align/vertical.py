"""Vertical shifts of views from their row profiles."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.attenuation import attenuation_of
from toolbox.kinds import DataKind
from toolbox.values import Block

FEWEST_ROWS = 8


def vertical_shifts(sinogram: Block, window: int | None = None) -> NDArray[np.float64]:
    """How far each view of a block of neighbouring rows lies from its place, in rows.

    Turning about a vertical axis moves nothing between rows, so a view's profile (its mass row by
    row) is that of all views, of the ``window`` nearest ones where the sample is wider than the
    field. What is left between registered profiles is noise and says how large the error is;
    shifts shrink by its share. Zeros for blocks of fewer than 8 rows.
    """
    part = sinogram.as_kind(DataKind.SINOGRAM)
    views, rows = part.values.shape[1], part.values.shape[0]
    neighbours = bool(np.all(np.diff(part.rows) == 1))
    if rows < FEWEST_ROWS or views < 3 or not neighbours:
        return np.zeros(views)
    profiles = attenuation_of(part).mean(axis=-1, dtype=np.float64).T  # view, row
    shifts, error = _registered(profiles, window)
    shifts -= shifts.mean()
    spread = max(float(np.var(shifts)) - error**2, 0.0)
    return np.asarray(shifts * spread / (spread + error**2 + 1e-12))


def _registered(
    profiles: NDArray[np.float64], window: int | None
) -> tuple[NDArray[np.float64], float]:
    """Shifts of profiles ``view, row`` against their common shape, and their RMS error."""
    views, rows = profiles.shape
    profiles = profiles - profiles.mean(axis=1, keepdims=True)
    position = np.arange(rows)
    shifts = np.zeros(views)
    margin = 2
    rest = energy = np.ones((views, 1))
    for _ in range(12):
        moved = np.stack(
            [np.interp(position + s, position, p) for s, p in zip(shifts, profiles, strict=True)]
        )
        reference = np.broadcast_to(np.median(moved, axis=0), moved.shape)
        if window is not None and window < views:
            from scipy.ndimage import uniform_filter1d

            reference = uniform_filter1d(moved, window, axis=0, mode="nearest")
        reference = reference - reference.mean(axis=1, keepdims=True)
        slope = np.gradient(reference, axis=1)[:, margin:-margin]
        rest = (moved - moved.mean(axis=1, keepdims=True) - reference)[:, margin:-margin]
        energy = (slope**2).sum(axis=1)
        step = -(slope * rest).sum(axis=1) / np.maximum(energy, 1e-6 * energy.max() + 1e-30)
        step = np.clip(step, -1, 1)
        shifts = np.clip(shifts + step, -rows / 4, rows / 4)
        if np.abs(step).max() < 0.01:
            break
    noise = (rest**2).mean(axis=1) / np.maximum(energy, 1e-30)
    return shifts, float(np.sqrt(np.median(noise)))
