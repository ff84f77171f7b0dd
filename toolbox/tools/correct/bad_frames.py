"""Projections that are empty, dropped, without beam or far too bright."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.stripes import running_median
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Shape

NEAR = 15  # projections on either side that say what is usual


@dataclass(frozen=True)
class BadFrames(Tool):
    """Draws lost projections linearly between the good ones before and after, axes
    ``row, angle, col``.

    Lost, row by row: not a finite value, one value throughout, or a mean below ``least`` of the
    median of the projections around (a dropped frame, a beam dump) or above ``most`` of it (a
    frame exposed wrongly). Single NaN are drawn likewise.

    >>> BadFrames().least
    0.5
    """

    card = ToolCard(
        name="bad_frames",
        title="repair of lost projections",
        title_zh="修复坏帧",
        stage=Stage.CORRECT,
        domain=Domain.SINOGRAM,
        inputs={"sinogram": grey(DataKind.SINOGRAM, GreyState.COUNTS, GreyState.TRANSMISSION)},
        output=Port(DataKind.SINOGRAM),
        split=Split.ROWS,
        references=("Kak & Slaney 1988, Principles of Computerized Tomographic Imaging, ch. 3",),
        limits="Fine structure of a lost projection is not brought back; runs of many lost "
        "projections are a missing wedge whatever is drawn. A row without a good projection stays "
        "as it is.",
    )

    least: Annotated[
        float, Param("mean below this part of the usual one: lost", low=0.0, high=0.99)
    ] = 0.5
    most: Annotated[
        float, Param("mean above so many times the usual one: lost", low=1.01, high=1e6)
    ] = 3.0

    def __call__(self, *, sinogram: Block) -> Block:  # type: ignore[override]
        values = np.array(sinogram.values, np.float32, order="C")
        for row in values:
            lost = self.lost(row)
            if lost.all():
                continue
            row[lost] = np.nan
            _draw_along_angle(row)
        return sinogram.with_values(values)

    def lost(self, row: NDArray[np.float32]) -> NDArray[np.bool_]:
        """Which projections of one row (axes ``angle, col``) are lost."""
        finite = np.isfinite(row)
        clean = np.where(finite, row, 0)
        count = finite.sum(axis=1)
        mean = clean.sum(axis=1, dtype=np.float64) / np.maximum(count, 1)
        highest = np.where(finite, row, -np.inf).max(axis=1)
        lowest = np.where(finite, row, np.inf).min(axis=1)
        empty = (count == 0) | (highest <= lowest) if row.shape[1] > 1 else count == 0
        if empty.all():
            return empty
        good = np.flatnonzero(~empty)
        usual = np.interp(np.arange(len(row)), good, running_median(mean[good], 2 * NEAR + 1))
        off = (mean < self.least * usual) | (mean > self.most * usual)
        return empty | (off & (usual > 0))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        return Cost(30.0 * shape.voxels, 16.0 * shape.frames * shape.columns)


def _draw_along_angle(row: NDArray[np.float32]) -> None:
    """Fill NaN of one row (axes ``angle, col``), in place, linearly along the angle."""
    places = np.arange(len(row))
    missing = ~np.isfinite(row)
    whole = missing.all(axis=1)
    if whole.any():
        good = places[~whole]
        after = np.clip(np.searchsorted(good, places[whole]), 1, max(len(good) - 1, 1))
        left, right = good[after - 1], good[np.minimum(after, len(good) - 1)]
        span = np.maximum(right - left, 1)
        share = np.clip((places[whole] - left) / span, 0, 1).astype(np.float32)[:, None]
        row[whole] = row[left] * (1 - share) + row[right] * share
    for column in np.flatnonzero(~np.isfinite(row).all(axis=0)):
        known = np.isfinite(row[:, column])
        if known.any():
            row[~known, column] = np.interp(places[~known], places[known], row[known, column])
