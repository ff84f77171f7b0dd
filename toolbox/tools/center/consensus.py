"""Rotation axis by several methods that check one another."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param
from toolbox.tool import Cost
from toolbox.tools.center.axis_finder import AxisFinder, axis_card
from toolbox.values import Block, Center


@dataclass(frozen=True)
class CenterConsensus(AxisFinder):
    """Rotation axis, tilt and a 95 % interval by all methods that the scan allows, over several
    rows.

    Each method's say is weighed by how surely its maximum stands out and by its record in
    simulated worlds. ``warnings`` tell where the data cannot tell. Half and full turns, offset
    axes, few views, limited angles.

    >>> CenterConsensus().card.split.value, CenterConsensus().card.output.kind.value
    ('sample', 'center')
    """

    card = axis_card(
        name="center_consensus",
        title="axis by consensus of several methods",
        title_zh="多方法一致求轴",
        references=(
            "Vo et al. 2014, Opt. Express 22, 19078 (double-wedge criterion)",
            "Donath et al. 2006, J. Opt. Soc. Am. A 23, 1048 (image metrics for centring)",
            "Ludwig 1966, Commun. Pure Appl. Math. 19, 49 (consistency of projections)",
        ),
        limits="The interval rests on simulated worlds; motion widens it only in part.",
    )
    views, work, scratch = 1000, 500.0, 100.0
    start = Cost(1e8, 3e7)

    effort: Annotated[str, Param("how much to look at", choices=("quick", "full"))] = "full"

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import estimate_center

        return estimate_center(sinogram, self.effort)
