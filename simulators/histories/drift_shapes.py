"""How a drift grows: 0 at its onset, 1 when its life is over, and what it would do after."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]
Growth = Callable[[Values], Values]

SHAPES = ("linear", "wear", "settling", "jumps", "step_creep", "ageing")


def growth(shape: str, power: float, rng: np.random.Generator) -> Growth:
    """The growth of one drift over ``u``, the part of its life that is over.

    ``linear``; ``wear``: u^power; ``settling``: an exponential that would end 15 to 60 % beyond
    the limit; ``jumps``: intermittent, mostly forward, on a quiet background; ``step_creep``: a
    step of 25 to 50 % of the way, then logarithmic creep; ``ageing``: linear in ``u``, which is
    then the part of the dose and not of the time.

    >>> float(growth("wear", 1.3, np.random.default_rng(0))(np.array([1.0]))[0])
    1.0
    """
    if shape == "wear":
        return lambda u: np.maximum(u, 0) ** power
    if shape == "settling":
        rate = float(np.log(1 + 1 / rng.uniform(0.15, 0.6)))  # 1/(1−e^−rate) = 1.15 … 1.6
        return lambda u: -np.expm1(-rate * np.maximum(u, 0)) / -np.expm1(-rate)
    if shape == "jumps":
        return _jumps(rng)
    if shape == "step_creep":
        step, knee = rng.uniform(0.25, 0.5), rng.uniform(0.1, 0.5)
        return lambda u: np.where(
            u >= 0, step + (1 - step) * np.log1p(np.maximum(u, 0) / knee) / np.log1p(1 / knee), 0.0
        )
    return lambda u: np.maximum(u, 0)


def _jumps(rng: np.random.Generator) -> Growth:
    """Bursts that fill 35 % of the life (2-BM's stripes); the record at u = 1 breaks the limit."""
    ends = np.cumsum(rng.exponential(0.04, 200) + 0.01)
    active = np.arange(200) % 20 < 7
    rng.shuffle(active)
    places = ends[active & (ends < 0.97)]
    later = np.sort(rng.uniform(1.05, 3.0, 25))
    sizes = rng.exponential(1.0, len(places)) * rng.choice([1.0, 1.0, 1.0, 1.0, -0.5], len(places))
    total = np.maximum(np.concatenate([[0.0], np.cumsum(sizes)]), 0)
    highest = float(total.max())
    last = highest + rng.exponential(1.0) + 0.3
    heights = np.concatenate([total, [last], last + np.cumsum(rng.exponential(1.0, 25))]) / last
    times = np.concatenate([[-np.inf], places, [1.0], later])
    return lambda u: heights[np.searchsorted(times, u, side="right") - 1]
