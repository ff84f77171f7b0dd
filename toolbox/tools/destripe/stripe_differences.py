"""Ring removal by the median of differences (unidirectional variation)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.stripes import running_parabola
from toolbox.tools.destripe.destriper import (
    WITHIN_THE_FIELD,
    Destriper,
    Sinogram,
    stripe_card,
    widest,
)


@dataclass(frozen=True)
class StripeDifferences(Destriper):
    """Adds up the steps between neighbouring columns that most projections share.

    The offsets q that minimise the total variation along the columns, ``Σ |∂(sinogram − q)|``, have
    the median over projections of the differences as their steps; what a running parabola over
    twice the strength follows is given back.

    >>> StripeDifferences(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_differences",
        title="total-variation stripe removal",
        title_zh="单向变分去条纹",
        references=("Bouali & Ladjal 2011, IEEE Trans. Geosci. Remote Sens. 49, 2924",),
        limits="Only stripes that are the same in all projections, as the limiting case of the"
        " variational method. Steps that most projections share are taken for stripes.",
        suits=WITHIN_THE_FIELD,
    )
    work = 49.0

    strength: Annotated[
        int | None,
        widest("widest stripe removed; larger also takes off still structure of that width"),
    ] = None

    def clean(self, sinogram: Sinogram) -> Sinogram:
        step = np.median(np.diff(sinogram, axis=1), axis=0).astype(np.float64)
        offsets = np.concatenate([[0.0], np.cumsum(step)])
        offsets -= running_parabola(offsets, 2 * (self.strength or 0) + 1)
        return sinogram - offsets.astype(np.float32)
