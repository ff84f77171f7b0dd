"""Rotation axis by the sharpness of slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CenterSharpness(Tool):
    """Rotation axis by the sharpness of band-passed slices at candidate axes, coarse to fine.

    Three measures (skewness and concentration of the gradient, concentration of the slice) speak
    side by side, over tiles of several rows; their spread makes the interval. ``about`` starts the
    search somewhere else than at the middle of the detector. Any scan will do.

    >>> CenterSharpness().card.split.value, CenterSharpness().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_sharpness",
        title="axis by the sharpness of slices",
        title_zh="切片锐度求轴",
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
            "Donath et al. 2006, J. Opt. Soc. Am. A 23, 1048 (image metrics for centring)",
        ),
        limits="Few views or limited angles flatten the maximum; the interval says so.",
        bands=5,
        band_rows=1,
    )

    about: Annotated[
        float | None, Param("column to search around", "px", auto="the middle of the detector")
    ] = None

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.sharpness(sinogram, self.about)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, 5)
        return Cost(
            3e7 + 200.0 * shape.columns * min(shape.frames, 360) * rows,
            3e7 + 64.0 * shape.columns * min(shape.frames, 360),
        )
