"""Flat and dark correction: counts to transmission."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Shape

LEAST_BEAM = 0.005  # of the median beam: below it a pixel saw no beam worth dividing by


@dataclass(frozen=True)
class FlatField(Tool):
    """(projection − dark) / (flat − dark), axes ``angle, row, col``, counts to transmission.

    Flats and darks are averaged without their highest and lowest value at each pixel (from five
    frames on; the median of three or four), so that a zinger in one of them leaves no ring.
    Pixels without beam in the flats and non-finite values are filled along the columns.
    Raises InputError without flats, or where no pixel of the flats is brighter than the darks.

    >>> FlatField.card.split.value
    'any'
    """

    card = ToolCard(
        name="flat_field",
        title="flat and dark field correction",
        title_zh="平场与暗场校正",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={"projections": grey(DataKind.PROJECTIONS, GreyState.COUNTS)},
        output=grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION),
        split=Split.ANY,
        references=("Seibert, Boone & Lindfors 1998, Proc. SPIE 3336, 348",),
        limits="One beam profile for all projections: a beam that fades or moves leaves its "
        "pattern, see interpolated_flat_field and dynamic_flat_field. NaN and dead pixels are "
        "interpolated along the columns; a row of a frame that is wholly NaN stays NaN, see "
        "bad_frames. Without darks their level counts as zero.",
    )

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        dark = mean_dark(projections)
        beam = robust_mean(flats_of(projections)) - dark
        good = usable(beam, projections)
        beam[~good] = 1
        values = projections.values - dark
        values /= beam
        fill_along_columns(values, good)
        return projections.with_values(values, state=GreyState.TRANSMISSION, flats=None, darks=None)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        return Cost(3.0 * shape.voxels, 24.0 * shape.rows * shape.columns + shape.voxels)


def flats_of(block: Block) -> NDArray[np.float32]:
    """The flats of a block, axes ``frame, row, col``; InputError where it has none."""
    if block.flats is None or not len(block.flats):
        raise InputError(
            "The scan has no flat fields (images of the beam without the sample), which turn "
            "counts into transmission. Give the file that holds them beside the scan, or a scan "
            "whose projections are corrected already."
        )
    return block.flats


def mean_dark(block: Block) -> NDArray[np.float32]:
    """The mean dark frame, axes ``row, col``; zeros where there are no darks."""
    if block.darks is None or not len(block.darks):
        return np.zeros((len(block.rows), block.values.shape[-1]), np.float32)
    return np.nan_to_num(robust_mean(block.darks), copy=False, nan=0.0)


def robust_mean(frames: NDArray[np.float32]) -> NDArray[np.float32]:
    """Mean over frames, axes ``frame, row, col``, that one outlier at a pixel does not move."""
    if not np.isfinite(frames.sum()):
        found = np.isfinite(frames)
        missing = ~found.any(axis=0)
        with np.errstate(all="ignore"):
            mean = np.nanmedian(np.where(missing, np.float32(0), frames), axis=0)
        return np.where(missing, np.nan, mean).astype(np.float32)
    if len(frames) <= 2:
        return frames.mean(axis=0, dtype=np.float64).astype(np.float32)
    if len(frames) <= 4:
        return np.median(frames, axis=0).astype(np.float32)
    total = frames.sum(axis=0, dtype=np.float64) - frames.max(axis=0) - frames.min(axis=0)
    return (total / (len(frames) - 2)).astype(np.float32)


def usable(beam: NDArray[np.float32], block: Block) -> NDArray[np.bool_]:
    """Which pixels of flat − dark, axes ``row, col``, have beam; InputError where none has."""
    with np.errstate(invalid="ignore"):
        lit = beam > 0
        if not lit.any():
            raise InputError(
                f"In rows {block.rows[0]} to {block.rows[-1]} the flat fields are not brighter "
                f"than the dark frames anywhere: there was no beam, or the two were exchanged. "
                f"Check the image keys of the scan, or choose rows with beam."
            )
        return lit & (beam > LEAST_BEAM * np.median(beam[lit]))


def fill_along_columns(values: NDArray[np.float32], good: NDArray[np.bool_]) -> None:
    """Fill, in place, pixels that are not ``good`` (axes ``row, col``) or not finite in ``values``
    (axes ``angle, row, col``) linearly from their neighbours in the row. Rows without a single
    good pixel become 1 (nothing is known of them); rows of a frame without finite values stay."""
    columns = np.arange(values.shape[-1])
    for row in np.flatnonzero(~good.all(axis=1)):
        known = np.flatnonzero(good[row])
        if not len(known):
            values[:, row] = 1
            continue
        lost = np.flatnonzero(~good[row])
        after = np.clip(np.searchsorted(known, lost), 1, max(len(known) - 1, 1))
        left = known[np.minimum(after - 1, len(known) - 1)]
        right = known[np.minimum(after, len(known) - 1)]
        span = np.maximum(right - left, 1)
        share = np.clip((lost - left) / span, 0, 1).astype(np.float32)
        values[:, row, lost] = values[:, row, left] * (1 - share) + values[:, row, right] * share
    if np.isfinite(values.sum(dtype=np.float64)):
        return
    for angle, row in np.argwhere(~np.isfinite(values.sum(axis=-1, dtype=np.float64))):
        line = values[angle, row]
        finite = np.isfinite(line)
        if finite.any():
            line[~finite] = np.interp(columns[~finite], columns[finite], line[finite])
