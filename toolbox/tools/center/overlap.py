"""Rotation axis of a half-acquisition scan."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param
from toolbox.tools.center.axis_finder import AxisFinder, axis_card
from toolbox.values import Block, Center


@dataclass(frozen=True)
class CenterOverlap(AxisFinder):
    """Rotation axis of a full turn taken with the axis near one end of the detector.

    Opposite projections share a strip around the axis; where their strips agree best is the axis.
    ``side`` says which end it is near. Raises :class:`metadata.errors.InputError` for scans of less
    than a full turn.

    >>> CenterOverlap().card.split.value, CenterOverlap().card.output.kind.value
    ('sample', 'center')
    """

    card = axis_card(
        name="center_overlap",
        title="axis by the overlap of a 360° offset scan",
        title_zh="半采集重叠求轴",
        references=(
            "Vo et al. 2021, J. Synchrotron Rad. 28, 1341 (360° scans, overlap of opposite views)",
        ),
        limits="Needs a full turn; the overlap must hold structure.",
    )
    views, work, scratch = 500, 60.0, 40.0

    side: Annotated[
        str, Param("end of the detector that the axis is near", choices=("either", "left", "right"))
    ] = "either"

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        low = 0.5 if self.side == "right" else 0.03
        high = 0.5 if self.side == "left" else 0.97
        return single.mirror(sinogram, "overlap", low, high)
