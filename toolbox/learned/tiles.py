"""Slices of any size through a network that sees a tile at a time."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Image = NDArray[np.float32]


def tiled(
    image: Image, process: Callable[[Image], Image], tile: int, overlap: int, multiple: int = 1
) -> Image:
    """``process`` (one image ``y, x``, or several looks at it ``look, y, x``, to one image of the
    same shape) over a slice of any size.

    All tiles have one shape: ``tile`` px, or the slice mirrored up to a ``multiple`` where that
    is less. Neighbours share at least ``overlap`` px, over which one fades into the other: what
    looks no farther than half of that comes out as if it had seen the whole.

    >>> image = np.arange(42.0, dtype=np.float32).reshape(6, 7)
    >>> bool(np.allclose(tiled(image, lambda part: part + 1, tile=4, overlap=2), image + 1))
    True
    """
    if not 0 <= overlap < tile or tile % multiple:
        raise ValueError(f"tiles of {tile} px, {overlap} shared, in multiples of {multiple}")
    height, width = (min(tile, -(-side // multiple) * multiple) for side in image.shape[-2:])
    rows, columns = image.shape[-2:]
    beyond = [(0, 0)] * (image.ndim - 2) + [
        (0, max(height - rows, 0)),
        (0, max(width - columns, 0)),
    ]
    whole = np.pad(image, beyond, mode="symmetric") if np.any(beyond) else image
    tops = _starts(whole.shape[-2], height, overlap)
    lefts = _starts(whole.shape[-1], width, overlap)
    if len(tops) == len(lefts) == 1:
        return np.ascontiguousarray(process(whole)[:rows, :columns])
    total = np.zeros(whole.shape[-2:], np.float32)
    weight = np.zeros_like(total)
    for i, top in enumerate(tops):
        down = _fade(tops, i, height)
        for j, left in enumerate(lefts):
            share = down[:, None] * _fade(lefts, j, width)
            place = np.s_[..., top : top + height, left : left + width]
            total[place] += share * process(np.ascontiguousarray(whole[place]))
            weight[place] += share
    return (total / weight)[:rows, :columns]


def _starts(side: int, tile: int, overlap: int) -> list[int]:
    """Where tiles begin: evenly spaced, the last at the end."""
    if side <= tile:
        return [0]
    count = -(-(side - overlap) // (tile - overlap))
    return [round(i * (side - tile) / (count - 1)) for i in range(count)]


def _fade(starts: list[int], which: int, tile: int) -> Image:
    """Weight of a tile along one side: 0 to 1 over the middle half of what it shares with the
    one before, 1 to 0 likewise at its end."""
    at = np.arange(tile, dtype=np.float32) + 0.5
    weight = np.ones(tile, np.float32)
    if which > 0:
        shared = starts[which - 1] + tile - starts[which]
        weight *= np.clip(2 * at / shared - 0.5, 0, 1)
    if which + 1 < len(starts):
        shared = starts[which] + tile - starts[which + 1]
        weight *= np.clip(2 * (tile - at) / shared - 0.5, 0, 1)
    return weight
