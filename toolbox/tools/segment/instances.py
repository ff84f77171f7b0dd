"""Connected or touching objects told apart."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def part(inside: NDArray[np.bool_], depth: float, smallest: int) -> NDArray[np.int32]:
    """Numbers 1, 2 … for the objects of a mask, axes ``z, y, x`` (0: outside).

    Touching objects are parted where the distance to the outside drops by more than ``depth`` px
    between two maxima; objects of fewer than ``smallest`` voxels are left out. Numbered in the
    order in which the objects' first voxels come.

    >>> mask = np.zeros((1, 9, 20), bool)
    >>> mask[:, 2:7, 2:8] = mask[:, 2:7, 10:18] = True
    >>> int(part(mask, 1.0, 4).max())
    2
    """
    from scipy import ndimage
    from skimage.morphology import local_maxima, reconstruction
    from skimage.segmentation import watershed

    flat = inside.shape[0] == 1  # one slice: its neighbours are unknown, not background
    mask = inside[0] if flat else inside
    if not mask.any():
        return np.zeros(inside.shape, np.int32)
    distance = ndimage.distance_transform_edt(mask).astype(np.float32)
    lowered = reconstruction(distance - np.float32(depth), distance).astype(np.float32)
    # h-maxima are the regional maxima of the lowered surface
    whole = np.ones((3,) * mask.ndim, bool)
    summits, _ = ndimage.label(local_maxima(lowered) & mask, structure=whole)
    objects = watershed(-distance, summits, mask=mask)
    # objects thinner than the depth have no maximum left: they are whole
    thin, _ = ndimage.label(mask & (objects == 0), structure=whole)
    objects = np.where(thin > 0, thin + objects.max(), objects)
    sizes = np.bincount(objects.ravel())
    sizes[0] = 0
    return _renumber(objects, sizes >= smallest).reshape(inside.shape)


def _renumber(objects: NDArray[np.integer], kept: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Only the kept objects, numbered 1, 2 … without gaps in raster order."""
    present, first = np.unique(objects, return_index=True)
    order = present[np.argsort(first)]
    order = order[kept[order]]
    numbers = np.zeros(len(kept), np.int32)
    numbers[order] = np.arange(1, len(order) + 1, dtype=np.int32)
    return numbers[objects]
