"""A few counted projections of a disc, for examples of corrections."""

from __future__ import annotations

import numpy as np

from toolbox.kinds import DataKind, GreyState
from toolbox.values import Block, Geometry


def small_counts(fade: float = 1.0, frames: int = 40, rows: int = 4, columns: int = 48) -> Block:
    """Projections of a disc, axes ``angle, row, col``, with five flats before and five after, darks
    and a monitor; the beam fades evenly to ``fade`` of what it was."""
    rng = np.random.default_rng(3)
    angles = np.pi * np.arange(frames) / frames
    beam = 2e4 * (1 + 0.1 * np.sin(np.arange(columns) / 3)) * np.ones((rows, 1))
    offset = np.arange(columns) - (columns - 1) / 2 - 6 * np.cos(angles)[:, None]
    disc = np.exp(-0.1 * np.sqrt(np.maximum(14.0**2 - offset**2, 0)))[:, None, :]
    strength = np.linspace(1, fade, frames)
    light = beam * disc * strength[:, None, None]
    flats = np.repeat([1.0, fade], 5)[:, None, None] * beam
    return Block(
        (100 + rng.poisson(light)).astype(np.float32),
        DataKind.PROJECTIONS,
        GreyState.COUNTS,
        Geometry(angles, rows, columns, 1e-6, 25.0, 0.05, flats_before=5),
        np.arange(rows),
        np.arange(frames),
        flats=(100 + rng.poisson(flats)).astype(np.float32),
        darks=np.full((5, rows, columns), 100, np.float32),
        monitor=1e6 * strength,
    )
