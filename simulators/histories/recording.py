"""What is recorded of the instrument: sensor noise, gaps, disconnects, a faulty clock."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np
from numpy.typing import NDArray

from simulators.histories.instrument import Instrument
from simulators.histories.metrics import METRICS
from simulators.histories.random_access import BLOCK, Correlated, White, stream
from simulators.histories.schedule import Interval
from simulators.histories.settings import DAY

Values = NDArray[np.float64]

OUTLIER = 6.0
# Real readings have longer tails than a bell curve: a tenth of them is this much louder.
LOUD_SHARE, LOUD = 0.1, 2.5
CLOCK_FAULTS = ("clock_back", "duplicates", "disorder")


@dataclass(frozen=True)
class Rows:
    """Recorded rows: ``times`` (n,) in unix s as the clock said, values (n,), NaN: no reading."""

    times: Values
    values: dict[str, Values]


class Recording:
    """The record of an :class:`Instrument`, enterable at any sample number.

    Sample ``i`` was taken at ``ideal(i)``. Samples are made in blocks at fixed places: how they
    are asked for does not change them, to the last bit.
    """

    def __init__(self, instrument: Instrument) -> None:
        self.instrument = instrument
        history = self.history = instrument.history
        scans = instrument.schedule.scans
        self._scans = scans if history.cadence_s is None else None
        self.count = (
            len(scans) if history.cadence_s is None
            else int(np.ceil(history.days * DAY / history.cadence_s))
        )  # fmt: skip
        self.faults = _draw_faults(instrument)
        self._white = {n: White(history.seed, "noise", n) for n in history.names}
        self._tail = {n: White(history.seed, "tail", n, uniform=True) for n in history.names}
        self._memory = {
            n: Correlated(METRICS[n].memory_s, history.seed, "memory", n)
            for n in history.names
            if METRICS[n].memory_s > 0 and (history.cadence_s or 600.0) < 4 * METRICS[n].memory_s
        }
        self._block = {n: lru_cache(maxsize=2)(self._maker(n)) for n in history.names}

    def ideal(self, index: NDArray[np.int64]) -> Values:
        """Unix s at which samples were taken."""
        if self._scans is not None:
            return self._scans[index]
        step = float(self.history.cadence_s or 0.0)
        return self.history.start + step * index.astype(np.float64)

    def rows(self, start: int, stop: int) -> Rows:
        """Recorded samples ``start … stop``: lost ones left out, doubled ones twice."""
        index = np.arange(start, min(stop, self.count))
        taken = self._disordered(index)
        ideal = self.ideal(taken)
        clock = ideal.copy()
        twice = np.ones(len(index), dtype=np.int64)
        lost = np.zeros(len(index), dtype=bool)
        for fault in self.faults:
            inside = (ideal >= fault.start) & (ideal < fault.end)
            if fault.name == "clock_back":
                clock[inside] -= _back_by(fault)
            elif fault.name == "duplicates":
                twice[inside] = 2
            elif fault.name == "gap" and not fault.metric:
                lost |= inside
        twice[lost] = 0
        values = {n: np.repeat(self._values(n, taken, ideal), twice) for n in self.history.names}
        return Rows(np.repeat(clock, twice), values)

    def _disordered(self, index: NDArray[np.int64]) -> NDArray[np.int64]:
        """Where the order broke, neighbours (2k, 2k + 1) come in each other's place."""
        out = index.copy()
        for fault in self.faults:
            if fault.name == "disorder":
                other = index ^ 1
                fine = other < self.count
                both = [
                    (t >= fault.start) & (t < fault.end)
                    for t in (self.ideal(index), self.ideal(np.where(fine, other, index)))
                ]
                swap = fine & both[0] & both[1]
                out[swap] = other[swap]
        return out

    def _values(self, name: str, taken: NDArray[np.int64], ideal: Values) -> Values:
        if len(taken) == 0:
            return np.empty(0)
        first, last = int(taken.min()) // BLOCK, int(taken.max()) // BLOCK
        whole = np.concatenate([self._block[name](b) for b in range(first, last + 1)])
        out = whole[taken - first * BLOCK]
        for fault in self.faults:
            if fault.metric != name:
                continue
            inside = (ideal >= fault.start) & (ideal < fault.end)
            if not inside.any():
                continue
            out[inside] = np.nan if fault.name == "gap" else self._held(name, fault.start)
        return out

    def _held(self, name: str, time: float) -> float:
        """The last reading before a time: what a disconnected channel goes on showing."""
        if self._scans is not None:
            before = int(np.searchsorted(self._scans, time)) - 1
        else:
            step = float(self.history.cadence_s or 1.0)
            before = int(np.ceil((time - self.history.start) / step)) - 1
        while before >= 0:
            block = self._block[name](before // BLOCK)
            good = np.flatnonzero(np.isfinite(block[: before % BLOCK + 1]))
            if len(good):
                return float(block[good[-1]])
            before = before // BLOCK * BLOCK - 1
        return float("nan")

    def _maker(self, name: str) -> Callable[[int], Values]:
        """What makes a block of one metric's readings, before what the record loses."""
        metric, history = METRICS[name], self.history

        def make(block: int) -> Values:
            index = np.arange(block * BLOCK, min((block + 1) * BLOCK, self.count))
            times = self.ideal(index)
            stop = block * BLOCK + len(index)
            luck = self._tail[name](block * BLOCK, stop)
            noise = self._white[name](block * BLOCK, stop)
            noise[luck > 1 - LOUD_SHARE] *= LOUD
            noise /= np.sqrt(1 + LOUD_SHARE * (LOUD**2 - 1))
            memory = self._memory.get(name)
            if memory is not None:
                share = metric.memory_share
                slow = memory(times - history.start)
                noise = np.sqrt(1 - share**2) * noise + share * slow
            noise[luck < history.outliers] += OUTLIER * np.sign(noise[luck < history.outliers])
            noise *= metric.noise * history.noise
            if metric.light:  # dark counts are quiet
                noise *= 0.02 + 0.98 * np.clip(self.instrument.light(times), 0, None)
            out = self.instrument.level(name, times) + noise
            if metric.resolution:
                out = np.rint(out / metric.resolution) * metric.resolution
            out[~self.instrument.readable(name, times)] = np.nan
            return out

        return make


def _back_by(fault: Interval) -> float:
    """A clock that jumps back does so by its own fault's length times a fixed part, s."""
    return 0.6 * (fault.end - fault.start)


def _draw_faults(instrument: Instrument) -> tuple[Interval, ...]:
    """Gaps (of all or of one metric), disconnects of one metric, clock faults of all."""
    history = instrument.history
    rng = stream(history.seed, "faults")
    months = history.days / 30
    found: list[Interval] = []

    def times(per_month: float, hours: float) -> list[tuple[float, float]]:
        starts = np.sort(rng.uniform(history.start, history.end, rng.poisson(per_month * months)))
        lengths = hours * 3600 * rng.lognormal(-0.3, 0.7, len(starts))
        return [(float(a), float(min(a + b, history.end)))
                for a, b in zip(starts, lengths, strict=True)]  # fmt: skip

    for start, end in times(history.gaps_per_month, history.gap_hours):
        metric = "" if rng.random() < 0.5 else str(rng.choice(history.names))
        found.append(Interval(start, end, "gap", metric))
    for name in history.names:
        last = -np.inf
        for start, end in times(history.disconnects_per_month, history.disconnect_hours):
            if start > last:  # one disconnect at a time
                found.append(Interval(start, end, "disconnect", name))
                last = end
    last = -np.inf
    for start, end in times(history.clock_faults_per_month, 6.0):
        if start > last:
            found.append(Interval(start, end, str(rng.choice(CLOCK_FAULTS))))
            last = end
    return tuple(sorted(found, key=lambda f: (f.start, f.name, f.metric)))
