"""What alignment cannot know of shifts, and leaves out."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray


def without_gauge(
    columns: NDArray[np.float64], angles_rad: NDArray[np.float64]
) -> NDArray[np.float64]:
    """Horizontal shifts, one for each view, less their part that no projection can show.

    A constant is another place of the rotation axis; a cosine and a sine of the angle are another
    place of the sample in the slice. All three are fitted and taken away, from estimates and, to
    compare, from the truth.

    >>> angles = np.linspace(0, np.pi, 7)
    >>> bool(np.abs(without_gauge(3 + 2 * np.sin(angles), angles)).max() < 1e-9)
    True
    """
    waves = np.stack([np.ones_like(angles_rad), np.cos(angles_rad), np.sin(angles_rad)], axis=1)
    return columns - waves @ np.linalg.lstsq(waves, columns, rcond=None)[0]
