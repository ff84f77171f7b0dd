"""Where slices hold something, and how long a voxel is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.values import Geometry


def inside_circle(shape: tuple[int, ...], wanted: bool = True) -> NDArray[np.bool_]:
    """The pixels of a slice (last two of ``shape``) in its inscribed circle, axes ``y, x``; all
    where slices are not square or the circle is not ``wanted``.

    >>> int(inside_circle((1, 8, 6)).sum())
    48
    """
    height, width = shape[-2:]
    if not wanted or height != width or height < 8:
        return np.ones((height, width), bool)
    r = np.arange(height) - (height - 1) / 2
    return np.add.outer(r**2, r**2) <= (height / 2) ** 2


def voxel_length(geometry: Geometry) -> tuple[float, str]:
    """The side of a voxel and its unit: µm where the pixel size is known, else px."""
    if geometry.pixel_size_m is None:
        return 1.0, "px"
    return geometry.pixel_size_m * 1e6, "µm"
