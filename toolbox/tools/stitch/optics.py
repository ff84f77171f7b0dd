"""Distortion by the optics: the image lies the farther off the farther it is from the middle.

The first term of Vo, Atwood & Drakopoulos 2015, doi 10.1364/OE.23.032859, about the middle of the
tile: ``by`` is how many px too far out the middle of the left and right sides lies.
"""

from __future__ import annotations

import dataclasses

import numpy as np
from numpy.typing import NDArray

from toolbox.line_shift import cubic_weights
from toolbox.values import Block

SMALL = 0.02  # px; moving rows by less would only blur
TAPS = 2  # rows that cubic interpolation reaches
FOLDED = 0.14  # below 4 / 27, from where on the image would fold over itself
Stack = NDArray[np.float32]
Places = NDArray[np.float64]


def undistorted(block: Block, by: float) -> Block:
    """Projections as optics without distortion would show them, by cubic convolution; what lay
    outside the tile is its last value."""
    if not by:
        return block
    rows, columns = seen_at(block, by)
    if np.abs(rows - block.rows[:, None]).max() < SMALL:
        here = np.arange(len(block.rows))[:, None]
        return block.with_values(_between(block.values, here, columns))
    at = np.interp(rows, block.rows, np.arange(len(block.rows)))  # in this slab
    whole = np.floor(at).astype(np.intp)
    values = np.zeros(block.values.shape, np.float32)
    for step, weight in cubic_weights(at - whole):
        near = np.clip(whole + step, 0, len(block.rows) - 1)
        values += weight.astype(np.float32) * _between(block.values, near, columns)
    return block.with_values(values)


def seen_at(block: Block, by: float) -> tuple[Places, Places]:
    """Where the distorted image shows what belongs to each pixel: rows and columns, axes ``row,
    col``."""
    across, along, half = _places(block)
    strength = np.minimum(by * (across**2 + along**2) / half**3, FOLDED)
    out = np.ones_like(strength)
    for _ in range(8):  # what shows at a place p belongs to p − strength p: Newton's steps
        out = out - (out - 1 - strength * out**3) / (1 - 3 * strength * out**2)
    geometry = block.geometry
    return along * out + (geometry.rows - 1) / 2, across * out + (geometry.columns - 1) / 2


def seen_by_both(left: Block, right: Block, by: float, shared: int) -> Stack:
    """1 where both tiles, undistorted, show something in the shared columns, 0 where one has only
    its last value, axes ``row, col``."""
    inside = []
    for block, columns in ((left, slice(-shared, None)), (right, slice(shared))):
        at = seen_at(block, by)[1]
        inside.append(((at >= 1) & (at <= block.geometry.columns - 2))[:, columns])
    return np.asarray(inside[0] & inside[1], np.float32)


def bend(left: Block, right: Block, shared: int) -> Places:
    """How much farther to the right, px, one px of distortion puts what the left tile shows in the
    shared columns than what the right one does, axes ``row, col``."""
    found = []
    for block, columns in ((left, slice(-shared, None)), (right, slice(shared))):
        across, along, half = _places(block)
        found.append((across * (across**2 + along**2) / half**3)[:, columns])
    return np.asarray(found[0] - found[1])


def rows_mixed(block: Block, by: float) -> int:
    """Rows on either side of a row that it needs to be undistorted."""
    count = block.geometry.rows
    whole = dataclasses.replace(block, rows=np.arange(count))
    away = float(np.abs(seen_at(whole, by)[0] - whole.rows[:, None]).max()) if by else 0.0
    return int(np.ceil(away)) + TAPS if away >= SMALL else 0


def _places(block: Block) -> tuple[Places, Places, float]:
    """Columns and rows of the pixels from the middle of the tile, and half its width."""
    geometry = block.geometry
    across = np.arange(geometry.columns, dtype=np.float64)[None] - (geometry.columns - 1) / 2
    along = np.asarray(block.rows, np.float64)[:, None] - (geometry.rows - 1) / 2
    return across, along, geometry.columns / 2


def _between(values: Stack, rows: NDArray[np.intp], columns: Places) -> Stack:
    """Values of these rows between their columns, both ``row, col``; axes ``angle, row, col``."""
    whole = np.floor(columns).astype(np.intp)
    found = np.zeros(values.shape, np.float32)
    for step, weight in cubic_weights(columns - whole):
        near = np.clip(whole + step, 0, values.shape[-1] - 1)
        found += weight.astype(np.float32) * values[:, rows, near]
    return found
