"""Rotation axis by the Fourier double wedge."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.card import Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CenterFourier(Tool):
    """Rotation axis of a half turn: completed with its mirror image about the right axis, its
    spectrum is empty outside a double wedge.

    The energy outside is a Fourier series in the axis here, so all candidates cost one transform.
    Raises :class:`metadata.errors.InputError` for other scans than even half turns.

    >>> CenterFourier().card.split.value, CenterFourier().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_fourier",
        title="axis by the sinogram's Fourier wedge",
        title_zh="傅里叶双楔形求轴",
        stage=Stage.CENTER,
        domain=Domain.SINOGRAM,
        inputs={
            "sinogram": grey(
                DataKind.SINOGRAM, GreyState.ATTENUATION, GreyState.PHASE, GreyState.TRANSMISSION
            )
        },
        output=Port(DataKind.CENTER, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=("Vo et al. 2014, Opt. Express 22, 19078 (double-wedge criterion)",),
        limits="Even half turns only; few views or a specimen far beyond the view blur the wedge.",
        bands=5,
        band_rows=1,
    )

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.fourier(sinogram)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, 5)
        return Cost(
            120.0 * shape.columns * min(shape.frames, 1000) * rows,
            64.0 * shape.columns * min(shape.frames, 1000),
        )
