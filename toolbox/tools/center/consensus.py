"""Rotation axis by several methods that check one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CenterConsensus(Tool):
    """Rotation axis, tilt and a 95 % interval by all methods that the scan allows, over several
    rows.

    Each method's say is weighed by how surely its maximum stands out and by its record in
    simulated worlds. ``warnings`` tell where the data cannot tell. Half and full turns, offset
    axes, few views, limited angles.

    >>> CenterConsensus().card.split.value, CenterConsensus().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_consensus",
        title="axis by consensus of several methods",
        title_zh="多方法一致求轴",
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
            "Vo et al. 2014, Opt. Express 22, 19078 (double-wedge criterion)",
            "Donath et al. 2006, J. Opt. Soc. Am. A 23, 1048 (image metrics for centring)",
            "Ludwig 1966, Commun. Pure Appl. Math. 19, 49 (consistency of projections)",
        ),
        limits="The interval rests on simulated worlds; motion widens it only in part.",
        bands=5,
        band_rows=1,
    )

    effort: Annotated[str, Param("how much to look at", choices=("quick", "full"))] = "full"

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import estimate_center

        return estimate_center(sinogram, self.effort)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, 5)
        return Cost(
            1e8 + 500.0 * shape.columns * min(shape.frames, 1000) * rows,
            3e7 + 100.0 * shape.columns * min(shape.frames, 1000) * rows,
        )
