"""What tools that measure the rotation axis share: ports, sample and cost."""

from __future__ import annotations

import math
from typing import ClassVar

from toolbox.card import Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Shape

ROWS = 5  # of a scan that are looked at


def axis_card(
    name: str,
    title: str,
    title_zh: str,
    references: tuple[str, ...],
    limits: str,
    default_on: bool = True,
) -> ToolCard:
    """The card of a tool that takes some rows of a sinogram to the axis."""
    grey_values = (GreyState.ATTENUATION, GreyState.PHASE, GreyState.TRANSMISSION)
    return ToolCard(
        name=name,
        title=title,
        title_zh=title_zh,
        stage=Stage.CENTER,
        domain=Domain.SINOGRAM,
        inputs={"sinogram": grey(DataKind.SINOGRAM, *grey_values)},
        output=Port(DataKind.CENTER, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=references,
        limits=limits,
        default_on=default_on,
        bands=ROWS,
        band_rows=1,
    )


class AxisFinder(Tool):
    """A tool that measures the rotation axis; its work grows with the values that it looks at."""

    views: ClassVar[float] = math.inf  # most projections looked at
    work: ClassVar[float]  # nominal operations for one value
    scratch: ClassVar[float]  # bytes for one value
    together: ClassVar[int] = ROWS  # rows in memory at a time
    start: ClassVar[Cost] = Cost(0.0, 0.0)  # whatever the size

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        row = shape.columns * min(shape.frames, self.views)
        operations = self.work * row * min(shape.rows, ROWS)
        held = self.scratch * row * min(shape.rows, self.together)
        return Cost(self.start.operations + operations, self.start.bytes + held)
