"""Ring removal by fitting along the angle, algorithm 1 of Vo 2018."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param
from toolbox.tools.destripe.destriper import Destriper, Sinogram, stripe_card, widest


@dataclass(frozen=True)
class StripeFitting(Destriper):
    """Fits each column by a low polynomial along the angle, smooths the fits across the columns.

    What smoothing takes from the fits is the stripes, which may change slowly over the scan. The
    difference is taken off (Vo: the ratio is divided out), as stripes add up after −log.

    >>> StripeFitting(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_fitting",
        title="fitting-based stripe removal",
        title_zh="拟合法去条纹",
        references=("Vo, Atwood & Drakopoulos 2018, Opt. Express 26, 28396, algorithm 1",),
        limits="Made for low-pass stripes of smooth samples: blurs structure that moves little"
        " over the scan, that is, near the axis.",
    )
    work = 14.0
    scratch = 14.0

    strength: Annotated[
        int | None,
        widest("twice σ of the smoothing along the columns; larger removes wider stripes"),
    ] = None
    order: Annotated[int, Param("degree of the polynomial along the angle", low=0, high=8)] = 2

    def clean(self, sinogram: Sinogram) -> Sinogram:
        from scipy.ndimage import gaussian_filter1d

        place = np.linspace(-1, 1, len(sinogram))
        order = min(self.order, len(sinogram) - 1)
        basis, _ = np.linalg.qr(np.polynomial.legendre.legvander(place, order))
        weights = basis.T @ sinogram
        rough = weights - gaussian_filter1d(weights, max(self.strength or 0, 1) / 2, axis=1)
        return sinogram - (basis @ rough).astype(np.float32)
