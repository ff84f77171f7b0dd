"""The noise of reconstructed slices, and the strength that removes it."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
from numpy.typing import NDArray

from toolbox.noise import noise_sigma
from toolbox.values import Block

Slice = NDArray[np.float32]
WIDEST = 384  # px of a slice that calibration looks at


def central(values: NDArray[np.float32], widest: int = 1 << 30) -> NDArray[np.float32]:
    """The square inside the reconstructed circle, axes ``…, y, x``, at most ``widest`` px wide.

    >>> central(np.zeros((2, 100, 100), np.float32)).shape
    (2, 70, 70)
    """
    height, width = values.shape[-2:]
    if min(height, width) < 8:
        return values
    high = min(int(0.7 * height), widest)
    wide = min(int(0.7 * width), widest)
    top, left = (height - high) // 2, (width - wide) // 2
    return values[..., top : top + high, left : left + wide]


def slice_sigma(volume: Block) -> float:
    """Standard deviation of the noise in the slices of a volume (axes ``z, y, x``), in their unit:
    the median over slices, inside the reconstructed circle. 0 where it cannot be told."""
    found = []
    for image in central(volume.values):
        try:
            found.append(noise_sigma(image))
        except ValueError:
            continue
    return float(np.median(found)) if found else 0.0


def calibrate(
    volume: Block,
    denoise: Callable[[Slice, float, float], Slice],
    strengths: Sequence[float],
    sigma: float,
    slices: int = 3,
) -> float:
    """The strength whose result predicts pixels it has not seen best (self-supervision).

    ``denoise(slice, strength, sigma)`` is run on slices in which one pixel of 16 is replaced by
    the mean of its neighbours, and compared with the true values there.

    Reference: Batson & Royer 2019, Noise2Self, ICML (J-invariance).
    """
    from skimage.restoration import calibrate_denoiser

    # np.unique: a volume of one slice is looked at once
    chosen = np.unique(np.linspace(0, len(volume.values) - 1, slices).round().astype(int))
    total = np.zeros(len(strengths))
    for index in chosen:
        image = np.ascontiguousarray(central(volume.values[index], WIDEST))
        _, (_, losses) = calibrate_denoiser(
            image,
            lambda noisy, strength: denoise(noisy.astype(np.float32), strength, sigma),
            denoise_parameters={"strength": list(strengths)},
            extra_output=True,
        )
        total += np.asarray(losses) / max(float(np.var(image)), 1e-30)
    return float(strengths[int(np.argmin(total))])


def removed(before: Block, after: Block) -> str:
    """What a denoiser took out of a sample, in words."""
    first, second = central(before.values), central(after.values)
    change = float(np.sqrt(np.mean((first - second) ** 2, dtype=np.float64)))
    contrast = float(np.std(first, dtype=np.float64))
    part = f" ({100 * change / contrast:.0f} % of the contrast)" if contrast else ""
    return f"it takes out {change:.3g} RMS{part}"
