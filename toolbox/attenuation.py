"""Attenuation of a block in either of the states that align and stitch accept."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.kinds import GreyState
from toolbox.values import Block

DARKEST = 1e-4  # transmission believed; below, −log would be ruled by single dead pixels


def attenuation_of(block: Block) -> NDArray[np.float32]:
    """Line integrals of a block, axes as in the block: −log of transmission, other states as they
    are; what is not finite becomes 0. For measurements: dark pixels are cut at 1e-4."""
    values = np.asarray(block.values, np.float32)
    if block.state is GreyState.TRANSMISSION:
        values = -np.log(np.maximum(values, np.float32(DARKEST)))
    if not np.isfinite(values).all():
        values = np.nan_to_num(values, nan=0.0, posinf=0.0, neginf=0.0)
    return values
