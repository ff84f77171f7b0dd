"""Ring removal by wavelets and Fourier filtering, Münch 2009."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param
from toolbox.tools.destripe.destriper import Destriper, Sinogram, stripe_card, widest


@dataclass(frozen=True)
class StripeWavelet(Destriper):
    """Damps the lowest angular frequencies of the wavelet coefficients of vertical detail.

    Decomposed so deep that details as wide as the strength are reached; ``damping`` is σ of the
    Gaussian notch along the angle, in units of one period over the scan.

    >>> StripeWavelet(strength=9).strength
    9
    """

    card = stripe_card(
        name="stripe_wavelet",
        title="wavelet–Fourier stripe removal",
        title_zh="小波–傅里叶去条纹",
        references=("Münch, Trtik, Marone & Stampanoni 2009, Opt. Express 17, 8567",),
        limits="Structure that is nearly still over the scan is damped like a stripe; faint "
        "shadows beside strong objects at large strength.",
        library="PyWavelets",
        licence="MIT",
    )
    work = 107.0
    scratch = 18.0

    strength: Annotated[
        int | None, widest("widest stripe removed: the decomposition has log2 of it levels")
    ] = None
    damping: Annotated[float, Param("width of the notch at zero angular frequency",
                                    low=0.1, high=50)] = 1.5  # fmt: skip
    wavelet: Annotated[
        str, Param("mother wavelet", choices=("db2", "db5", "db9", "db15", "sym8", "coif3"))
    ] = "db5"

    def clean(self, sinogram: Sinogram) -> Sinogram:
        import pywt
        from scipy.fft import dct, idct

        deepest = pywt.dwtn_max_level(sinogram.shape, self.wavelet)
        levels = min(max(1, round(np.log2(max(self.strength or 0, 2)))), max(deepest, 1))
        parts = pywt.wavedec2(sinogram, self.wavelet, mode="symmetric", level=levels)
        damped = [parts[0]]
        for across, along, diagonal in parts[1:]:
            spectrum = dct(along, axis=0, norm="ortho")
            # The k-th cosine makes k/2 periods over the scan.
            periods = np.arange(len(spectrum)) / 2
            spectrum *= (1 - np.exp(-(periods**2) / (2 * self.damping**2)))[:, None].astype(
                np.float32
            )
            damped.append((across, idct(spectrum, axis=0, norm="ortho"), diagonal))
        back = pywt.waverec2(damped, self.wavelet, mode="symmetric")
        return np.ascontiguousarray(back[: sinogram.shape[0], : sinogram.shape[1]], np.float32)
