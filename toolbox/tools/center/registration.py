"""Rotation axis by registering opposite projections."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.tools.center.axis_finder import AxisFinder, axis_card
from toolbox.values import Block, Center


@dataclass(frozen=True)
class CenterRegistration(AxisFinder):
    """Rotation axis by correlating projections with the mirror images of those half a turn away.

    Band-passed and destriped first, sub-pixel. Where the last projection is one step short of the
    half turn, pairs 1, 2 and 3 steps short are followed to 0. Raises
    :class:`metadata.errors.InputError` without opposite projections.

    >>> CenterRegistration().card.split.value, CenterRegistration().card.output.kind.value
    ('sample', 'center')
    """

    card = axis_card(
        name="center_registration",
        title="axis by 0/180 registration",
        title_zh="0/180°投影配准求轴",
        references=("Guizar-Sicairos et al. 2008, Opt. Lett. 33, 156 (sub-pixel registration)",),
        limits="A few projections decide: a specimen that moved during the scan misleads it. "
        "Planned only where it is named: some real scans were px off (`tomoplan bench tools`).",
        default_on=False,
    )
    views, work, scratch = 300, 60.0, 40.0

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.registration(sinogram)
