"""Rotation axis by the sharpness of slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param
from toolbox.tool import Cost
from toolbox.tools.center.axis_finder import AxisFinder, axis_card
from toolbox.values import Block, Center


@dataclass(frozen=True)
class CenterSharpness(AxisFinder):
    """Rotation axis by the sharpness of band-passed slices at candidate axes, coarse to fine.

    Three measures (skewness and concentration of the gradient, concentration of the slice) speak
    side by side, over tiles of several rows; their spread makes the interval. ``about`` starts the
    search somewhere else than at the middle of the detector. Any scan will do.

    >>> CenterSharpness().card.split.value, CenterSharpness().card.output.kind.value
    ('sample', 'center')
    """

    card = axis_card(
        name="center_sharpness",
        title="axis by the sharpness of slices",
        title_zh="切片锐度求轴",
        references=(
            "Donath et al. 2006, J. Opt. Soc. Am. A 23, 1048 (image metrics for centring)",
        ),
        limits="Few views or limited angles flatten the maximum; the interval says so. "
        "Planned only where it is named: some real scans were px off (`tomoplan bench tools`).",
        default_on=False,
    )
    views, work, scratch, together = 360, 200.0, 64.0, 1
    start = Cost(3e7, 3e7)

    about: Annotated[
        float | None, Param("column to search around", "px", auto="the middle of the detector")
    ] = None

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.sharpness(sinogram, self.about)
