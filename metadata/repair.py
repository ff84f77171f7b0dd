"""Filling what a detector or a file transfer lost: pixels, rows and whole frames.

Decided row by row and pixel by pixel, so the result is the same however a scan is cut into slabs.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Frames = NDArray[np.float32]
REACH = 8  # frames on either side searched for a good neighbour


@dataclass(frozen=True)
class Damage:
    """Which rows of which frames are lost (``frame, row``), and why.

    ``spotted``: some pixels are not numbers, the others can be used. ``outlying``: far off the
    frames around (:mod:`metadata.outlying`), which frames alone do not tell.
    """

    empty: NDArray[np.bool_]
    saturated: NDArray[np.bool_]
    not_numbers: NDArray[np.bool_]
    spotted: NDArray[np.bool_]
    outlying: NDArray[np.bool_] | None = None

    @property
    def lost(self) -> NDArray[np.bool_]:
        lost = self.empty | self.saturated | self.not_numbers
        return lost if self.outlying is None else lost | self.outlying

    @property
    def none(self) -> bool:
        return not (self.lost.any() or self.spotted.any())


def find_damage(stored: NDArray[Any], *, counts: bool) -> Damage:
    """What is wrong with frames as stored, axes ``frame, row, col``: one pass over the values.

    A row with nothing but zeros, or nothing but the largest number of its integer type, was not
    measured; that is judged only for ``counts``. A row of which more than half of the pixels are
    not finite is lost, otherwise only those pixels are.
    """
    clean = np.zeros(stored.shape[:2], bool)
    if not stored.size:
        return Damage(clean, clean, clean, clean)
    if stored.dtype.kind in "iu":
        if not counts:
            return Damage(clean, clean, clean, clean)
        highest = stored.max(axis=2)
        empty = highest == 0
        if stored.dtype.kind == "i" and empty.any():
            empty &= stored.min(axis=2) == 0
        top = np.iinfo(stored.dtype).max
        saturated = highest == top
        if saturated.any():
            at = np.nonzero(saturated)
            saturated[at] = (stored[at] == top).all(axis=1)
        return Damage(empty, saturated, clean, clean)
    with np.errstate(invalid="ignore", over="ignore"):
        sums = stored.sum(axis=2)
    odd = ~np.isfinite(sums)
    lost, spotted = clean.copy(), clean.copy()
    if odd.any():
        at = np.nonzero(odd)
        share = (~np.isfinite(stored[at])).mean(axis=1)
        lost[at], spotted[at] = share > 0.5, (share > 0) & (share <= 0.5)
    empty = clean.copy()
    if counts:
        at = np.nonzero(sums == 0)
        empty[at] = ~stored[at].any(axis=1)
    return Damage(empty, clean, lost, spotted)


def fill_spots(values: Frames, spotted: NDArray[np.bool_]) -> int:
    """Replace pixels that are not numbers from their neighbours along the row, in place.

    Returns how many there were. Axes ``frame, row, col``.
    """
    filled = 0
    column = np.arange(values.shape[2])
    for frame, row in np.argwhere(spotted):
        line = values[frame, row]
        bad = ~np.isfinite(line)
        line[bad] = np.interp(column[bad], column[~bad], line[~bad])
        filled += int(bad.sum())
    return filled


def fill_rows(
    values: Frames,
    lost: NDArray[np.bool_],
    positions: NDArray[np.intp],
    fetch: Callable[[int, int], NDArray[np.float32] | None],
) -> NDArray[np.bool_]:
    """Replace lost rows by interpolating between the nearest good frames, in place.

    ``positions`` says which frame of the scan each entry of ``values`` is; ``fetch(frame, row)``
    gives a good row of another frame, or None. Returns which rows could not be filled.
    """
    place = {int(p): i for i, p in enumerate(positions)}
    hopeless = np.zeros_like(lost)

    def good(frame: int, row: int) -> NDArray[np.float32] | None:
        at = place.get(frame)
        if at is None:
            return fetch(frame, row)
        return None if lost[at, row] else values[at, row]

    for at, row in np.argwhere(lost):
        here = int(positions[at])
        found: list[tuple[int, NDArray[np.float32]]] = []
        for side in (-1, 1):
            for step in range(1, REACH + 1):
                line = good(here + side * step, int(row))
                if line is not None:
                    found.append((step, line))
                    break
        if not found:
            hopeless[at, row] = True
        elif len(found) == 1:
            values[at, row] = found[0][1]
        else:
            (before, first), (after, second) = found
            values[at, row] = (first * after + second * before) / (before + after)
    return hopeless


def fill_reference(frames: Frames, *, zero_is_bad: bool) -> int:
    """Replace pixels of flats or darks that cannot be used, in place; returns how many pixels.

    A pixel that is not finite (of flats also: not above zero) takes the median of the same pixel
    in the other frames, or, where none is good, its neighbours along the row. A row without any
    good pixel stays.
    """
    bad = ~np.isfinite(frames)
    if zero_is_bad:
        with np.errstate(invalid="ignore"):
            bad |= frames <= 0
    if not bad.any():
        return 0
    pixels = bad.any(axis=0)
    stack = np.where(bad[:, pixels], np.nan, frames[:, pixels])
    alive = ~np.isnan(stack).all(axis=0)
    typical = np.full(stack.shape[1], np.nan, np.float32)
    if alive.any():
        typical[alive] = np.nanmedian(stack[:, alive], axis=0)
    frames[:, pixels] = np.where(np.isnan(stack), typical, stack)
    column = np.arange(frames.shape[2])
    for frame, row in np.argwhere(np.isnan(frames).any(axis=2)):
        line = frames[frame, row]
        dead = np.isnan(line)
        line[dead] = 0.0 if dead.all() else np.interp(column[dead], column[~dead], line[~dead])
    return int(pixels.sum())
