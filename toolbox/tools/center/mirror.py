"""Rotation axis by folding a full turn onto itself."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.card import Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CenterMirror(Tool):
    """Rotation axis of a full turn: its first half and the mirror image of its second half agree.

    For axes in the middle 70 % of the detector; :class:`CenterOverlap` is for the rest. Raises
    :class:`metadata.errors.InputError` for scans of less than a full turn.

    >>> CenterMirror().card.split.value, CenterMirror().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_mirror",
        title="axis by the mirror image of a full turn",
        title_zh="正弦图镜像求轴",
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
        limits="Needs a full turn; an axis beside the middle needs center_overlap.",
        bands=5,
        band_rows=1,
    )

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.mirror(sinogram, "mirror", 0.15, 0.85)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, 5)
        return Cost(
            60.0 * shape.columns * min(shape.frames, 500) * rows,
            40.0 * shape.columns * min(shape.frames, 500) * rows,
        )
