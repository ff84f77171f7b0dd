"""A full turn about an axis near the edge becomes a half turn of wider views."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.attenuation import attenuation_of
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.line_shift import shifted_lines
from toolbox.tool import Cost, Tool, Tuned
from toolbox.tools.stitch.half_turn import HalfTurn
from toolbox.tools.stitch.overlap import find_overlap
from toolbox.tools.stitch.stitch_tiles import STATES, blend
from toolbox.values import Block, Center, Geometry, Shape


@dataclass(frozen=True)
class Merge360(Tool):
    """Half-acquisition: views of 0–360° to views of 0–180° with almost twice the columns.

    Each view of the first half turn is joined to the mirrored view from behind (interpolated
    between the two nearest where none is exactly opposite) over the columns that both see,
    ``overlap`` = 2 · distance of the axis from the near edge + 1. **The axis of the result is its
    middle column, (columns − 1) / 2**, at all rows, so the centre need not be looked for again.
    With a ``center`` (also tilted) the overlap follows from it, else from correlation.

    >>> Merge360(overlap=81.0, side="left", views=90).output_shape(projections=Shape(180, 1, 298))
    Shape(frames=90, rows=1, columns=515)
    """

    card = ToolCard(
        name="merge_360",
        title="merge a 360° half-acquisition",
        title_zh="合并 360° 偏置扫描",
        stage=Stage.STITCH,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(DataKind.PROJECTIONS, *STATES),
            "center": Port(DataKind.CENTER, unit="px", optional=True),
        },
        output=grey(DataKind.PROJECTIONS),
        split=Split.ROWS,
        references=("Vo et al. 2021, doi:10.1364/OE.418448, overlap of 360° scans",),
        limits="Needs a full turn. Without a centre the overlap must hold structure that moves.",
    )

    overlap: Annotated[
        float | None,
        Param("columns seen from both sides", "px", low=0, auto="from the centre, or correlation"),
    ] = None
    side: Annotated[
        str | None,
        Param(
            "the edge that the axis is near", choices=("left", "right"),
            auto="from the centre, or the better correlation",
        ),
    ] = None  # fmt: skip
    views: Annotated[
        int | None,
        Param("views in half a turn", low=1, auto="counted from the angles"),
    ] = None

    def tune(self, *, projections: Block, center: Center | None = None) -> Tuned:  # type: ignore[override]
        """Count the views; take the overlap from the centre or find it."""
        half = HalfTurn.of(projections.geometry.angles_rad)
        columns = projections.values.shape[-1]
        overlap, side = self.overlap, self.side
        notes = [f"{len(projections.frames)} views of a full turn merge to {len(half.views)}"]
        if overlap is None and center is not None:
            overlap, side = _from_axis(center.column, columns)
            notes.append(f"overlap {overlap:.1f} px from the axis at {center.column:.2f}")
        if overlap is None or side is None:
            values = attenuation_of(projections)
            front = values[half.views]
            behind = _behind(values, half)[..., ::-1]
            found = {
                s: find_overlap(*pair)
                for s, pair in (("left", (behind, front)), ("right", (front, behind)))
                if self.side in (None, s)
            }
            side = max(found, key=lambda s: found[s].weight)
            best = found[side]
            if overlap is None:
                overlap = best.columns
                notes.append(f"{best}; axis at column {_axis(overlap, side, columns):.2f}")
                if not best.certain:
                    notes.append(
                        "warning: the overlap is doubtful; give the centre or `overlap` if known"
                    )
        tool = dataclasses.replace(self, overlap=overlap, side=side, views=len(half.views))
        return Tuned(tool, tuple(notes))

    def __call__(self, *, projections: Block, center: Center | None = None) -> Block:  # type: ignore[override]
        if self.needs_tuning():
            tool = self.tune(projections=projections, center=center).tool
            return tool(projections=projections, center=center)  # type: ignore[no-any-return]
        values = projections.values
        columns = values.shape[-1]
        overlap, side = float(self.overlap or 0), str(self.side)
        if overlap > columns:
            raise InputError(
                f"The overlap is {overlap:g} px, but the views have {columns} columns: then the "
                f"axis would be nearer to the other edge. Give the other `side`, or leave both out."
            )
        half = HalfTurn.of(projections.geometry.angles_rad)
        shared = round(overlap)
        # the axis between columns where the output has it: both halves move by the same rest
        wanted = _axis(shared, side, columns)
        rest = np.full(values.shape[1], _axis(overlap, side, columns) - wanted)
        if center is not None and center.tilt_rad:
            rest = center.at_rows(projections.rows, projections.geometry.rows) - wanted
        front = _moved(values[half.views], rest)
        behind = _moved(_behind(values, half), rest)[..., ::-1]
        pair = (behind, front) if side == "left" else (front, behind)
        merged = blend(*pair, shared)
        geometry = dataclasses.replace(
            projections.geometry, angles_rad=half.angles_rad, columns=merged.shape[-1]
        )
        monitor = None if projections.monitor is None else projections.monitor[half.views]
        return projections.with_values(
            merged, geometry=geometry, frames=np.arange(len(half.views)), flats=None, darks=None,
            monitor=monitor,
        )  # fmt: skip

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs of a full turn about an axis near the left edge."""
        angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
        lines = np.zeros((48, 6, 40))
        for size, distance, phase in ((6.0, 4.0, 0.3), (3.0, 18.0, 1.0), (4.0, 14.0, 4.0)):
            t = np.arange(40) - 9.25 - distance * np.cos(angles - phase)[:, None]
            lines += 0.05 * np.sqrt(np.maximum(size**2 - t**2, 0))[:, None]
        block = Block(
            lines.astype(np.float32), DataKind.PROJECTIONS, GreyState.ATTENUATION,
            Geometry(angles, 6, 40), np.arange(6), np.arange(48),
        )  # fmt: skip
        return cls(overlap=19.5, side="left", views=24), {"projections": block}

    def output_shape(self, *, projections: Shape, center: Shape | None = None) -> Shape:  # type: ignore[override]
        frames = self.views or (projections.frames + 1) // 2
        columns = 2 * projections.columns - round(self.overlap or 0)
        return Shape(frames, projections.rows, columns)

    def cost(self, *, projections: Shape, center: Shape | None = None) -> Cost:  # type: ignore[override]
        return Cost(20.0 * projections.voxels, 12.0 * projections.voxels)


def _from_axis(axis: float, columns: int) -> tuple[float, str]:
    if axis <= (columns - 1) / 2:
        return 2 * max(axis, 0.0) + 1, "left"
    return 2 * max(columns - 1 - axis, 0.0) + 1, "right"


def _axis(overlap: float, side: str, columns: int) -> float:
    near = (overlap - 1) / 2
    return near if side == "left" else columns - 1 - near


def _behind(values: NDArray[np.float32], half: HalfTurn) -> NDArray[np.float32]:
    share = half.share[:, None, None]
    mean = values[half.before] * (1 - share) + values[half.after] * share
    return mean.astype(np.float32)


def _moved(values: NDArray[np.float32], by: NDArray[np.float64]) -> NDArray[np.float32]:
    if np.all(np.abs(by) < 0.02):
        return values
    columns = values.shape[-1]
    lines = [shifted_lines(values[:, i], float(d), columns) for i, d in enumerate(by)]
    return np.stack(lines, axis=1)
