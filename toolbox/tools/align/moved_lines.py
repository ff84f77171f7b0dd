"""Whole stacks moved along an axis, each view by its own fraction of a pixel."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def moved_lines(values: NDArray[np.float32], by: NDArray[np.float64]) -> NDArray[np.float32]:
    """``values`` (``row, angle, col``) with each view moved to higher columns by ``by[angle]``.

    By phase ramps; the lines are mirrored at their ends, so nothing comes around from the other
    side.

    >>> line = np.exp(-((np.arange(40.0) - 15) ** 2) / 9)[None, None].astype("float32")
    >>> int(moved_lines(line, np.array([5.0]))[0, 0].argmax())
    20
    """
    columns = values.shape[-1]
    wave = np.fft.rfftfreq(2 * columns)
    ramp = np.exp(-2j * np.pi * np.asarray(by)[:, None] * wave).astype(np.complex64)
    moved = np.empty(values.shape, np.float32)
    for row, lines in enumerate(np.asarray(values, np.float32)):
        mirrored = np.concatenate([lines, lines[:, ::-1]], axis=1)
        moved[row] = np.fft.irfft(np.fft.rfft(mirrored, axis=1) * ramp, axis=1)[:, :columns]
    return moved
