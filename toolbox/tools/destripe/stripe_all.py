"""Removal of all kinds of rings, Vo 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param
from toolbox.tools.destripe.destriper import (
    WITHIN_THE_FIELD,
    Destriper,
    Sinogram,
    stripe_card,
    widest,
)
from toolbox.tools.destripe.stripe_dead import StripeDead
from toolbox.tools.destripe.stripe_large import StripeLarge
from toolbox.tools.destripe.stripe_sorting import StripeSorting


@dataclass(frozen=True)
class StripeAll(Destriper):
    """Dead columns, then columns that stand out, then all others by sorting.

    stripe_dead and stripe_large for widths up to three times the strength, then stripe_sorting.

    >>> StripeAll(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_all",
        title="combined stripe removal",
        title_zh="综合去条纹",
        references=("Vo, Atwood & Drakopoulos 2018, Opt. Express 26, 28396, algorithms 3 to 6",),
        limits="Slower than each alone. Small isolated objects lose contrast at large strength.",
        suits=WITHIN_THE_FIELD,
    )
    work = 490.0
    scratch = 36.0
    strengths = (0, 1, 2, 3, 5, 9, 15)

    strength: Annotated[int | None, widest("widest of the faint stripes removed")] = None
    threshold: Annotated[float, Param("how far a column must stand out, in spreads of all columns",
                                      low=1.0, high=100.0)] = 3.0  # fmt: skip

    def clean(self, sinogram: Sinogram) -> Sinogram:
        strength = self.strength or 0
        alive = StripeDead(3 * strength, self.threshold).clean(sinogram)
        even = StripeLarge(3 * strength, self.threshold).clean(alive)
        return StripeSorting(strength).clean(even)
