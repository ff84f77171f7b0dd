"""The saw-tooth of top-up: a slow decay and quick refills, found in a series by itself."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

RISE = 8.0  # usual changes from one reading to the next that a refill is larger than
EVERY, SEEN, LATER = 64, 2048, 256  # the usual change is learned often at first
KEPT = 192
LEAST = 3
FAR = 4.0  # usual times between readings: what lies further apart may hide anything


@dataclass(frozen=True)
class SawToothFacts:
    """What was learned: start of each refill (unix s, the last 192), the step of one, the time
    between two (s), and the time in which the value falls to 1/e between refills (s)."""

    refills: Floats
    step: float
    period_s: float
    lifetime_s: float


class SawTooth:
    """Tells refills from readings, whatever the blocks.

    >>> t = np.arange(4000.0)
    >>> tooth = SawTooth()
    >>> found = tooth.update(t, 100 + (300 - t % 300) / 300, np.ones(4000, bool))
    >>> round(tooth.facts().step, 2), tooth.facts().period_s
    (1.0, 300.0)
    """

    def __init__(self) -> None:
        self._time, self._value = np.nan, np.nan
        self._change, self._every = np.nan, np.nan
        self._new: Floats = np.empty((0, 2))
        self._rising: tuple[float, float] | None = None
        self._clean = True
        #: Of the last refills (n, 4): start (unix s), value before and after, 1 where none of its
        #: readings lie too far apart.
        self.found: Floats = np.empty((0, 4))
        self._fallen, self._falling = 0.0, 0.0
        self._seen = 0

    def _every_count(self) -> int:
        return EVERY if self._seen < SEEN else LATER

    def update(self, times: Floats, values: Floats, good: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Which samples a refill brought."""
        out = np.zeros(len(values), bool)
        at = 0
        places = np.flatnonzero(good)
        while at < len(places):
            stop = min(len(places), at + self._every_count() - len(self._new))
            self._piece(times, values, places[at:stop], out)
            at = stop
        return out

    def _piece(
        self, times: Floats, values: Floats, places: NDArray[np.int64], out: NDArray[np.bool_]
    ) -> None:
        t = np.concatenate([[self._time], times[places]])
        v = np.concatenate([[self._value], values[places]])
        dt, dv = np.diff(t), np.diff(v)
        self._time, self._value = float(t[-1]), float(v[-1])
        self._new = np.concatenate([self._new, np.stack([dv, dt], axis=1)])
        if np.isfinite(self._change):
            rise = dv > RISE * self._change
            near = (dt > 0) & (dt < FAR * self._every)
            out[places] = rise
            for k in np.flatnonzero(rise):
                if self._rising is None or not (k and rise[k - 1]):
                    self._rising = (float(t[k]), float(v[k]))
                    self._clean = bool(near[k])
                    new = [[t[k], v[k], v[k + 1], self._clean]]
                    self.found = np.concatenate([self.found[1 - KEPT :], new])
                else:
                    self._clean &= bool(near[k])
                    start, low = self._rising
                    self.found[-1] = (start, low, v[k + 1], self._clean)
            if len(rise) and not rise[-1]:
                self._rising = None
            falls = ~rise & near & (v[1:] > 0) & (v[:-1] > 0)
            if falls.any():
                drop = np.log(v[:-1][falls] / v[1:][falls])
                self._fallen = float(np.cumsum(np.concatenate([[self._fallen], drop]))[-1])
                self._falling = float(np.cumsum(np.concatenate([[self._falling], dt[falls]]))[-1])
        if len(self._new) >= self._every_count():
            self._seen += len(self._new)
            changes = self._new[np.isfinite(self._new).all(axis=1)]
            if len(changes):
                change = float(np.median(np.abs(changes[:, 0])))
                every = float(np.median(changes[:, 1]))
                known = np.isfinite(self._change)
                self._change = 0.8 * self._change + 0.2 * change if known else change
                self._every = 0.8 * self._every + 0.2 * every if known else every
            self._new = np.empty((0, 2))

    def facts(self) -> SawToothFacts | None:
        """None when there is no saw-tooth: too few refills, or of very different steps."""
        clean = (self.found[:, 2] - self.found[:, 1])[self.found[:, 3] > 0]
        if len(clean) < LEAST or self._fallen <= 0:
            return None
        step = float(np.median(clean))
        if np.median(np.abs(clean - step)) > 0.25 * step:
            return None
        starts = self.found[:, 0]
        return SawToothFacts(starts.copy(), step, float(np.median(np.diff(starts))),
                             self._falling / self._fallen)  # fmt: skip

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> SawTooth:
        tooth = cls()
        for name in vars(tooth):
            setattr(tooth, name, state[name])
        tooth._new = np.array(state["_new"], float).reshape(-1, 2)
        tooth.found = np.array(state["found"], float).reshape(-1, 4)
        if tooth._rising is not None:
            tooth._rising = (tooth._rising[0], tooth._rising[1])
        return tooth
