"""Removal of dead and fluctuating columns, algorithm 6 of Vo 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param
from toolbox.stripes import running_median, standing_out, widened
from toolbox.tools.destripe.destriper import Destriper, Sinogram, bridged, stripe_card, widest

LEAST_CHANGE = 0.5  # logarithm: by a factor of about 1.6


@dataclass(frozen=True)
class StripeDead(Destriper):
    """Draws columns that fluctuate far more or less along the angle than those around linearly
    between their neighbours. Other columns stay exactly as they are.

    >>> StripeDead(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_dead",
        title="dead-stripe removal",
        title_zh="去除坏列条纹",
        references=("Vo, Atwood & Drakopoulos 2018, Opt. Express 26, 28396, algorithms 4 and 6",),
        limits="Only columns that do not follow the light; steady stripes need another tool "
        "after it. Nothing is done where more than a third of the columns stand out.",
    )
    work = 60.0

    strength: Annotated[
        int,
        widest(
            "widest dead stripe removed; what is usual is a running median over twice as much",
            auto="",
        ),
    ] = 25
    threshold: Annotated[float, Param("how far a column must stand out, in spreads of all columns",
                                      low=1.0, high=100.0)] = 3.0  # fmt: skip

    def clean(self, sinogram: Sinogram) -> Sinogram:
        if len(sinogram) < 8:
            return sinogram.copy()
        # Second differences along the angle see little of the sample, and their median less.
        unrest = np.median(np.abs(np.diff(sinogram, n=2, axis=0)), axis=0).astype(np.float64)
        least = 1e-6 * float(np.abs(sinogram).max()) + 1e-30
        usual = running_median(unrest, 2 * (self.strength or 0) + 1)
        change = np.log((unrest + least) / (usual + least))
        dead = standing_out(change, self.threshold) & widened(np.abs(change) > LEAST_CHANGE)
        result = sinogram.copy()
        if 3 * int(dead.sum()) <= len(dead) and dead.any():
            result[:, dead] = np.nan
            result = bridged(result, np.broadcast_to(dead, result.shape))
        return result
