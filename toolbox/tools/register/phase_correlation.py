"""The shift between two volumes from the phase of their spectra."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Volume = NDArray[np.float32]


def phase_shift(
    reference: Volume, moved: Volume, edges: bool = False
) -> tuple[NDArray[np.float64], float]:
    """How far what is in ``reference`` (``z, y, x``) lies further on in ``moved``, in whole px,
    and how far the peak stands above the noise of the correlation (in σ).

    The smaller volume is padded; a Hann window keeps the borders out. ``edges``: strengths of the
    gradients are compared instead of grey values, for modalities in which bright is dark.

    Kuglin & Hines 1975, Proc. IEEE Int. Conf. Cybernetics and Society, 163.

    >>> rng = np.random.default_rng(0)
    >>> a = rng.normal(size=(1, 32, 32)).astype(np.float32)
    >>> phase_shift(a, np.roll(a, (0, 2, -3), (0, 1, 2)))[0].tolist()
    [0.0, 2.0, -3.0]
    """
    from scipy import fft

    shape = tuple(max(a, b) for a, b in zip(reference.shape, moved.shape, strict=True))
    spectra = [fft.rfftn(_windowed(v, edges), shape) for v in (reference, moved)]
    cross = spectra[1] * spectra[0].conj()
    cross /= np.maximum(np.abs(cross), 1e-6 * np.abs(cross).max() + 1e-30)
    peaks = fft.irfftn(cross, shape)
    place = np.unravel_index(int(peaks.argmax()), shape)
    shift = np.array(
        [p if p <= n // 2 else p - n for p, n in zip(place, shape, strict=True)], float
    )
    spread = float(peaks.std())
    return shift, float(peaks.max()) / spread if spread > 0 else 0.0


def _windowed(volume: Volume, edges: bool) -> Volume:
    values = volume.astype(np.float32)
    if edges:
        parts = [np.gradient(values, axis=a) for a in range(3) if values.shape[a] > 1]
        values = np.sqrt(sum(p**2 for p in parts))
    values = values - values.mean()
    for axis, size in enumerate(values.shape):
        if size > 1:
            line = np.hanning(size + 2)[1:-1].astype(np.float32)
            values = values * line.reshape([-1 if a == axis else 1 for a in range(3)])
    return values
