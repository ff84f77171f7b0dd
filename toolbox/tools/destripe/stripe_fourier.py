"""Ring removal in Fourier space, Raven 1998."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param
from toolbox.tools.destripe.destriper import Destriper, Sinogram, stripe_card, widest


@dataclass(frozen=True)
class StripeFourier(Destriper):
    """Damps, at the lowest frequencies along the angle, what is fine along the columns.

    The sinogram is continued by its mirror image; at the ``rows`` lowest angular frequencies a
    Butterworth low-pass along the columns stays.

    >>> StripeFourier(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_fourier",
        title="Fourier stripe removal",
        title_zh="傅里叶去条纹",
        references=("Raven 1998, Rev. Sci. Instrum. 69, 2978",),
        limits="Linear: structure that is nearly still is damped like a stripe, and sharp "
        "stripes ring.",
    )
    work = 66.0

    strength: Annotated[
        int | None, widest("widest stripe removed; larger damps broader structure")
    ] = None
    rows: Annotated[
        int, Param("angular frequencies beside zero that are damped (in half turns of the scan)",
                   low=0, high=20)
    ] = 1  # fmt: skip
    order: Annotated[int, Param("steepness of the Butterworth filter", low=1, high=20)] = 4

    def clean(self, sinogram: Sinogram) -> Sinogram:
        from scipy.fft import dct, idct, irfft, rfft, rfftfreq

        spectrum = dct(sinogram, axis=0, norm="ortho")
        low = spectrum[: self.rows + 1]
        columns = low.shape[1]
        pad = min(columns, 4 * (self.strength or 0) + 8)
        padded = np.pad(low, ((0, 0), (pad, pad)), mode="edge")
        cut = 1.0 / (2 * max(self.strength or 0, 1))
        gain = 1 / (1 + (rfftfreq(padded.shape[1]) / cut) ** (2 * self.order))
        low[:] = irfft(rfft(padded, axis=1) * gain, n=padded.shape[1], axis=1)[
            :, pad : pad + columns
        ]
        return idct(spectrum, axis=0, norm="ortho").astype(np.float32, copy=False)
