"""Moves projections back to their places."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.line_shift import shifted_lines
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Shape, Shifts

TAPS = 2  # rows that cubic interpolation reaches beyond the shift
SMALL = 0.02  # px; moving by less would only blur


@dataclass(frozen=True)
class ApplyShifts(Tool):
    """Each projection (``angle, row, col``) moved by the negative of its shift.

    Cubic convolution, exact for whole pixels; at the borders the last value goes on. Vertical
    shifts need neighbouring rows: ``max_vertical_px``, found from the shifts, says how many; larger
    ones are an error. Flats and darks must have been applied: stripes of the detector move along.

    >>> ApplyShifts(max_vertical_px=2.4).halo()
    5
    >>> ApplyShifts(max_vertical_px=0.0).halo()
    0
    """

    card = ToolCard(
        name="apply_shifts",
        title="move projections to their places",
        title_zh="应用投影位移",
        stage=Stage.ALIGN,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(
                DataKind.PROJECTIONS, GreyState.TRANSMISSION, GreyState.ATTENUATION, GreyState.PHASE
            ),
            "shifts": Port(DataKind.SHIFTS, unit="px", dtype="float64"),
        },
        output=grey(DataKind.PROJECTIONS),
        split=Split.ROWS,
        references=("Keys 1981, doi:10.1109/TASSP.1981.1163711",),
        limits="Interpolation between pixels smooths noise a little, unequally from view to view.",
    )

    max_vertical_px: Annotated[
        float | None,
        Param("largest vertical shift", "px", low=0, auto="from the shifts"),
    ] = None

    def tune(self, *, projections: Block, shifts: Shifts) -> Tuned:  # type: ignore[override]
        """Fix the halo from the shifts."""
        rows, columns = np.abs(shifts.pixels).max(axis=0, initial=0.0)
        vertical = float(rows) if rows >= SMALL else 0.0
        rms = np.sqrt(np.mean(shifts.pixels**2, axis=0)) if len(shifts.pixels) else np.zeros(2)
        note = (
            f"shifts ({shifts.method or 'given'}): RMS {rms[1]:.2f} px across, at most "
            f"{columns:.2f}; RMS {rms[0]:.2f} px along the axis, at most {rows:.2f}"
        )
        warned = tuple(f"warning: {w}" for w in shifts.warnings)
        return Tuned(dataclasses.replace(self, max_vertical_px=vertical), (note, *warned))

    def halo(self) -> int:
        if not self.max_vertical_px:
            return 0
        return int(np.ceil(self.max_vertical_px)) + TAPS

    def __call__(self, *, projections: Block, shifts: Shifts) -> Block:  # type: ignore[override]
        frames = projections.frames
        if len(frames) and frames.max() >= len(shifts.pixels):
            raise InputError(
                f"There are shifts for {len(shifts.pixels)} projections, but the stack holds "
                f"number {int(frames.max()) + 1}. Measure the shifts on the same projections that "
                f"they are applied to."
            )
        pixels = shifts.pixels[frames]
        highest = float(np.abs(pixels[:, 0]).max(initial=0.0))
        if self.max_vertical_px is not None and highest > self.max_vertical_px + SMALL:
            raise InputError(
                f"A projection is {highest:.2f} px off vertically, but max_vertical_px is "
                f"{self.max_vertical_px:.2f}. Leave it out to have it found from the shifts."
            )
        vertical = highest >= SMALL and self.max_vertical_px != 0
        values = np.empty(projections.values.shape, np.float32)
        for index, (row, column) in enumerate(pixels):
            frame: NDArray[np.float32] = projections.values[index]
            if abs(column) >= SMALL:
                frame = shifted_lines(frame, float(column), frame.shape[-1])
            if vertical and abs(row) >= SMALL:
                frame = shifted_lines(frame.T, float(row), frame.shape[0]).T
            values[index] = frame
        return projections.with_values(values)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        return Cost(16.0 * shape.voxels, 12.0 * shape.rows * shape.columns)
