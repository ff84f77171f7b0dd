"""Rotation axis by registering opposite projections."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.card import Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CenterRegistration(Tool):
    """Rotation axis by correlating projections with the mirror images of those half a turn away.

    Band-passed and destriped first, sub-pixel. Where the last projection is one step short of the
    half turn, pairs 1, 2 and 3 steps short are followed to 0. Raises
    :class:`metadata.errors.InputError` without opposite projections.

    >>> CenterRegistration().card.split.value, CenterRegistration().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_registration",
        title="axis by 0/180 registration",
        title_zh="0/180°投影配准求轴",
        stage=Stage.CENTER,
        domain=Domain.SINOGRAM,
        inputs={
            "sinogram": grey(
                DataKind.SINOGRAM, GreyState.ATTENUATION, GreyState.PHASE, GreyState.TRANSMISSION
            )
        },
        output=Port(DataKind.CENTER, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=("Guizar-Sicairos et al. 2008, Opt. Lett. 33, 156 (sub-pixel registration)",),
        limits="A few projections decide: a specimen that moved during the scan misleads it.",
        bands=5,
        band_rows=1,
    )

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.registration(sinogram)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, 5)
        return Cost(
            60.0 * shape.columns * min(shape.frames, 300) * rows,
            40.0 * shape.columns * min(shape.frames, 300) * rows,
        )
