"""Where crops of slices lie."""

from __future__ import annotations

import numpy as np


def in_circle(rng: np.random.Generator, size: int, side: int) -> tuple[slice, slice]:
    """Rows and columns of a square of ``side`` px in a slice of ``size`` px whose middle lies in
    the circle, so that no crop is all air.

    >>> in_circle(np.random.default_rng(0), 64, 64)
    (slice(0, 64, None), slice(0, 64, None))
    """
    away = max(size / 2 - side / 2, 0) * np.sqrt(rng.random())
    angle = rng.uniform(0, 2 * np.pi)
    top, left = (int(np.clip((size - side) / 2 + away * f(angle), 0, size - side))
                 for f in (np.sin, np.cos))  # fmt: skip
    return slice(top, top + side), slice(left, left + side)
