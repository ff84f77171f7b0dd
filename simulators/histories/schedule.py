"""What happened at the facility: regimes, the beam's return, set-points, scans, faults of records.

Everything here is drawn once from the settings; times are unix seconds.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from simulators.histories.random_access import stream
from simulators.histories.settings import DAY, History

Values = NDArray[np.float64]

REGIMES = ("operation", "closed", "energy_change", "recovery", "dump", "maintenance", "shutdown")
"""In rising priority: a later one hides an earlier one."""
DARK = ("dump", "maintenance", "shutdown")
"""Without stored beam."""
STEADY = ("operation", "closed")
"""Where a limit counts: recovering from a dump is not drifting."""
RECOVERY_H = 3.5
ENERGIES = 4


@dataclass(frozen=True)
class Interval:
    """From ``start`` to before ``end``; ``name`` says what, ``metric`` of which ("": all)."""

    start: float
    end: float
    name: str
    metric: str = ""


@dataclass(frozen=True)
class Event:
    """One line of the beamline's log book. Nothing of it tells a drift."""

    time: float
    kind: str
    text: str


class Levels:
    """A value that holds until the next: ``levels(times)``."""

    def __init__(self, times: Values, values: Values, before: float = 0.0) -> None:
        self.times = times
        self._values = np.concatenate([[before], values])

    def __call__(self, seconds: Values) -> Values:
        return self._values[np.searchsorted(self.times, seconds, side="right")]


