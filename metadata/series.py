"""One metric over time: blocks of samples with their marks, and limits."""

from __future__ import annotations

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError

Times = NDArray[np.float64]  # unix s
Values = NDArray[np.float64]  # NaN: no reading


class Mark(IntEnum):
    """What a source knows of a sample beside its value."""

    GOOD = 0
    DISCONNECTED = 1  # the value is the last one known, not a reading
    RESTARTED = 2  # the first after a restart of what records it
    INVALID = 3  # the source itself calls it invalid
    MISTIMED = 4  # came with a time before one that was there already, or one that cannot be


@dataclass(frozen=True)
class Limits:
    """What must not be reached, in the metric's unit; an infinite side has no limit.

    >>> Limits.parse("-1:12.5"), Limits.parse(":3").low, Limits.parse("12.5").high
    (Limits(low=-1.0, high=12.5), -inf, 12.5)
    """

    low: float = -np.inf
    high: float = np.inf

    def __post_init__(self) -> None:
        if not self.low < self.high:
            raise InputError(
                f"A limit goes from {self.low:g} to {self.high:g}; expected a lower side that is "
                f"less than the upper, for instance --limit axis=-2:3.5 or --limit axis=:3.5."
            )

    @classmethod
    def parse(cls, text: str) -> Limits:
        """``HIGH`` or ``LOW:HIGH`` (either side may be empty)."""
        low, _, high = text.rpartition(":")
        try:
            return cls(float(low) if low.strip() else -np.inf,
                       float(high) if high.strip() else np.inf)  # fmt: skip
        except ValueError:
            raise InputError(
                f"The limit {text!r} is no number; expected HIGH or LOW:HIGH, for instance 12.5 "
                f"or -2:3.5 (either side may be empty)."
            ) from None


@dataclass(frozen=True, eq=False)
class Samples:
    """A block of one metric: ``times`` (unix s) in the order of arrival, ``values`` and ``marks``
    (:class:`Mark`, uint8) beside them."""

    metric: str
    times: Times
    values: Values
    marks: NDArray[np.uint8]
    unit: str = ""

    def __post_init__(self) -> None:
        if not len(self.times) == len(self.values) == len(self.marks):
            raise ValueError(f"{self.metric}: times, values and marks differ in length")

    @classmethod
    def of(cls, metric: str, times: Times, values: Values, unit: str = "") -> Samples:
        """All of them good readings, those that are NaN excepted.

        >>> Samples.of("axis", np.array([0.0, 1.0]), np.array([5.0, np.nan])).marks.tolist()
        [0, 3]
        """
        marks = np.where(np.isnan(values), np.uint8(Mark.INVALID), np.uint8(Mark.GOOD))
        return cls(metric, np.asarray(times, float), np.asarray(values, float), marks, unit)

    def __len__(self) -> int:
        return len(self.times)

    def __getitem__(self, chosen: slice | NDArray[np.bool_] | NDArray[np.int64]) -> Samples:
        return Samples(self.metric, self.times[chosen], self.values[chosen], self.marks[chosen],
                       self.unit)  # fmt: skip


@dataclass(frozen=True)
class MetricInfo:
    """What a source says of a metric beside its samples; metrics of the same ``source`` (not empty)
    that have no limits are followed together."""

    name: str
    unit: str = ""
    limits: Limits | None = None
    about: str = ""
    source: str = ""


@dataclass(frozen=True)
class LoggedEvent:
    """An entry of the log book: a regime that begins (``maintenance``, ``energy_change``,
    ``shutdown``, ``operation``, …), or anything else that was said."""

    time: float
    kind: str
    text: str = ""
