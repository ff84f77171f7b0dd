"""Moving lines of pixels along themselves by a fraction of a pixel."""

from __future__ import annotations

from typing import TypeVar

import numpy as np
from numpy.typing import NDArray

T = TypeVar("T", float, NDArray[np.float64])


def shifted_lines(values: NDArray[np.float32], by: float, columns: int) -> NDArray[np.float32]:
    """``columns`` samples of lines (last axis) at positions ``by, by + 1 …``, float32.

    Cubic convolution (Keys 1981, doi:10.1109/TASSP.1981.1163711), exact where ``by`` is whole;
    beyond the ends the last value goes on.

    >>> shifted_lines(np.arange(6, dtype=np.float32), 1.5, 3).tolist()
    [1.5, 2.5, 3.5]
    """
    whole = int(np.floor(by))
    t = by - whole
    last = values.shape[-1] - 1
    at = whole + np.arange(columns)
    if t < 1e-6:
        return values[..., np.clip(at, 0, last)]
    lines = np.zeros((*values.shape[:-1], columns), np.float32)
    for step, weight in cubic_weights(t):
        lines += np.float32(weight) * values[..., np.clip(at + step, 0, last)]
    return lines


def cubic_weights(t: T) -> list[tuple[int, T]]:
    """Weights of cubic convolution for the pixels −1, 0, 1, 2 from the one before a place that
    lies ``t`` of a pixel behind it.

    >>> cubic_weights(0.5)
    [(-1, -0.0625), (0, 0.5625), (1, 0.5625), (2, -0.0625)]
    """
    return [
        (-1, -0.5 * t + t**2 - 0.5 * t**3),
        (0, 1 - 2.5 * t**2 + 1.5 * t**3),
        (1, 0.5 * t + 2 * t**2 - 1.5 * t**3),
        (2, -0.5 * t**2 + 0.5 * t**3),
    ]
