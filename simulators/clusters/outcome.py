"""What came of a queue."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Seconds = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Outcome:
    """By job, in order of arrival: ``completion`` (from arrival to the end, s), whether it had a
    deadline and whether that was broken; ``busy``: share of the slots' time that was used;
    ``ends``: when the last step ended."""

    completion: Seconds
    had_deadline: NDArray[np.bool_]
    broken: NDArray[np.bool_]
    busy: float
    ends: float

    @property
    def mean_completion(self) -> float:
        return float(self.completion.mean())

    @property
    def broken_share(self) -> float:
        """Broken deadlines among those that there were (0 where there were none)."""
        count = int(self.had_deadline.sum())
        return float(self.broken.sum()) / count if count else 0.0
