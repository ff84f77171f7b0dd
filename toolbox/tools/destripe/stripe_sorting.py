"""Ring removal by sorting, algorithm 3 of Vo 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.stripes import running_median
from toolbox.tools.destripe.destriper import (
    WITHIN_THE_FIELD,
    Destriper,
    Sinogram,
    stripe_card,
    widest,
)


@dataclass(frozen=True)
class StripeSorting(Destriper):
    """Sorts each column by grey value, smooths along the columns with a running median, sorts back.

    After sorting, neighbouring columns differ little but for stripes, also for those that change
    with the grey value.

    >>> StripeSorting(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_sorting",
        title="sorting-based stripe removal",
        title_zh="排序法去条纹",
        references=("Vo, Atwood & Drakopoulos 2018, Opt. Express 26, 28396, algorithm 3",),
        limits="Wider stripes stay; neighbouring columns must see like grey values, so small "
        "isolated objects lose contrast at large strength.",
        suits=WITHIN_THE_FIELD,
    )
    work = 146.0
    scratch = 27.0

    strength: Annotated[
        int | None, widest("widest stripe removed; the running median spans twice as much")
    ] = None

    def clean(self, sinogram: Sinogram) -> Sinogram:
        by_column = np.ascontiguousarray(sinogram.T)
        order = np.argsort(by_column, axis=1)
        ranked = np.take_along_axis(by_column, order, axis=1)
        smooth = running_median(np.ascontiguousarray(ranked.T), 2 * (self.strength or 0) + 1)
        np.put_along_axis(by_column, order, smooth.T, axis=1)
        return np.ascontiguousarray(by_column.T)
