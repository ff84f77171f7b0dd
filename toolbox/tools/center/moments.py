"""Rotation axis by the centre of mass of the views."""

from __future__ import annotations

from dataclasses import dataclass

from toolbox.tools.center.axis_finder import AxisFinder, axis_card
from toolbox.values import Block, Center


@dataclass(frozen=True)
class CenterMoments(AxisFinder):
    """Rotation axis by Helgason–Ludwig consistency of first order: the centre of mass of each view
    is c + x cos θ + y sin θ, and c the axis.

    Needs no opposite projections, so it serves limited angles. Raises
    :class:`metadata.errors.InputError` where the specimen is not wholly in view.

    >>> CenterMoments().card.split.value, CenterMoments().card.output.kind.value
    ('sample', 'center')
    """

    card = axis_card(
        name="center_moments",
        title="axis by centre-of-mass consistency",
        title_zh="质心一致性求轴",
        references=(
            "Ludwig 1966, Commun. Pure Appl. Math. 19, 49 (consistency of projections)",
            "Azevedo et al. 1990, IEEE Trans. Nucl. Sci. 37, 1525 (axis by centre of mass)",
        ),
        limits="The whole specimen in every view, and a flat background.",
    )
    work, scratch = 10.0, 24.0

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering import single

        return single.moments(sinogram)
