"""Removal of all kinds of rings, Vo 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param, ToolCard
from toolbox.kinds import Domain, Split, Stage
from toolbox.tools.destripe.destriper import AUTO, CLEANED, SINOGRAM, Destriper, Sinogram
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

    card = ToolCard(
        name="stripe_all",
        title="combined stripe removal",
        title_zh="综合去条纹",
        stage=Stage.DESTRIPE,
        domain=Domain.SINOGRAM,
        inputs=SINOGRAM,
        output=CLEANED,
        split=Split.ROWS,
        references=("Vo, Atwood & Drakopoulos 2018, Opt. Express 26, 28396, algorithms 3 to 6",),
        limits="Slower than each alone. Small isolated objects lose contrast at large strength. "
        "NaN are bridged and come out where they were.",
        bands=3,
    )
    work = 490.0
    scratch = 36.0
    strengths = (0, 1, 2, 3, 5, 9, 15)

    strength: Annotated[
        int | None,
        Param("widest of the faint stripes removed", unit="col", low=0, high=501, auto=AUTO),
    ] = None
    threshold: Annotated[float, Param("how far a column must stand out, in spreads of all columns",
                                      low=1.0, high=100.0)] = 3.0  # fmt: skip

    def clean(self, sinogram: Sinogram) -> Sinogram:
        strength = self.strength or 0
        alive = StripeDead(3 * strength, self.threshold).clean(sinogram)
        even = StripeLarge(3 * strength, self.threshold).clean(alive)
        return StripeSorting(strength).clean(even)
