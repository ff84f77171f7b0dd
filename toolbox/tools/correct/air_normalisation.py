"""Correction for a beam whose strength changes, by the air beside the sample."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.correct.flat_field import mean_dark
from toolbox.values import Block, Shape

LEAST_COLUMNS = 3
DIM = 0.5  # of the brightest: the beam's own profile darkens the edges of counts no further
FAINT = 0.03  # a shadow of counts that is not told from the pixels' noise
STEP = 0.2  # a fall within the air of counts that the beam's profile does not make
NO_AIR = (
    "The scan has no flat fields, and no air is seen at both edges of all projections, so the "
    "strength of the beam is not known and counts cannot become transmission. Give the file that "
    "holds the flats beside the scan, or columns= where the air lies."
)


@dataclass(frozen=True)
class AirNormalisation(Tool):
    """Makes the air at both edges of each projection, axes ``angle, row, col``, transmit 1.

    Each frame is divided by a straight line through the medians of its ``columns`` outermost
    columns left and right, over all rows. Counts (less the darks, where there are some) become
    transmission so without flats; raises InputError where no air is seen in them.

    >>> AirNormalisation(columns=10).columns
    10
    """

    card = ToolCard(
        name="air_normalisation",
        title="air normalisation",
        title_zh="空气区归一化",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(DataKind.PROJECTIONS, GreyState.COUNTS, GreyState.TRANSMISSION)
        },
        output=grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION),
        split=Split.ANGLES,
        references=("Gürsoy et al. 2014, J. Synchrotron Rad. 21, 1188",),
        limits="Wrong where the sample reaches the edges: then the automatic finds no air and "
        "leaves transmission as it is. Of counts the pattern of the beam and the detector "
        "stays, as rings of the slices and a slow gradient: with flats use flat_field. NaN stay "
        "where they are.",
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
        counts = block.state is GreyState.COUNTS
        values = without_dark(block)
        found = air_width(values, counts=counts)
        if found < LEAST_COLUMNS:
            if counts:
                raise InputError(NO_AIR)
            return Tuned(
                dataclasses.replace(self, columns=0),
                ("no air at both edges of all projections: intensity left as it is",),
            )
        air = np.nanmedian(np.concatenate([values[..., :found], values[..., -found:]], -1), (1, 2))
        swing = 100 * float(np.nanmax(air) / np.nanmin(air) - 1)
        notes: tuple[str, ...] = (
            f"{found} columns of air at each edge; the beam varied by {swing:.2g} %",
        )
        if counts:
            notes += ("no flat fields: the pattern of the beam and of the detector stays",)
        return Tuned(dataclasses.replace(self, columns=found), notes)

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        if self.columns is None:
            tuned: Block = self.tune(projections=projections).tool(projections=projections)
            return tuned
        width = min(self.columns, projections.values.shape[-1] // 2)
        if width == 0:
            if projections.state is GreyState.COUNTS:
                raise InputError(NO_AIR)
            return projections
        values = without_dark(projections)
        result = np.empty_like(values)
        across = np.linspace(0, 1, values.shape[-1], dtype=np.float32)
        for frame, out in zip(values, result, strict=True):
            left, right = _median(frame[:, :width]), _median(frame[:, -width:])
            np.divide(frame, left + (right - left) * across, out=out)
        return projections.with_values(result, state=GreyState.TRANSMISSION, flats=None, darks=None)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        return Cost(4.0 * shape.voxels, 16.0 * shape.rows * shape.columns)


def without_dark(block: Block) -> NDArray[np.float32]:
    """Counts less their darks, transmission as it is; axes ``angle, row, col``."""
    if block.state is not GreyState.COUNTS or block.darks is None or not len(block.darks):
        return np.asarray(block.values)
    return np.asarray(block.values - mean_dark(block), np.float32)


def air_width(values: NDArray[np.float32], *, counts: bool) -> int:
    """How many columns show air at both edges in all projections (axes ``angle, row, col``)."""
    sides = (values, values[..., ::-1])
    return min((air_columns_of_counts if counts else air_columns)(side) for side in sides)


def air_columns_of_counts(values: NDArray[np.float32]) -> int:
    """As :func:`air_columns` of frames with the beam's profile and the pixels' pattern in them:
    air is then what stays the same from projection to projection, but for the beam's strength."""
    lines = np.nanmedian(values, axis=1).astype(np.float64)
    edge = np.nanmedian(lines[:, :LEAST_COLUMNS], axis=1)
    if not (np.isfinite(edge).all() and (edge > 0).all()):
        return 0
    steady = np.nanpercentile(edge / np.nanpercentile(lines, 95, axis=1), [5, 50, 95])
    if not (steady[0] > 0.9 * steady[2] and steady[1] > DIM):
        return 0
    ratio = lines / edge[:, None]
    usual = np.nanpercentile(ratio, 90, axis=0)
    # The pattern is taken off where it is no shadow; a shadow moves with the angle, or is deep.
    shallow = usual > 1 - STEP
    return _reach(np.where(shallow, ratio / np.maximum(usual, 1e-9), ratio), FAINT)


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
    return _reach(ratio)


def _reach(ratio: NDArray[np.float64], least: float = 0.01) -> int:
    """How far from the left lines (axes ``angle, col``, 1 in the air) are not darkened by more
    than ``least`` or the noise of the edge."""
    if not np.isfinite(ratio).any():
        return 0
    edge = ratio[:, :LEAST_COLUMNS]
    noise = max(float(np.nanstd(edge)), 1e-4)
    share = max(1, len(ratio) // 20)
    darkest = np.nanmean(np.sort(ratio, axis=0)[:share], axis=0)
    typical = np.nanmean(darkest[:LEAST_COLUMNS])
    inside = np.flatnonzero(~(darkest > typical - max(noise, least)))
    reach = int(inside[0]) if len(inside) else ratio.shape[1]
    # The shadow of an edge is wider than where it is seen first.
    return min(int(0.8 * reach), ratio.shape[1] // 4)


def _median(part: NDArray[np.float32]) -> np.float32:
    found = np.nanmedian(part)
    return np.float32(found if np.isfinite(found) and found > 0 else 1.0)
