"""A small volume to show denoisers with."""

from __future__ import annotations

import numpy as np

from toolbox.kinds import DataKind, GreyState
from toolbox.values import Block, Geometry


def noisy_discs(side: int = 48, noise: float = 0.01) -> Block:
    """Five slices (``z, y, x``; 1/px) of a disc that moves a little from one to the next, with
    normal noise of this deviation."""
    rng = np.random.default_rng(4)
    y, x = np.mgrid[:side, :side] - side // 2
    away = np.stack([x**2 + (y + 4 - z) ** 2 for z in range(5)])
    discs = (away < 0.087 * side**2) * 0.02
    values = (discs + rng.normal(0, noise, discs.shape)).astype(np.float32)
    return Block(values, DataKind.VOLUME, GreyState.ATTENUATION,
                 Geometry(np.zeros(1), 5, side), np.arange(5))  # fmt: skip
