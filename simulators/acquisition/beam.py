"""The open beam over the detector."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulators.world import World

STRIPE_PERIOD_M = 130e-6  # of a multilayer monochromator, APS 2-BM


def open_beam(world: World, rows: NDArray[np.float64], shifts: NDArray[np.float64]
              ) -> NDArray[np.float32]:  # fmt: skip
    """Beam of mean near 0.9, axes ``angle, row, col``, for detector rows and shifts of the beam
    ``angle, (row, col)`` in px: a broad hump with ripples and the stripes of a multilayer.

    Where the beam stands still there is one angle for all.
    """
    if not np.any(shifts != shifts[0]):
        shifts = shifts[:1]
    columns = np.arange(world.columns)
    place = columns[None, None, :] + shifts[:, 1, None, None]
    height = rows[None, :, None] + shifts[:, 0, None, None]
    half = world.columns / 2
    profile = 1 - world.hump * ((place - half) / half) ** 2
    profile = profile * (
        1 + world.ripple * np.sin(2 * np.pi * (place / world.ripple_px + 0.02 * height))
    )
    if world.stripes:
        turns = height * world.pixel_size_m / STRIPE_PERIOD_M
        # Stripes are neither quite straight nor of one strength.
        turns = turns + 0.15 * np.sin(2 * np.pi * place / world.columns)
        profile = profile * (1 + 0.5 * world.stripes * np.sin(2 * np.pi * turns)
                             * (0.8 + 0.2 * np.cos(0.37 * 2 * np.pi * turns)))  # fmt: skip
    return np.maximum(profile, 0.01).astype(np.float32)
