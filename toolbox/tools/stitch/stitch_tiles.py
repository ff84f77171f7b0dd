"""Two tiles side by side become one wider stack."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.attenuation import attenuation_of
from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.line_shift import shifted_lines
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.stitch.overlap import Overlap, find_overlap, grey_ratio
from toolbox.values import Block, Geometry, Shape

STATES = (GreyState.TRANSMISSION, GreyState.ATTENUATION, GreyState.PHASE)
SAME_ANGLE = np.deg2rad(0.5)


@dataclass(frozen=True)
class StitchTiles(Tool):
    """One stack from two tiles, axes ``angle, row, col``, that share some columns.

    The first tile keeps its columns and grey levels; the second is moved (by a fraction of a
    pixel where needed), its transmission divided by ``grey_ratio``, and in the shared columns the
    weight goes linearly from one to the other. Output columns = left + right − round(overlap).
    For three or more tiles chain it: the result is a left tile again.

    ``overlap``, ``grey_ratio`` and ``order`` are found by correlation (see
    :func:`toolbox.tools.stitch.overlap.find_overlap`) of the tiles as given and swapped.

    >>> StitchTiles(overlap=4).output_shape(left=Shape(9, 1, 10), right=Shape(9, 1, 12)).columns
    18
    """

    card = ToolCard(
        name="stitch_tiles",
        title="stitch two tiles",
        title_zh="拼接两块投影",
        stage=Stage.STITCH,
        domain=Domain.PROJECTION,
        inputs={
            "left": grey(DataKind.PROJECTIONS, *STATES),
            "right": grey(DataKind.PROJECTIONS, *STATES),
        },
        output=grey(DataKind.PROJECTIONS),
        split=Split.ANY,
        references=(
            "Lewis 1995, Fast normalized cross-correlation, Vision Interface 95",
            "Vescovi et al. 2018, doi:10.1107/S1600577517016344",
        ),
        limits="Both tiles need the same views at the same angles and the same rows; a rotation or "
        "another magnification of one tile is not corrected. Flats and darks must be applied.",
    )

    overlap: Annotated[
        float | None,
        Param("columns that both tiles show", "px", low=0, auto="found by correlation"),
    ] = None
    grey_ratio: Annotated[
        float | None,
        Param(
            "transmission of the right tile over the left", low=1e-3, high=1e3,
            auto="median over the shared columns",
        ),
    ] = None  # fmt: skip
    order: Annotated[
        str | None,
        Param(
            "whether `left` is left", choices=("as_given", "swapped"),
            auto="the arrangement with the better correlation",
        ),
    ] = None  # fmt: skip

    def tune(self, *, left: Block, right: Block) -> Tuned:  # type: ignore[override]
        """Find what is ``None``; a doubtful overlap is said in the notes."""
        _expect_same(left, right)
        tiles = attenuation_of(left), attenuation_of(right)
        found = {
            order: _shared(first, second, self.overlap)
            for order, first, second in (
                ("as_given", *tiles), ("swapped", tiles[1], tiles[0])
            )
            if self.order in (None, order)
        }  # fmt: skip
        order = max(found, key=lambda o: found[o].weight)
        best = found[order]
        notes = []
        column = best.columns
        if self.overlap is None:
            notes.append(str(best))
            if abs(column - round(column)) <= max(0.15, (best.high - best.low) / 2):
                column = float(round(column))  # moving by less than its error would only blur
            if not best.certain:
                notes.append(
                    f"warning: the overlap is doubtful: it stands {best.significance:.0f} "
                    f"deviations above chance, interval {best.low:.0f} to {best.high:.0f} px; "
                    f"give `overlap` if it is known"
                )
        if order == "swapped" and self.order is None:
            notes.append(
                "warning: the tiles look swapped (the one given as left shows the right side) "
                "and were exchanged"
            )
        ratio = self.grey_ratio
        if ratio is None:
            ratio = best.grey_ratio if left.state is not GreyState.PHASE else 1.0
            if not 1e-3 < ratio < 1e3:
                ratio = 1.0
            notes.append(f"grey levels: right tile / left tile = {ratio:.4f} in the overlap")
        tool = dataclasses.replace(self, overlap=column, grey_ratio=ratio, order=order)
        return Tuned(tool, tuple(notes))

    def __call__(self, *, left: Block, right: Block) -> Block:  # type: ignore[override]
        if self.needs_tuning():
            tuned = self.tune(left=left, right=right).tool
            return tuned(left=left, right=right)  # type: ignore[no-any-return]
        _expect_same(left, right)
        first, second = (left, right) if self.order == "as_given" else (right, left)
        overlap, ratio = float(self.overlap or 0), float(self.grey_ratio or 1)
        ratio = ratio if self.order == "as_given" else 1 / ratio
        widths = first.values.shape[-1], second.values.shape[-1]
        shared = round(overlap)
        if shared > min(widths):
            raise InputError(
                f"The overlap is {overlap:g} px, but the tiles have {widths[0]} and {widths[1]} "
                f"columns. Give at most {min(widths)}, or leave `overlap` out to have it found."
            )
        moved = shifted_lines(second.values, overlap - shared, widths[1])
        moved = moved / ratio if left.state is GreyState.TRANSMISSION else moved + np.log(ratio)
        values = blend(first.values, moved.astype(np.float32), shared)
        return left.with_values(
            values,
            geometry=_wider(left.geometry, values.shape[-1]),
            flats=None,
            darks=None,
        )

    def output_shape(self, *, left: Shape, right: Shape) -> Shape:  # type: ignore[override]
        columns = left.columns + right.columns - round(self.overlap or 0)
        return Shape(min(left.frames, right.frames), min(left.rows, right.rows), columns)

    def cost(self, *, left: Shape, right: Shape) -> Cost:  # type: ignore[override]
        voxels = left.voxels + right.voxels
        return Cost(12.0 * voxels, 12.0 * right.voxels)


def blend(
    left: NDArray[np.float32], right: NDArray[np.float32], shared: int
) -> NDArray[np.float32]:
    """Join along the last axis, going linearly from one to the other over ``shared`` columns."""
    if not shared:
        return np.concatenate([left, right], axis=-1)
    weight = ((np.arange(shared) + 0.5) / shared).astype(np.float32)
    middle = left[..., -shared:] * (1 - weight) + right[..., :shared] * weight
    return np.concatenate([left[..., :-shared], middle, right[..., shared:]], axis=-1)


def _shared(
    left: NDArray[np.float32], right: NDArray[np.float32], overlap: float | None
) -> Overlap:
    found = find_overlap(left, right)
    if overlap is None:
        return found
    ratio = grey_ratio(left, right, overlap)
    return dataclasses.replace(found, columns=overlap, low=overlap, high=overlap, grey_ratio=ratio)


def _wider(geometry: Geometry, columns: int) -> Geometry:
    return dataclasses.replace(geometry, columns=columns)


def _expect_same(left: Block, right: Block) -> None:
    problems = []
    if left.state is not right.state:
        problems.append(f"one holds {left.state}, the other {right.state}")
    if left.values.shape[:2] != right.values.shape[:2]:
        problems.append(
            f"they have {left.values.shape[0]} and {right.values.shape[0]} projections of "
            f"{left.values.shape[1]} and {right.values.shape[1]} rows"
        )
    else:
        difference = np.abs(left.geometry.angles_rad - right.geometry.angles_rad)
        turned = np.minimum(difference % (2 * np.pi), -difference % (2 * np.pi))
        if turned.size and turned.max() > SAME_ANGLE:
            problems.append(f"their angles differ by up to {np.rad2deg(turned.max()):.2f}°")
    if problems:
        raise InputError(
            f"The two tiles cannot be joined: {'; '.join(problems)}. Expected the same views and "
            f"rows in the same grey-value state; process both tiles alike, and leave out the "
            f"projections that only one of them has."
        )
