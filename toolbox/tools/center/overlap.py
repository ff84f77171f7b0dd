"""Rotation axis of a half-acquisition scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CenterOverlap(Tool):
    """Rotation axis of a full turn taken with the axis near one end of the detector.

    Opposite projections share a strip around the axis; where their strips agree best is the axis.
    ``side`` says which end it is near. Raises :class:`metadata.errors.InputError` for scans of less
    than a full turn.

    >>> CenterOverlap().card.split.value, CenterOverlap().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_overlap",
        title="axis by the overlap of a 360° offset scan",
        title_zh="半采集重叠求轴",
        stage=Stage.CENTER,
        domain=Domain.SINOGRAM,
        inputs={
            "sinogram": grey(
                DataKind.SINOGRAM, GreyState.ATTENUATION, GreyState.PHASE, GreyState.TRANSMISSION
            )
        },
        output=Port(DataKind.CENTER, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=(
            "Vo et al. 2021, J. Synchrotron Rad. 28, 1341 (360° scans, overlap of opposite views)",
        ),
        limits="Needs a full turn; the overlap must hold structure.",
        bands=5,
        band_rows=1,
    )

    side: Annotated[
        str, Param("end of the detector that the axis is near", choices=("either", "left", "right"))
    ] = "either"

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        low = 0.5 if self.side == "right" else 0.03
        high = 0.5 if self.side == "left" else 0.97
        return single.mirror(sinogram, "overlap", low, high)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, 5)
        return Cost(
            60.0 * shape.columns * min(shape.frames, 500) * rows,
            40.0 * shape.columns * min(shape.frames, 500) * rows,
        )
