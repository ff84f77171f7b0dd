"""Levels that were set anew without a word in any log book.

Where no log book says when there was maintenance, a step with rest after it is more often that than
a drift. How likely one or two of them are, at any times, is weighed against the drift; what jumps a
third time, or goes on after its step, is none of them.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metadata.drift.steps import FINE, courses

Floats = NDArray[np.float64]

EVERY_DAYS = 100.0  # one each so many days
MOST = 2


def steps_instead(
    whitening: NDArray[np.float32],
    white: NDArray[np.float32],
    rows: NDArray[np.int64],
    size: float,
) -> float:
    """Log of how much more likely the readings are when up to :data:`MOST` steps are allowed than
    with none; at least 0.

    ``white`` (rows,) readings and ``whitening`` (rows, rows) of the window's ``rows``; ``size``:
    standard deviation of the steps in units of the noise.
    """
    course = (whitening @ courses().step[rows]).astype(np.float64)
    a, b = white.astype(np.float64) @ course, np.einsum("ij,ij->j", course, course)
    both, variance = course.T @ course, size**2
    prior = np.log(np.gradient(FINE) / EVERY_DAYS)
    likely, total = 0.0, 0.0
    for _ in range(MOST):
        wide = 1 + variance * np.maximum(b, 0.0)
        each = prior + 0.5 * (variance * a**2 / wide - np.log(wide))
        likely += float(np.logaddexp.reduce(each))
        total = float(np.logaddexp(total, likely))
        # What the likeliest step leaves open to another one.
        best = int(np.argmax(each))
        share = variance / wide[best]
        a, b = a - share * a[best] * both[best], b - share * both[best] ** 2
        both = both - share * np.outer(both[:, best], both[best])
    return total
