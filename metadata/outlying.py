"""Frames that are far brighter or darker, all over, than those before and after.

Such a frame was not exposed as the others were: a shutter, a dumped beam, a read-out that failed.
Judged row by row against the frames around, so the verdict is the same however a scan is cut.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Levels = NDArray[np.float64]

REACH = 5  # frames on either side that say what is usual
COLUMNS = 64  # looked at in a row: what lies over a whole frame lies over these
FEWEST = 3  # frames that can be compared with each other
LEAST = 4  # good frames around that must say what is usual
NARROW = 8  # columns; fewer make no level
FEW_ROWS = 8
JUMP = 3.0  # between frames in a row: below it nothing is looked at closer
# A beam that flickers, or a plate seen edge-on, stays within these.
BRIGHT_MEAN, BRIGHT_LOWEST = 4.0, 2.0  # times the usual mean, and the usual lowest value
DARK_MEAN, DARK_HIGHEST = 0.1, 0.25  # times the usual mean, and the usual highest value


@dataclass(frozen=True)
class RowLevels:
    """Mean, lowest and highest value of some columns of each row, axes ``frame, row``."""

    mean: Levels
    lowest: Levels
    highest: Levels

    def take(self, frames: NDArray[np.intp] | np.intp) -> RowLevels:
        """The levels of some frames, or of one (axis ``row``)."""
        return RowLevels(self.mean[frames], self.lowest[frames], self.highest[frames])


def row_levels(stored: NDArray[Any], offset: float = 0.0) -> RowLevels:
    """The levels of frames as stored (axes ``frame, row, col``), ``offset`` added."""
    some = stored[:, :, :: max(1, stored.shape[2] // COLUMNS)]
    mean = some.mean(axis=2, dtype=np.float64)
    lowest, highest = some.min(axis=2).astype(np.float64), some.max(axis=2).astype(np.float64)
    odd = np.nonzero(~np.isfinite(mean))
    if odd[0].size:
        rows = np.ma.masked_invalid(some[odd])
        mean[odd] = rows.mean(axis=1).filled(np.nan)
        lowest[odd] = rows.min(axis=1).filled(np.nan)
        highest[odd] = rows.max(axis=1).filled(np.nan)
    return RowLevels(mean + offset, lowest + offset, highest + offset)


def find_outlying(levels: RowLevels, lost: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which rows (axes ``frame, row``) lie far above or below the same row of the frames around;
    rows that are ``lost`` anyway are neither judged nor asked."""
    found = np.zeros_like(lost)
    count = len(lost)
    if count < FEWEST:
        return found
    mean = np.where(lost, np.nan, levels.mean)
    with np.errstate(divide="ignore", invalid="ignore"):
        change = mean[1:] / mean[:-1]
    jumps = np.flatnonzero(((change > JUMP) | (change < 1 / JUMP)).any(axis=1))
    near = np.zeros(count, bool)
    for jump in jumps:
        near[max(0, jump + 1 - REACH) : jump + 1 + REACH] = True
    for at in np.flatnonzero(near).tolist():
        around = np.arange(max(0, at - REACH), min(count, at + REACH + 1))
        around = around[around != at]
        found[at] = (
            stands_out(levels.take(np.intp(at)), levels.take(around), lost[around]) & ~lost[at]
        )
    return found


def stands_out(own: RowLevels, around: RowLevels, lost: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Whether rows (levels of axis ``row``) lie far off those of the frames ``around`` (axes
    ``frame, row``), of which some are ``lost``. At least four good ones must say so."""
    mean, highest = _middle(around.mean, lost), _middle(around.highest, lost)
    # Where as many say one thing as the other, neither stands out.
    above, lowest = _middle(around.mean, lost, upper=True), _middle(around.lowest, lost, upper=True)
    known = ((~lost).sum(axis=0) >= LEAST) & (mean > 0)
    with np.errstate(invalid="ignore"):
        bright = (own.mean > BRIGHT_MEAN * above) & (
            own.lowest > BRIGHT_LOWEST * np.maximum(lowest, 0)
        )
        dark = (own.mean < DARK_MEAN * mean) & (own.highest < DARK_HIGHEST * highest)
    return known & (bright | dark)


def _middle(values: Levels, lost: NDArray[np.bool_], *, upper: bool = False) -> Levels:
    """The lower or upper median over the frames that are not lost; NaN where none is good."""
    ordered = np.sort(np.where(lost, np.inf, values), axis=0)
    count = (~lost).sum(axis=0)
    place = np.maximum(count // 2 if upper else (count - 1) // 2, 0)
    middle = np.take_along_axis(ordered, place[None], axis=0)[0]
    return np.where(np.isfinite(middle), middle, np.nan)
