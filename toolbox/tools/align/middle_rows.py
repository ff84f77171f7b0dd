"""The rows in the middle of a scan, as networks that align look at them."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.attenuation import attenuation_of
from toolbox.kinds import DataKind
from toolbox.values import Block

ROWS = 96  # neighbouring ones looked at …
MOST_ROWS = 40  # … of which so many are left by binning, or the middle ones
Stack = NDArray[np.float32]
Pixels = NDArray[np.float64]


def neighbouring_rows(projections: Block) -> tuple[Stack, Pixels, NDArray[np.intp]]:
    """Attenuation ``row, angle, col`` of the middle rows that follow each other, views by
    increasing angle; their angles; and their places in the block."""
    part = projections.as_kind(DataKind.SINOGRAM)
    order = np.argsort(part.geometry.angles_rad, kind="stable")
    runs = np.split(np.arange(len(part.rows)), np.flatnonzero(np.diff(part.rows) != 1) + 1)
    longest = max(runs, key=len)
    beyond = max(len(longest) - ROWS, 0) // 2
    chosen = longest[beyond : beyond + ROWS]
    values = attenuation_of(part.with_values(part.values[chosen][:, order]))
    return values, part.geometry.angles_rad[order], order


def binned(values: Stack, width: int, most: int = MOST_ROWS) -> Stack:
    """Means of ``width`` by ``width`` px of views ``row, angle, col``, of at most so many rows
    about the middle; what is left over at the ends is dropped, fewer rows than ``width`` make
    one."""
    rows, views, columns = values.shape
    high = min(width, rows)
    kept = min(rows // high, most)
    first = (rows - kept * high) // 2
    chosen = values[first : first + kept * high, :, : columns // width * width]
    if width == 1:
        return chosen
    parts = chosen.reshape(kept, high, views, columns // width, width)
    return np.asarray(parts.mean(axis=(1, 4)), np.float32)
