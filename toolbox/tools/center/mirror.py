"""Rotation axis by folding a full turn onto itself."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.tools.center.axis_finder import AxisFinder, axis_card
from toolbox.values import Block, Center


@dataclass(frozen=True)
class CenterMirror(AxisFinder):
    """Rotation axis of a full turn: its first half and the mirror image of its second half agree.

    For axes in the middle 70 % of the detector; :class:`CenterOverlap` is for the rest. Raises
    :class:`metadata.errors.InputError` for scans of less than a full turn.

    >>> CenterMirror().card.split.value, CenterMirror().card.output.kind.value
    ('sample', 'center')
    """

    card = axis_card(
        name="center_mirror",
        title="axis by the mirror image of a full turn",
        title_zh="正弦图镜像求轴",
        references=(
            "Vo et al. 2021, J. Synchrotron Rad. 28, 1341 (360° scans, overlap of opposite views)",
        ),
        limits="Needs a full turn; an axis beside the middle needs center_overlap. "
        "Planned only where it is named: some real scans were px off (`tomoplan bench tools`).",
        default_on=False,
    )
    views, work, scratch = 500, 60.0, 40.0

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.mirror(sinogram, "mirror", 0.15, 0.85)
