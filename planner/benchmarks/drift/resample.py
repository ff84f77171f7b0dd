"""Intervals of a summary over histories, by drawing the histories again."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import TypeVar

import numpy as np

T = TypeVar("T")


@dataclass(frozen=True)
class Figure:
    """A number with its 95 % interval; NaN where there is nothing to take it from."""

    value: float
    low: float
    high: float

    def __str__(self) -> str:
        return f"{self.value:.3g} ({self.low:.3g} to {self.high:.3g})"


def figure(
    items: Sequence[T], summary: Callable[[Sequence[T]], float], resamples: int, seed: int = 0
) -> Figure:
    """``summary`` of the items, and its 2.5 and 97.5 % points over bootstrap samples of them.

    >>> figure([1.0, 1.0, 1.0], lambda v: sum(v) / len(v), 20)
    Figure(value=1.0, low=1.0, high=1.0)
    """
    if len(items) == 0:
        return Figure(float("nan"), float("nan"), float("nan"))
    rng = np.random.default_rng(seed)
    drawn = [
        summary([items[k] for k in rng.integers(0, len(items), len(items))])
        for _ in range(resamples)
    ]
    low, high = np.nanpercentile(drawn, [2.5, 97.5])
    return Figure(float(summary(items)), float(low), float(high))
