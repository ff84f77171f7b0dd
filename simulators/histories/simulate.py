"""A simulated instrument history: its record, its log book, its limits and its truth."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from simulators.histories.instrument import Instrument
from simulators.histories.metrics import METRICS
from simulators.histories.recording import Recording, Rows
from simulators.histories.schedule import Event
from simulators.histories.settings import History
from simulators.histories.truth import Truth, tell

Values = NDArray[np.float64]


class SimulatedHistory:
    """The record of a :class:`History`, made when asked for; ``truth`` is apart from it."""

    def __init__(self, settings: History) -> None:
        self.settings = settings
        self.instrument = Instrument(settings)
        self.recording = Recording(self.instrument)

    @cached_property
    def whole(self) -> Instrument:
        """The same instrument with every metric, those that are not recorded too."""
        if set(self.instrument.names) == set(METRICS):
            return self.instrument
        return Instrument(self.settings, tuple(METRICS))

    @property
    def names(self) -> tuple[str, ...]:
        return self.settings.names

    @property
    def units(self) -> dict[str, str]:
        return {name: METRICS[name].unit for name in self.names}

    @property
    def count(self) -> int:
        """Samples taken of each metric, the lost ones included."""
        return self.recording.count

    @property
    def events(self) -> list[Event]:
        """The beamline's log book, in time order: what a tool may read."""
        return self.instrument.schedule.events

    @cached_property
    def limits(self) -> dict[str, list[tuple[float, float, float]]]:
        """For each metric with a tolerance: from when (unix s), low, high; moved by objectives."""
        found = {}
        starts = np.array([self.settings.start, *self.instrument.schedule.objectives])
        for name in self.names:
            if name in self.instrument.limits:
                low, high = self.instrument.limits[name]
                moved = self.instrument.set_point(name, starts)
                rows = [(float(t), low + float(m), high + float(m))
                        for t, m in zip(starts, moved, strict=True)]  # fmt: skip
                kept = [r for k, r in enumerate(rows) if k == 0 or r[1:] != rows[k - 1][1:]]
                found[name] = kept
        return found

    @cached_property
    def truth(self) -> Truth:
        """Onset, cause, crossings, regimes, faults: never for a tool's eyes."""
        return tell(self.instrument, self.recording.faults)

    @cached_property
    def series(self) -> dict[str, tuple[Values, Values]]:
        """For each metric its times (unix s, as the clock said) and values, without the gaps."""
        rows = self.recording.rows(0, self.count)
        found = {}
        for name, values in rows.values.items():
            there = np.isfinite(values)
            found[name] = (rows.times[there], values[there])
        return found

    def chunks(self, size: int = 86400) -> Iterator[Rows]:
        """The record piece by piece, ``size`` samples each; the size does not change a value."""
        for start in range(0, self.count, size):
            yield self.recording.rows(start, start + size)

    def level(self, name: str, seconds: Values) -> Values:
        """The true value of a metric at unix seconds (n,), without sensor noise."""
        return self.instrument.level(name, np.asarray(seconds, dtype=np.float64))


def simulate_history(settings: History) -> SimulatedHistory:
    """The history of some settings; the same settings give the same record.

    >>> made = simulate_history(History(days=3, onset_day=1, life_days=1, metrics=("beam_x",),
    ...                                 metric="beam_x", shutdowns_per_year=0))
    >>> times, values = made.series["beam_x"]
    >>> made.truth.onset < made.truth.crossing
    True

    Raises :class:`metadata.errors.InputError` naming every setting that cannot be.
    """
    return SimulatedHistory(settings)
