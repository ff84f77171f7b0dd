"""Whether two halves of the views tell the same."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from toolbox.values import Block, Center


@dataclass(frozen=True)
class HalvesAgreement:
    """Pearson correlation inside the circle of slices from the even and from the odd views, and
    the period (px) at which their Fourier ring correlation falls below 1/7; None: at once."""

    correlation: float
    resolution_px: float | None


def halves_agreement(sinogram: Block, center: Center) -> HalvesAgreement:
    """Filtered back-projection of even and of odd views (axes ``row, angle, col``), compared.

    Noise of the two is independent, so what agrees is sample, or an artefact of all views (rings
    agree perfectly). Half the views are also sparser: the whole is better than this says.

    Reference: Saxton & Baumeister 1982, J. Microsc. 127, 127 (ring correlation); van Heel &
    Schatz 2005, J. Struct. Biol. 151, 250.
    """
    from toolbox.metrics import circle_mask, fourier_ring_correlation
    from toolbox.operators.blocks import as_tensor
    from toolbox.quality.beam import beam_of

    values = as_tensor(sinogram)
    even, odd = (
        beam_of(sinogram, center, views=slice(first, None, 2))
        .fbp(values[:, first::2].contiguous())
        .cpu()
        .numpy()
        for first in (0, 1)
    )
    mask = circle_mask(even.shape[-1])
    a, b = even[:, mask].astype(np.float64), odd[:, mask].astype(np.float64)
    a, b = a - a.mean(axis=1, keepdims=True), b - b.mean(axis=1, keepdims=True)
    power = float(np.sqrt((a * a).sum() * (b * b).sum()))
    correlation = float((a * b).sum()) / power if power > 0 else 0.0
    return HalvesAgreement(correlation, fourier_ring_correlation(even, odd).resolution_px)