class Schedule:
    """The regimes as a partition of the time, and the set-points, scans and events in them."""

    def __init__(self, history: History, repairs: tuple[tuple[float, str], ...] = ()) -> None:
        self.history = history
        rng = stream(history.seed, "schedule")
        self.events: list[Event] = []
        self.maintenance_ends: list[float] = []
        painted = self._painted(rng, repairs)
        self.regimes = partition(painted, history.start, history.end)
        self._starts = np.array([r.start for r in self.regimes])
        self._codes = np.array([REGIMES.index(r.name) for r in self.regimes], dtype=np.int8)
        self.objectives = self._times(rng, history.objectives_per_year / 365.25)
        for time in self.objectives:
            self._note(time, "set_point", "New objective: other optics, energies and limits.")
        self.energy = self._energies(painted)
        moves = self._times(stream(history.seed, "gap"), history.gap_moves_per_day)
        places = stream(history.seed, "gap places").uniform(-1, 1, len(moves))
        self.gap = Levels(moves, places)
        self.scans = self._scans()
        self.events.sort(key=lambda event: event.time)

    def regime(self, seconds: Values) -> NDArray[np.int8]:
        """Index into :data:`REGIMES` at each time; outside the history, that of its ends."""
        place = np.searchsorted(self._starts, seconds, side="right") - 1
        return self._codes[np.clip(place, 0, None)]

    def within(self, seconds: Values, names: tuple[str, ...]) -> NDArray[np.bool_]:
        """Whether each time lies in one of the regimes named."""
        chosen = np.array([name in names for name in REGIMES])
        return chosen[self.regime(seconds)]

    def beam_periods(self) -> list[tuple[float, float]]:
        """Intervals of stored beam."""
        periods: list[tuple[float, float]] = []
        for regime in self.regimes:
            if regime.name in DARK:
                continue
            if periods and periods[-1][1] == regime.start:
                periods[-1] = (periods[-1][0], regime.end)
            else:
                periods.append((regime.start, regime.end))
        return periods

    def _note(self, time: float, kind: str, text: str) -> None:
        self.events.append(Event(float(time), kind, text))

    def _times(self, rng: np.random.Generator, per_day: float) -> Values:
        count = rng.poisson(per_day * self.history.days)
        return np.sort(rng.uniform(self.history.start, self.history.end, count))

    def _painted(
        self, rng: np.random.Generator, repairs: tuple[tuple[float, str], ...]
    ) -> list[Interval]:
        history = self.history
        painted: list[Interval] = []

        def dark(start: float, hours: float, name: str, text: str, warm: bool = True) -> None:
            end = start + hours * 3600
            painted.append(Interval(start, end, name))
            if warm:
                painted.append(Interval(end, end + RECOVERY_H * 3600, "recovery"))
            self._note(start, name, text)
            if end < history.end:
                self._note(end, "beam_back", f"Beam back after {name}.")

        every = history.maintenance_every_days
        morning = rng.uniform(7, 9) * 3600
        first = rng.uniform(0.2, 0.8) * every
        for number in range(int(history.days / every) + 1):
            start = history.start + np.floor(first + number * every) * DAY + morning
            if start < history.end:
                hours = history.maintenance_hours * rng.uniform(0.7, 1.3)
                dark(start, hours, "maintenance", "Machine day and maintenance.")
                self.maintenance_ends.append(start + hours * 3600)
        for time, text in repairs:
            dark(time, 6.0, "maintenance", text)
        for time in self._times(rng, history.shutdowns_per_year / 365.25):
            dark(time, 24 * history.shutdown_days * rng.uniform(0.6, 1.4), "shutdown", "Shutdown.")
        for time in self._times(rng, history.dumps_per_month / 30):
            dark(time, rng.lognormal(-0.5, 0.6), "dump", "Beam lost.")
        for time in self._times(rng, history.energy_changes_per_month / 30):
            painted.append(Interval(time, time + rng.uniform(600, 1800), "energy_change"))
        for day in range(int(history.days) + 1):  # users change over: the shutter stays closed
            start = history.start + (day + rng.uniform(0.3, 0.7)) * DAY
            painted.append(Interval(start, start + rng.uniform(0.3, 1.5) * 3600, "closed"))
        # Of stops within stops the last to end brings the beam back, and nobody writes so before.
        off = [i for i in painted if i.name in DARK]
        self.events = [e for e in self.events if e.kind != "beam_back"
                       or not any(i.start <= e.time < i.end for i in off)]  # fmt: skip
        return painted

    def _energies(self, painted: list[Interval]) -> Levels:
        """A few energies that are come back to; others after each new objective."""
        rng = stream(self.history.seed, "energies")
        changes = sorted(i.start for i in painted if i.name == "energy_change")
        sets = rng.uniform(-1, 1, (len(self.objectives) + 1, ENERGIES))
        times = np.sort(np.concatenate([changes, self.objectives]))
        which = np.searchsorted(self.objectives, times, side="right")
        values = sets[which, rng.integers(0, ENERGIES, len(times))]
        for time, value in zip(times, values, strict=True):
            self._note(time, "energy_change", f"Energy to {25 + 8 * value:.3f} keV.")
        return Levels(times, values, before=float(sets[0, 0]))

    def _scans(self) -> Values:
        """Starts of scans, 4 to 25 minutes apart, in operation."""
        rng = stream(self.history.seed, "scans")
        count = int(self.history.days * DAY / 500) + 10
        starts = self.history.start + np.cumsum(rng.uniform(240, 1500, count))
        starts = starts[starts < self.history.end]
        return starts[self.within(starts, ("operation",))]


def partition(painted: list[Interval], start: float, end: float) -> tuple[Interval, ...]:
    """Intervals that cover ``start … end`` once: of those painted over each other the strongest.

    >>> [r.name for r in partition([Interval(2, 4, "dump"), Interval(3, 6, "recovery")], 0, 9)]
    ['operation', 'dump', 'recovery', 'operation']
    """
    edges = {start, end}
    for interval in painted:
        edges |= {min(max(e, start), end) for e in (interval.start, interval.end)}
    places = np.array(sorted(edges))
    strength = np.zeros(len(places) - 1, dtype=int)
    for interval in painted:
        low, high = np.searchsorted(places, np.clip([interval.start, interval.end], start, end))
        level = REGIMES.index(interval.name)
        strength[low:high] = np.maximum(strength[low:high], level)
    found: list[Interval] = []
    for low, high, level in zip(places[:-1], places[1:], strength, strict=True):
        if found and found[-1].name == REGIMES[level]:
            found[-1] = Interval(found[-1].start, float(high), REGIMES[level])
        else:
            found.append(Interval(float(low), float(high), REGIMES[level]))
    return tuple(found)
