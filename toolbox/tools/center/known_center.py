"""The rotation axis as somebody says."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, Port, ToolCard
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class KnownCenter(Tool):
    """A rotation axis that is known: nothing is measured.

    >>> KnownCenter(column=296.0).column
    296.0
    """

    card = ToolCard(
        name="known_center",
        title="known rotation axis",
        title_zh="已知旋转轴",
        stage=Stage.CENTER,
        domain=Domain.SINOGRAM,
        inputs={"sinogram": Port(DataKind.SINOGRAM)},
        output=Port(DataKind.CENTER, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=(),
        limits="As good as the number given.",
        bands=1,
    )

    column: Annotated[float, Param("axis at the middle row, 0-based column", "px")]
    low: Annotated[float | None, Param("lower end of its interval", "px")] = None
    high: Annotated[float | None, Param("upper end of its interval", "px")] = None
    tilt_deg: Annotated[float, Param("lean in the detector plane", "deg", low=-45, high=45)] = 0.0

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        columns = sinogram.geometry.columns
        outside = not -columns <= self.column <= 2 * columns
        warning = f"The axis at column {self.column:g} is far outside of {columns} columns."
        return Center(
            self.column,
            self.column if self.low is None else self.low,
            self.column if self.high is None else self.high,
            tilt_rad=float(np.deg2rad(self.tilt_deg)),
            method="known",
            warnings=(warning,) if outside else (),
        )

    def cost(self, **inputs: Shape) -> Cost:
        return Cost(1.0, 0.0)
