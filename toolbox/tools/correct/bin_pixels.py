"""Fewer, larger pixels: for speed, or against noise."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class BinPixels(Tool):
    """The mean over ``factor`` × ``factor`` pixels, axes ``angle, row, col``.

    Rows and columns that do not fill a pixel at the end are left out. The pixel size of the
    geometry grows with it; a rotation axis at column c comes to (c − (factor − 1)/2) / factor.

    >>> BinPixels(factor=2).output_shape(projections=Shape(180, 5, 64))
    Shape(frames=180, rows=2, columns=32)
    """

    card = ToolCard(
        name="bin_pixels",
        title="pixel binning",
        title_zh="像素合并",
        stage=Stage.CORRECT,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(
                DataKind.PROJECTIONS, GreyState.COUNTS, GreyState.TRANSMISSION,
                GreyState.ATTENUATION, GreyState.PHASE,
            )
        },
        output=Port(DataKind.PROJECTIONS),
        split=Split.ANGLES,
        references=("Gonzalez & Woods 2018, Digital Image Processing, 4th ed., ch. 4",),
        limits="Detail finer than two new pixels is lost; the box average lets a little of it "
        "alias. Slices come in 1/px of the new pixel. A NaN makes its new pixel NaN: repair "
        "before (bad_frames, flat_field).",
        default_on=False,
    )  # fmt: skip

    factor: Annotated[int, Param("old pixels along each side of a new one", low=1, high=64)] = 2

    def __call__(self, *, projections: Block) -> Block:  # type: ignore[override]
        if self.factor == 1:
            return projections
        old = projections.geometry
        if self.factor > old.columns:
            raise InputError(
                f"bin_pixels cannot join {self.factor} pixels where the detector has "
                f"{old.columns} columns. Give a smaller factor."
            )
        whole = Shape(len(projections.frames), old.rows, old.columns)
        new = self.output_shape(projections=whole)
        kept = np.flatnonzero(projections.rows // self.factor < new.rows)
        groups, starts = np.unique(projections.rows[kept] // self.factor, return_index=True)
        geometry = dataclasses.replace(
            old, rows=new.rows, columns=new.columns,
            pixel_size_m=None if old.pixel_size_m is None else old.pixel_size_m * self.factor,
        )  # fmt: skip

        def binned(frames: NDArray[np.float32] | None) -> NDArray[np.float32] | None:
            return (
                None if frames is None else self._bin(frames[:, : len(kept)], starts, new.columns)
            )

        values = binned(projections.values)
        assert values is not None
        return projections.with_values(
            values, geometry=geometry, rows=groups.astype(np.intp),
            flats=binned(projections.flats), darks=binned(projections.darks),
        )  # fmt: skip

    def _bin(
        self, frames: NDArray[np.float32], starts: NDArray[np.intp], columns: int
    ) -> NDArray[np.float32]:
        result = np.empty((len(frames), len(starts), columns), np.float32)
        counts = np.diff(np.append(starts, frames.shape[1])).astype(np.float32)[:, None]
        for frame, out in zip(frames, result, strict=True):
            wide = frame[:, : columns * self.factor].reshape(frame.shape[0], columns, self.factor)
            np.divide(np.add.reduceat(wide.mean(axis=2), starts, axis=0), counts, out=out)
        return result

    def output_shape(self, **inputs: Shape) -> Shape:
        shape = inputs["projections"]
        return Shape(
            shape.frames,
            max(1, shape.rows // self.factor),
            max(1, shape.columns // self.factor),
        )

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        return Cost(2.0 * shape.voxels, 24.0 * shape.rows * shape.columns)
