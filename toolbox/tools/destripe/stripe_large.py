"""Removal of broad or partial rings, algorithm 5 of Vo 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param
from toolbox.noise import noise_sigma
from toolbox.stripes import running_median, standing_out
from toolbox.tools.destripe.destriper import Destriper, Sinogram, stripe_card, widest


@dataclass(frozen=True)
class StripeLarge(Destriper):
    """Finds columns that stand out after sorting and takes their ranks from the columns around.

    Columns are sorted by grey value and smoothed along the columns by a running median; where the
    mean difference stands out (algorithm 4) the smoothed values, put back in order, replace the
    column. Other columns stay exactly as they are.

    >>> StripeLarge(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_large",
        title="large-stripe removal",
        title_zh="去除宽条纹",
        references=("Vo, Atwood & Drakopoulos 2018, Opt. Express 26, 28396, algorithms 4 and 5",),
        limits="Only columns that stand out; the faint stripes beside them need another tool "
        "after it. Grey values vary along the ranks, so small isolated objects behind a"
        " stripe lose contrast.",
    )
    work = 180.0
    scratch = 30.0

    strength: Annotated[
        int | None, widest("widest stripe removed; the running median spans twice as much")
    ] = None
    threshold: Annotated[float, Param("how far a column must stand out, in spreads of all columns",
                                      low=1.0, high=100.0)] = 5.0  # fmt: skip

    def clean(self, sinogram: Sinogram) -> Sinogram:
        if sinogram.size < 64:
            return sinogram.copy()
        by_column = np.ascontiguousarray(sinogram.T)
        order = np.argsort(by_column, axis=1)
        ranked = np.ascontiguousarray(np.take_along_axis(by_column, order, axis=1).T)
        smooth = running_median(ranked, 2 * (self.strength or 0) + 1)
        # The lowest and highest twentieth say more about the sample than about the column.
        cut = len(ranked) // 20
        kept = slice(cut, len(ranked) - cut)
        difference = (ranked[kept] - smooth[kept]).mean(axis=0, dtype=np.float64)
        stripes = standing_out(difference, self.threshold, noise_sigma(sinogram) / 2)
        result = sinogram.copy()
        back = np.empty_like(by_column[stripes])
        np.put_along_axis(back, order[stripes], smooth.T[stripes], axis=1)
        result[:, stripes] = back.T
        return result
