"""Rotation axis by the centre of mass of the views."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.card import Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CenterMoments(Tool):
    """Rotation axis by Helgason–Ludwig consistency of first order: the centre of mass of each view
    is c + x cos θ + y sin θ, and c the axis.

    Needs no opposite projections, so it serves limited angles. Raises
    :class:`metadata.errors.InputError` where the specimen is not wholly in view.

    >>> CenterMoments().card.split.value, CenterMoments().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_moments",
        title="axis by centre-of-mass consistency",
        title_zh="质心一致性求轴",
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
            "Ludwig 1966, Commun. Pure Appl. Math. 19, 49 (consistency of projections)",
            "Azevedo et al. 1990, IEEE Trans. Nucl. Sci. 37, 1525 (axis by centre of mass)",
        ),
        limits="The whole specimen in every view, and a flat background.",
        bands=5,
        band_rows=1,
    )

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.moments(sinogram)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, 5)
        return Cost(
            10.0 * shape.columns * shape.frames * rows,
            24.0 * shape.columns * shape.frames * rows,
        )
