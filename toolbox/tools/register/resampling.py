"""Where a transform takes places, and volumes made smaller."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.values import Transform


def shrunk(volume: NDArray[np.float32], factor: int) -> NDArray[np.float32]:
    """Means over ``factor``³ voxels (an axis of length 1 stays), axes ``z, y, x``; what does not
    fill a voxel at the end is left out.

    >>> shrunk(np.arange(8, dtype=np.float32).reshape(1, 2, 4), 2)
    array([[[2.5, 4.5]]], dtype=float32)
    """
    if factor == 1:
        return volume
    for axis in range(3):
        size = volume.shape[axis]
        if size == 1:
            continue
        kept = size - size % factor
        cut = volume.take(range(kept), axis=axis) if kept < size else volume
        shape = (*cut.shape[:axis], kept // factor, factor, *cut.shape[axis + 1 :])
        volume = cut.reshape(shape).mean(axis=axis + 1, dtype=np.float32)
    return volume


def moved_places(transform: Transform, z: NDArray[np.float64]) -> NDArray[np.float32]:
    """Places in the moved volume of all voxels of some slices ``z`` of the reference, axes
    ``component, z, y, x``, px.

    >>> identity = Transform(np.eye(4), (1, 2, 2))
    >>> moved_places(identity, np.zeros(1))[:, 0, 1, 1].tolist()
    [0.0, 1.0, 1.0]
    """
    _, height, width = transform.shape
    y, x = np.arange(height, dtype=np.float64), np.arange(width, dtype=np.float64)
    a, t = transform.matrix[:3, :3], transform.matrix[:3, 3]
    places = (
        a[:, 0, None, None, None] * z[:, None, None]
        + a[:, 1, None, None, None] * y[:, None]
        + a[:, 2, None, None, None] * x
        + t[:, None, None, None]
    ).astype(np.float32)
    if transform.grid is not None:
        places += _between_nodes(transform, z, y, x)
    return places


def _between_nodes(
    transform: Transform, z: NDArray[np.float64], y: NDArray[np.float64], x: NDArray[np.float64]
) -> NDArray[np.float32]:
    """The grid drawn linearly between its nodes, axis by axis."""
    values = np.moveaxis(np.asarray(transform.grid), -1, 0)
    for axis, at in enumerate((z, y, x)):
        count = values.shape[axis + 1]
        place = np.clip((at - transform.origin[axis]) / transform.spacing[axis], 0, count - 1)
        low = np.minimum(place.astype(int), max(count - 2, 0))
        share = (place - low).astype(np.float32)
        share = share.reshape([-1 if a == axis + 1 else 1 for a in range(4)])
        high = np.minimum(low + 1, count - 1)
        values = values.take(low, axis + 1) * (1 - share) + values.take(high, axis + 1) * share
    return values
