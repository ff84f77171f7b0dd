"""Ring removal by the mean projection."""

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
class StripeMean(Destriper):
    """Takes the narrow part of the mean over all projections off every projection.

    Narrow is what a running parabola over twice the strength does not follow.

    >>> StripeMean(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_mean",
        title="mean-projection stripe removal",
        title_zh="平均投影去条纹",
        references=("Rivers 1998, Tutorial: X-ray Computed Microtomography Data Processing",),
        limits="Only stripes that are the same in all projections. Still structure narrower "
        "than the strength (a tube wall around the axis) is taken off too.",
        suits=WITHIN_THE_FIELD,
    )
    work = 10.0

    strength: Annotated[
        int | None,
        widest("widest stripe removed; larger also takes off still structure of that width"),
    ] = None

    def clean(self, sinogram: Sinogram) -> Sinogram:
        mean = sinogram.mean(axis=0, dtype=np.float64)
        stripes = mean - running_parabola(mean, 2 * (self.strength or 0) + 1)
        return sinogram - stripes.astype(np.float32)
