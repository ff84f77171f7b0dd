"""What the facility is doing: with beam or without, recovering, moved, or under maintenance.

Log entries and a ring current tell it for every metric; a metric that is silent without beam
tells by itself that it comes back (:meth:`Timeline.codes` gives only what all share).
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.series import LoggedEvent

Floats = NDArray[np.float64]

REGIMES = (
    "operation",
    "refill",
    "closed",
    "energy_change",
    "recovery",
    "dump",
    "maintenance",
    "shutdown",
    "away",
)
OPERATION, REFILL, CLOSED, ENERGY_CHANGE, RECOVERY, DUMP, MAINTENANCE, SHUTDOWN, AWAY = range(9)
#: Where a sample is judged and learned from.
STEADY = (OPERATION, REFILL)

HOUR = 3600.0
# Cold optics settle with 45 min (flat fields of APS 2-BM after beam-up): five of them.
RECOVERY_S = 4 * HOUR
ENERGY_S = 0.5 * HOUR
# A log book that never says that the beam is back is believed for so long.
LONGEST = {DUMP: 12 * HOUR, MAINTENANCE: 36 * HOUR, SHUTDOWN: 60 * 24 * HOUR, CLOSED: 12 * HOUR}

BEGINS = {
    "dump": DUMP,
    "beam_lost": DUMP,
    "maintenance": MAINTENANCE,
    "machine_day": MAINTENANCE,
    "shutdown": SHUTDOWN,
    "closed": CLOSED,
    "shutter_closed": CLOSED,
}
ENDS = ("beam_back", "operation", "user_run", "opened", "shutter_open", "open")
MOVES = ("energy_change", "gap_change", "undulator")
RESETS = ("set_point", "objective", "realigned", "repaired")


class Timeline:
    """Regimes that all metrics share, as moments from which each code holds.

    ``eras`` are the moments after which a level may be another (maintenance, shutdown); ``keys``
    the set-points (energy) with the moments from which they hold; ``resets`` those after which
    nothing is as it was (a new objective moves limits and all that is measured with the beam).
    """

    KEPT = 20_000  # of each; what lies long behind all metrics goes first (:meth:`forget`)

    def __init__(self) -> None:
        self._moments: list[tuple[float, int]] = []
        self.eras: list[float] = []
        self.keys: list[tuple[float, float]] = []
        self.resets: list[float] = []
        self._begun: tuple[float, int] | None = None
        self._gone = [0, 0]  # eras and resets that are counted and no longer known
        self._table: tuple[Floats, NDArray[np.int8]] | None = None
        #: Unix s of the first entry of a log book that tells when the beam is lost.
        self.logged = np.inf

    def tell(self, event: LoggedEvent) -> None:
        """Take in an entry of the log book."""
        kind, time = event.kind.lower().replace(" ", "_").replace("-", "_"), event.time
        if kind in BEGINS:
            self.begin(time, BEGINS[kind])
            self.logged = min(self.logged, time)
        elif kind in ENDS:
            self.end(time)
        elif kind in MOVES:
            self._moved(time, event.text)
        elif kind in RESETS:
            self.resets = sorted([*self.resets, time])[-self.KEPT :]

    def begin(self, time: float, code: int) -> None:
        """From ``time`` on the facility is in a regime that ends when it is said."""
        if self._begun is not None and self._begun[1] > code and time >= self._begun[0]:
            return  # a dump within a shutdown changes nothing
        self._begun = (time, code)
        self._add(time, code)
        self._add(time + LONGEST[code], OPERATION)

    def end(self, time: float) -> None:
        """The beam is back, or the shutter open."""
        code = self._begun[1] if self._begun is not None else DUMP
        self._begun = None
        self._moments = [m for m in self._moments if m[0] <= time]
        self._table = None
        if code == CLOSED:
            self._add(time, OPERATION)
            return
        self._add(time, RECOVERY)
        self._add(time + RECOVERY_S, OPERATION)
        if code in (MAINTENANCE, SHUTDOWN):
            self.eras = [*self.eras, time][-self.KEPT :]

    def _moved(self, time: float, text: str) -> None:
        found = re.search(r"[-+]?\d+(?:\.\d+)?(?:[eE][-+]?\d+)?", text)
        key = float(found[0]) if found else time
        self.keys = [*self.keys, (time, key)][-self.KEPT :]
        now = int(self.codes(np.array([time]))[0])
        if now == OPERATION:
            self._add(time, ENERGY_CHANGE)
            self._add(time + ENERGY_S, OPERATION)

    def _add(self, time: float, code: int) -> None:
        self._moments = sorted([*self._moments, (time, code)], key=lambda m: m[0])[-self.KEPT :]
        self._table = None

    def forget(self, before: float) -> None:
        """Nothing is asked any more of times before this one (unix s)."""
        moments = bisect_right(self._moments, (before, len(REGIMES))) - 1
        keys = bisect_right(self.keys, (before, np.inf)) - 1
        eras, resets = bisect_right(self.eras, before), bisect_right(self.resets, before)
        # What began before may still hold.
        self._moments, self.keys = self._moments[max(moments, 0) :], self.keys[max(keys, 0) :]
        self.eras, self.resets = self.eras[eras:], self.resets[resets:]
        self._gone = [self._gone[0] + eras, self._gone[1] + resets]
        self._table = None

    def __len__(self) -> int:
        """How much is remembered."""
        return len(self._moments) + len(self.keys) + len(self.eras) + len(self.resets)

    def codes(self, times: Floats) -> NDArray[np.int8]:
        """The regime at each of the times (unix s)."""
        if not self._moments:
            return np.zeros(len(times), np.int8)
        if self._table is None:
            codes = np.array([OPERATION, *(m[1] for m in self._moments)], np.int8)
            self._table = np.array([m[0] for m in self._moments]), codes
        moments, codes = self._table
        return codes[np.searchsorted(moments, times, side="right")]

    def era(self, time: float) -> int:
        """How many times a level may have been set anew until ``time``."""
        return self._gone[0] + bisect_right(self.eras, time)

    def reset(self, time: float) -> int:
        """How many times all that was normal has ended (new objectives, repairs)."""
        return self._gone[1] + bisect_right(self.resets, time)

    def key(self, time: float) -> float:
        """The set-point in force; 0 before the first."""
        place = bisect_right(self.keys, (time, np.inf))
        return self.keys[place - 1][1] if place else 0.0

    def to_state(self) -> dict[str, Any]:
        return {
            "moments": self._moments,
            "eras": self.eras,
            "keys": self.keys,
            "resets": self.resets,
            "begun": self._begun,
            "logged": self.logged,
            "gone": self._gone,
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Timeline:
        timeline = cls()
        timeline._moments = [(float(t), int(c)) for t, c in state["moments"]]
        timeline.eras = [float(t) for t in state["eras"]]
        timeline.keys = [(float(t), float(k)) for t, k in state["keys"]]
        timeline.resets = [float(t) for t in state["resets"]]
        begun = state["begun"]
        timeline._begun = (float(begun[0]), int(begun[1])) if begun else None
        timeline.logged = float(state["logged"])
        timeline._gone = [int(n) for n in state["gone"]]
        return timeline
