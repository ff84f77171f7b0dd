"""A block of samples of one metric while it is worked on."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from metadata.drift.regimes import Timeline
from metadata.drift.verdict import Cause
from metadata.drift.verdicts import QUIET
from metadata.series import Samples

Floats = NDArray[np.float64]


@dataclass(eq=False)
class Block:
    """Of each of its samples (n,) what is known, and what is going to be said: ``clock`` (unix s),
    ``good`` readings, ``held`` (:class:`metadata.drift.stuck.Stuck`), ``regimes``, ``steady`` ones
    that are judged; ``anomalies`` (scores), what ``moved``, state ``codes``,
    ``numbers`` (score, limit, seconds to it, the least and the most of those) and the places of
    the ``causes`` that are ``named``, -1 for none."""

    samples: Samples
    timeline: Timeline
    clock: Floats
    values: Floats
    good: NDArray[np.bool_]
    held: NDArray[np.int8]
    regimes: NDArray[np.int8]
    steady: NDArray[np.bool_]
    anomalies: Floats = field(init=False)
    moved: NDArray[np.bool_] = field(init=False)
    codes: NDArray[np.int8] = field(init=False)
    numbers: Floats = field(init=False)
    named: NDArray[np.int16] = field(init=False)
    causes: list[tuple[Cause, ...]] = field(init=False, default_factory=list)

    def __post_init__(self) -> None:
        n = len(self.samples)
        self.anomalies, self.moved = np.zeros(n), np.zeros(n, bool)
        self.codes = np.full(n, QUIET, np.int8)
        self.numbers = np.full((5, n), np.nan)
        self.numbers[0] = 0.0
        self.named = np.full(n, -1, np.int16)
