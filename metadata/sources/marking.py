"""What cannot be a reading of its time: a clock that leaps or goes back, a value that is held."""

from __future__ import annotations

import math
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.series import Mark, Samples, Times, Values

LEAP = 366 * 86400.0  # s; a clock that leaps further is only believed when the next sample agrees
PATIENCE = 10  # samples in a row far behind, after which it was the earlier ones that were wrong
SURE = 1e-9  # chance that as many equal readings in a row are readings
FEWEST = 8  # equal readings in a row before anything is said of them
LEARNT = 40  # readings before anything is said


@dataclass
class Marker:
    """Marks the samples of one metric as they come; what is said of one depends on those before.

    ``MISTIMED``: its time is before that of a sample that came earlier, or more than a year ahead
    with the next one not there too. Samples that are left unmarked rise in time.
    ``DISCONNECTED``: the same number came more often in a row than this metric's readings ever
    do; a held zero is not marked, which is what things say that are off. Marks that the source
    made stay.

    >>> marker = Marker()
    >>> noise = np.random.default_rng(0).normal(size=100)
    >>> block = Samples.of("axis", np.arange(120.0), np.r_[noise, np.full(20, noise[-1])])
    >>> (marker.mark(block).marks == Mark.DISCONNECTED).nonzero()[0].tolist()[:2]
    [106, 107]
    """

    latest: float = -math.inf
    leapt: float = math.nan  # a time far ahead that the next sample has to agree with
    behind: float = math.nan  # … and the last of a row of times far behind
    patience: int = 0
    held: float = math.nan
    run: int = 0  # how often the value came in a row
    longest: int = 0  # of the runs before that are believed, and how many readings they had,
    count: int = 0
    repeats: int = 0  # and how many of these were as the one before

    def mark(self, samples: Samples) -> Samples:
        """The same samples with what is found added to their marks."""
        if not len(samples):
            return samples
        marks = samples.marks.copy()
        marks[self._mistimed(samples.times)] = Mark.MISTIMED
        good = marks == Mark.GOOD
        held = np.zeros(len(marks), dtype=bool)
        held[good] = self._flat(samples.values[good])
        marks[held] = Mark.DISCONNECTED
        return replace(samples, marks=marks)

    def to_json(self) -> dict[str, Any]:
        """What it knows, as plain numbers."""
        return {name: getattr(self, name) for name in self.__dataclass_fields__}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Marker:
        """The marker that :meth:`to_json` wrote."""
        return cls(**document)

    def _mistimed(self, times: Times) -> NDArray[np.bool_]:
        steps = np.diff(times, prepend=self.latest if math.isfinite(self.latest) else times[0] - 1)
        if np.all((steps > 0) & (steps < LEAP)):
            self.latest = float(times[-1])
            self.leapt = self.behind = math.nan
            self.patience = 0
            return np.zeros(len(times), dtype=bool)
        return np.array([self._wrong(float(time)) for time in times], dtype=bool)

    def _wrong(self, time: float) -> bool:
        if not math.isfinite(self.latest):
            self.latest = time
            return False
        if time > self.latest + LEAP:
            agreed = self.leapt < time < self.leapt + LEAP
            self.leapt, self.patience = time, 0
            if agreed:
                self.latest, self.leapt = time, math.nan
            return not agreed
        self.leapt = math.nan
        if time > self.latest:
            self.latest, self.patience = time, 0
            return False
        if time < self.latest - LEAP:
            self.patience = self.patience + 1 if time > self.behind else 1
            self.behind = time
            if self.patience >= PATIENCE:
                self.latest, self.patience = time, 0
                return False
        return True

    def _flat(self, values: Values) -> NDArray[np.bool_]:
        """Which readings are held ones; ``values`` without those that are marked already."""
        found = np.zeros(len(values), dtype=bool)
        if not len(values):
            return found
        same = np.diff(values, prepend=self.held) == 0
        # The first run is the one that went on when the last block ended, if only for that long.
        begins = np.r_[-self.run, np.flatnonzero(~same)]
        lengths = np.diff(begins, append=len(values))
        last = len(lengths) - 1
        readings = np.r_[0, np.cumsum(lengths)]  # before each run
        repeats = np.r_[0, np.cumsum(np.maximum(lengths - 1, 0))]
        shorter = np.where(lengths < FEWEST, lengths, 0)
        shorter = np.r_[0, np.maximum.accumulate(shorter)]
        readings, repeats = readings + self.count, repeats + self.repeats
        for i in np.flatnonzero(lengths >= FEWEST):
            begin, length = int(begins[i]), int(lengths[i])
            longest = max(self.longest, int(shorter[i]))
            limit = self._limit(int(readings[i]), int(repeats[i]), longest)
            value = self.held if begin < 0 else values[begin]
            if length >= limit and value != 0:
                found[max(begin + limit - 1, 0) : begin + length] = True
                readings[i + 1 :] -= length  # they say nothing of how readings repeat
                repeats[i + 1 :] -= length - 1
            elif i < last:
                self.longest = max(self.longest, length)
        self.longest = max(self.longest, int(shorter[last]))
        self.count, self.repeats = int(readings[last]), int(repeats[last])
        self.run, self.held = int(lengths[last]), float(values[-1])
        return found

    def _limit(self, count: int, repeats: int, longest: int) -> int:
        """Equal readings in a row that are too many."""
        if count < LEARNT:
            return np.iinfo(np.int64).max
        share = (repeats + 1) / (count + 2)
        chance = math.log(SURE) / math.log(min(share, 1 - 1e-9))
        return max(FEWEST, math.ceil(chance), 2 * longest)
