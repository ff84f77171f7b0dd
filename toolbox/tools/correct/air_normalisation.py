"""Correction for a beam whose strength changes, by the air beside the sample."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Shape

LEAST_COLUMNS = 3


@dataclass(frozen=True)
class AirNormalisation(Tool):
    """Makes the air at both edges of each projection, axes ``angle, row, col``, transmit 1.

    Each frame is divided by a straight line through the medians of its ``columns`` outermost
    columns left and right, over all rows.

    >>> AirNormalisation(columns=10).columns
    10
    """

    card = ToolCard(
        name="air_normalisation",
        title="air normalisation",
        title_zh="空气区归一化",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={"projections": grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION)},
        output=grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION),
        split=Split.ANGLES,
        references=("Gürsoy et al. 2014, J. Synchrotron Rad. 21, 1188",),
        limits="Wrong where the sample reaches the edges: then the automatic finds no air and "
        "leaves the values as they are. NaN stay where they are.",
        band_rows=4,
    )

    columns: Annotated[
        int | None,
        Param("columns of air at each edge; 0: leave as it is", unit="col", low=0,
              auto="as many as stay alike at both edges in all projections"),
    ] = None  # fmt: skip

    def tune(self, **inputs: Any) -> Tuned:
        if self.columns is not None:
            return Tuned(self)
        block: Block = inputs["projections"]
        values = np.asarray(block.values)
        found = min(air_columns(values), air_columns(values[..., ::-1]))
        if found < LEAST_COLUMNS:
            return Tuned(
                dataclasses.replace(self, columns=0),
                ("no air at both edges of all projections: intensity left as it is",),
            )
        air = np.nanmedian(np.concatenate([values[..., :found], values[..., -found:]], -1), (1, 2))
        swing = 100 * float(np.nanmax(air) / np.nanmin(air) - 1)
        return Tuned(
            dataclasses.replace(self, columns=found),
            (f"{found} columns of air at each edge; the beam varied by {swing:.2g} %",),
        )

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        if self.columns is None:
            tuned: Block = self.tune(projections=projections).tool(projections=projections)
            return tuned
        values = projections.values
        width = min(self.columns, values.shape[-1] // 2)
        if width == 0:
            return projections
        result = np.empty_like(values)
        across = np.linspace(0, 1, values.shape[-1], dtype=np.float32)
        for frame, out in zip(values, result, strict=True):
            left, right = _median(frame[:, :width]), _median(frame[:, -width:])
            np.divide(frame, left + (right - left) * across, out=out)
        return projections.with_values(result, state=GreyState.TRANSMISSION, flats=None, darks=None)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        return Cost(4.0 * shape.voxels, 16.0 * shape.rows * shape.columns)


def air_columns(values: NDArray[np.float32]) -> int:
    """How many columns from the left show air in all projections (axes ``angle, row, col``)."""
    lines = np.nanmedian(values, axis=1).astype(np.float64)
    outermost = np.nanmedian(lines[:, :LEAST_COLUMNS], axis=1)
    bright = np.nanpercentile(lines, 95, axis=1)
    # A sample that reaches the edge darkens it in some projections.
    with np.errstate(all="ignore"):
        if not np.nanpercentile(outermost / bright, 5) > 0.9:
            return 0
        ratio = lines / outermost[:, None]
    if not np.isfinite(ratio).any():
        return 0
    edge = ratio[:, :LEAST_COLUMNS]
    noise = max(float(np.nanstd(edge)), 1e-4)
    share = max(1, len(ratio) // 20)
    darkest = np.nanmean(np.sort(ratio, axis=0)[:share], axis=0)
    typical = np.nanmean(darkest[:LEAST_COLUMNS])
    inside = np.flatnonzero(~(darkest > typical - max(noise, 0.01)))
    reach = int(inside[0]) if len(inside) else ratio.shape[1]
    # The shadow of an edge is wider than where it is seen first.
    return min(int(0.8 * reach), ratio.shape[1] // 4)


def _median(part: NDArray[np.float32]) -> np.float32:
    found = np.nanmedian(part)
    return np.float32(found if np.isfinite(found) and found > 0 else 1.0)
