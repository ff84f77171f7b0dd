"""Slices moved to where the truth stands: alignment leaves open where that is."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.metrics import circle_mask

REACH_PX = 12


def placed(volume: NDArray[np.float32], truth: NDArray[np.float32]) -> NDArray[np.float32]:
    """A volume moved within its slices (``z, y, x``), all alike and by parts of a pixel, to where
    its structure inside the circle correlates best with that of the truth, up to 12 px away.

    The peak of the cross-correlation is refined by a parabola, and the move done by a phase ramp.
    """
    from scipy.ndimage import gaussian_filter

    mask = circle_mask(truth.shape[-1], 0.9)
    bands = [
        np.fft.rfft2(mask * (gaussian_filter(v, (0, 1, 1)) - gaussian_filter(v, (0, 16, 16))))
        for v in (truth, volume)
    ]
    likeness = np.fft.irfft2((bands[0] * np.conj(bands[1])).sum(axis=0), s=truth.shape[-2:])
    around = np.arange(-REACH_PX - 1, REACH_PX + 2)
    near = likeness[np.ix_(around, around)]
    inner = near[1:-1, 1:-1]
    row, column = np.unravel_index(int(np.argmax(inner)), inner.shape)
    move = [
        around[row + 1] + _vertex(near[row : row + 3, column + 1]),
        around[column + 1] + _vertex(near[row + 1, column : column + 3]),
    ]
    return shifted(volume, move[0], move[1])


def shifted(volume: NDArray[np.float32], down: float, right: float) -> NDArray[np.float32]:
    """Slices moved by parts of a pixel, periodically.

    >>> line = np.zeros((1, 4, 4), np.float32)
    >>> line[0, 1, 1] = 1
    >>> shifted(line, 1, 0)[0].argmax()
    np.int64(9)
    """
    size = volume.shape[-2:]
    ramp = np.exp(-2j * np.pi * np.add.outer(down * np.fft.fftfreq(size[0]),
                                             right * np.fft.rfftfreq(size[1])))  # fmt: skip
    moved = np.fft.irfft2(np.fft.rfft2(volume) * ramp, s=size)
    return np.asarray(moved, np.float32)


def _vertex(three: NDArray[np.float64]) -> float:
    bend = three[0] - 2 * three[1] + three[2]
    return float(np.clip(0.5 * (three[0] - three[2]) / bend, -0.5, 0.5)) if bend < 0 else 0.0
