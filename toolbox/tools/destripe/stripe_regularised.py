"""Ring removal by regularisation, Titarenko 2010."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.tools.destripe.destriper import Destriper, Sinogram, stripe_card, widest


@dataclass(frozen=True)
class StripeRegularised(Destriper):
    """Finds the column offsets that make the mean projection smooth at the least size of offset.

    Minimises ``|∂(mean − q)|² + |q|² / strength²`` over the offsets q (Tikhonov), a tridiagonal
    system, and takes q off every projection.

    >>> StripeRegularised(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_regularised",
        title="regularisation-based stripe removal",
        title_zh="正则化去条纹",
        references=("Titarenko, Withers & Yagola 2010, Appl. Math. Lett. 23, 1489",),
        limits="Only stripes that are the same in all projections; edges of still structure "
        "are smoothed too, over about the strength.",
    )
    work = 6.0

    strength: Annotated[
        int | None,
        widest("length over which offsets are told from structure; larger removes wider stripes"),
    ] = None

    def clean(self, sinogram: Sinogram) -> Sinogram:
        from scipy.linalg import solveh_banded

        mean = sinogram.mean(axis=0, dtype=np.float64)
        columns = len(mean)
        bands = np.full((2, columns), -1.0)
        bands[1] = 2.0
        bands[1, [0, -1]] = 1.0
        bands[1] += 1.0 / max(self.strength or 0, 1) ** 2
        step = np.diff(mean)
        right = np.zeros(columns)
        right[:-1] -= step
        right[1:] += step
        return sinogram - solveh_banded(bands, right).astype(np.float32)
