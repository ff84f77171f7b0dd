"""Ring removal by the mean projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, ToolCard
from toolbox.kinds import Domain, Split, Stage
from toolbox.stripes import running_parabola
from toolbox.tools.destripe.destriper import AUTO, CLEANED, SINOGRAM, Destriper, Sinogram


@dataclass(frozen=True)
class StripeMean(Destriper):
    """Takes the narrow part of the mean over all projections off every projection.

    Narrow is what a running parabola over twice the strength does not follow.

    >>> StripeMean(strength=9).strength
    9
    """

    card = ToolCard(
        name="stripe_mean",
        title="mean-projection stripe removal",
        title_zh="平均投影去条纹",
        stage=Stage.DESTRIPE,
        domain=Domain.SINOGRAM,
        inputs=SINOGRAM,
        output=CLEANED,
        split=Split.ROWS,
        references=("Rivers 1998, Tutorial: X-ray Computed Microtomography Data Processing",),
        limits="Only stripes that are the same in all projections. Still structure narrower than "
        "the strength (a tube wall around the axis) is taken off too. NaN are bridged and "
        "come out where they were.",
        bands=3,
    )
    work = 10.0

    strength: Annotated[
        int | None,
        Param(
            "widest stripe removed; larger also takes off still structure of that width",
            unit="col",
            low=0,
            high=501,
            auto=AUTO,
        ),
    ] = None

    def clean(self, sinogram: Sinogram) -> Sinogram:
        mean = sinogram.mean(axis=0, dtype=np.float64)
        stripes = mean - running_parabola(mean, 2 * (self.strength or 0) + 1)
        return sinogram - stripes.astype(np.float32)
