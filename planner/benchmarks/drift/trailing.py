"""The last values beside those before them, for scores that compare the two."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]


def trailing(
    values: Values, long: int, short: int, least: float
) -> tuple[Values, Values, NDArray[np.intp]]:
    """At each value: how far the mean of the last ``short`` is from that of the ``long`` before
    them, the deviation of these (a variance of ``least`` at the least), and how many they were.

    >>> off, deviation, many = trailing(np.array([0.0, 2.0, 0.0, 2.0, 5.0]), 4, 1, 1e-12)
    >>> float(off[-1]), float(deviation[-1]), int(many[-1])
    (4.0, 1.0, 4)
    """
    moved = values - values[0]
    sums, squares = (np.cumsum(np.pad(moved**power, (1, 0))) for power in (1, 2))
    end = np.arange(1, len(values) + 1)
    middle = np.maximum(end - short, 0)
    start = np.maximum(middle - long, 0)
    many = np.maximum(middle - start, 1)
    mean = (sums[middle] - sums[start]) / many
    deviation = np.sqrt(np.maximum((squares[middle] - squares[start]) / many - mean**2, least))
    recent = (sums[end] - sums[middle]) / (end - middle)
    return recent - mean, deviation, many
