"""Follows one metric: gathers its samples, judges each closed bin, and says so of the samples."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import BIN_S, Bins, ClosedBin
from metadata.drift.forecast import Forecast, forecast
from metadata.drift.normal import Normal, learn
from metadata.drift.regimes import STEADY, Timeline
from metadata.drift.settings import MonitorSettings
from metadata.drift.stuck import Stuck
from metadata.drift.verdicts import ALARM, GAP, MOVING, QUIET, WARNING, Verdicts
from metadata.drift.window import DAY, Recent
from metadata.series import Limits, Mark, MetricInfo, Samples

Floats = NDArray[np.float64]

LEARN_BINS = 8 * 4
FIRST_BINS = 8 * 3
# A level that is set anew moves by up to a quarter of the way to the limit.
STEP_SHARE = 0.17
KEY_SIZE = 3.0
KEPT = ("name", "unit", "learned", "closed", "clock", "state", "shown", "reached", "decided",
        "count", "jumpiness", "last")  # fmt: skip


class Follower:
    """Everything known of one metric. ``limits`` may be changed at any time."""

    def __init__(self, info: MetricInfo, settings: MonitorSettings) -> None:
        self.name, self.unit = info.name, info.unit
        self.limits = info.limits or Limits()
        self.settings = settings
        self.bins, self.recent, self.stuck = Bins(), Recent(), Stuck()
        self.normal: Normal | None = None
        self.learned = 0
        self.closed = 0
        self.clock = -np.inf
        self.state = QUIET
        self.shown = -1
        self.reached = 0
        self.beyond = (False, False)
        self.forecast: Forecast | None = None
        self.decided = -np.inf
        self.count, self.jumpiness = 0.0, 0.0
        self.last = np.nan

    def update(self, samples: Samples, timeline: Timeline) -> Verdicts:
        """What is said of each of the samples."""
        n = len(samples)
        clock = np.maximum.accumulate(np.concatenate([[self.clock], samples.times]))[1:]
        values = np.asarray(samples.values, float)
        good = (samples.marks == Mark.GOOD) | (samples.marks == Mark.RESTARTED)
        good &= np.isfinite(values)
        held = self.stuck.update(values, good)
        regimes = timeline.codes(clock)
        steady = np.isin(regimes, STEADY) & good & (held == 0)
        codes = np.empty(n, np.int8)
        scores, limits = np.zeros(n), np.full(n, np.nan)
        seconds, lows, highs = (np.full(n, np.nan) for _ in range(3))
        for start, stop in self.bins.segments(clock):
            index = int(clock[start] // BIN_S)
            closed = self.bins.advance(index)
            if closed is not None:
                self._close(closed, timeline)
            part = slice(start, stop)
            use = steady[part]
            self.bins.add(clock[part][use], values[part][use])
            self._count(values[part][use])
            codes[part] = self._codes(values[part], use)
            self._tell(clock[part], scores[part], limits[part], seconds[part], lows[part],
                       highs[part])  # fmt: skip
        self.clock = float(clock[-1]) if n else self.clock
        silent = codes == QUIET
        codes[~np.isin(regimes, STEADY)] = QUIET
        codes[~good | (held == 2)] = GAP
        quiet = (codes == QUIET) & ~silent | (codes == GAP)
        for array in (seconds, lows, highs, limits):
            array[quiet] = np.nan
        changed = np.diff(np.concatenate([[self.shown], codes])) != 0
        self.shown = int(codes[-1]) if n else self.shown
        return Verdicts(
            self.name, samples.times, codes, scores, values, limits, seconds, lows, highs,
            np.zeros(n), regimes, np.full(n, -1, np.int16), changed, (), self.unit,
        )  # fmt: skip

    def _count(self, values: Floats) -> None:
        """Noise of single readings, from neighbours; exact however blocks are cut."""
        if not len(values):
            return
        row = np.concatenate([[self.last], values]) if np.isfinite(self.last) else values
        steps = np.minimum(np.abs(np.diff(row)), 1e150) ** 2
        if len(steps):
            self.jumpiness = float(np.cumsum(np.concatenate([[self.jumpiness], steps]))[-1])
            self.count += len(steps)
        self.last = float(values[-1])

    def _codes(self, values: Floats, use: NDArray[np.bool_]) -> NDArray[np.int8]:
        """The standing state, and alarm from the second of three readings beyond the limit."""
        codes = np.full(len(values), self.state, np.int8)
        out = (values >= self.limits.high) | (values <= self.limits.low)
        there = np.flatnonzero(use)
        if not len(there):
            if self.reached:
                codes[:] = ALARM
            return codes
        flags = np.concatenate([self.beyond, out[there]])
        twice = (flags[2:].astype(int) + flags[1:-1] + flags[:-2]) >= 2
        first = there[np.argmax(twice)] if twice.any() else len(values)
        if self.reached:
            first = 0
        elif twice.any():
            value = values[first]
            self.reached = 1 if value >= self.limits.high else -1
        codes[first:] = ALARM
        self.beyond = (bool(flags[-2]), bool(flags[-1]))
        return codes

    def _tell(self, clock: Floats, scores: Floats, limits: Floats, seconds: Floats, lows: Floats,
              highs: Floats) -> None:  # fmt: skip
        found = self.forecast
        side = self.reached or (found.side if found else 0)
        if self.reached or self.state in (MOVING, WARNING):
            limits[:] = self.limits.high if side > 0 else self.limits.low
        if found is None:
            return
        scores[:] = 1 / (1 + np.exp(-np.clip(found.odds, -30, 30)))
        if self.reached:
            seconds[:], lows[:], highs[:] = 0.0, 0.0, 0.0
        elif self.state in (MOVING, WARNING):
            gone = clock - self.decided
            low, middle, high = (d * DAY for d in found.days)
            # A little after the forecast: nearer, but never there before it is.
            for array, of in ((seconds, middle), (lows, low), (highs, high)):
                array[:] = np.maximum(of - gone, 0.5 * of)

    def _close(self, closed: ClosedBin, timeline: Timeline) -> None:
        """A bin is over: remember it, learn now and then, and judge."""
        middle = (closed.index + 0.5) * BIN_S
        if closed.subs == 0:
            return
        self.recent.add(closed, timeline.era(middle), timeline.key(middle))
        self.closed += 1
        variance = self.recent.noise_variance()
        if not np.isfinite(variance) or self.closed < FIRST_BINS:
            return
        window = self.recent.window(closed.index)
        if window is None:
            return
        reading = float(np.sqrt(self.jumpiness / max(self.count, 1) / 2))
        noise = max(float(np.sqrt(variance)), 1e-9 * (1 + abs(closed.mean)))
        step = STEP_SHARE * self._way(window.y, window.n)
        key = KEY_SIZE * reading
        if self.normal is None or (self.closed - self.learned >= LEARN_BINS
                                   and self.state == QUIET):  # fmt: skip
            self.normal = learn(window, noise, max(reading, noise), step, key)
            self.learned = self.closed
        swing = 1.1 * self.normal.swing
        self.forecast = forecast(self.normal, window, (self.limits.low, self.limits.high),
                                 (swing, swing), step, key)  # fmt: skip
        self.decided = (closed.index + 1) * BIN_S
        odds = self.forecast.odds if self.forecast else -np.inf
        threshold = self._threshold()
        if odds > threshold or (self.state == WARNING and odds > threshold - 1.0):
            self.state = WARNING
        else:
            self.state = MOVING if odds > -1.0 else QUIET
        if self.reached:
            back = self.limits.low < closed.mean < self.limits.high
            if back:
                self.reached = 0

    def _threshold(self) -> float:
        return 3.0 + float(np.log(self.settings.false_alarm_days / 100.0))

    def _way(self, y: Floats, n: Floats) -> float:
        level = float(np.average(y, weights=n))
        ways = [w for w in (self.limits.high - level, level - self.limits.low) if np.isfinite(w)]
        return max(min(ways), 0.0) if ways else 0.0

    def to_state(self) -> dict[str, Any]:
        """Plain numbers, arrays and dicts of them; :meth:`from_state` goes on from there."""
        state = {name: getattr(self, name) for name in KEPT}
        state["limits"] = [self.limits.low, self.limits.high]
        state["beyond"] = list(self.beyond)
        state["bins"], state["recent"] = self.bins.to_state(), self.recent.to_state()
        state["stuck"] = self.stuck.to_state()
        state["normal"] = vars(self.normal) if self.normal else None
        state["forecast"] = vars(self.forecast) if self.forecast else None
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any], settings: MonitorSettings) -> Follower:
        limits = Limits(*state["limits"])
        follower = cls(MetricInfo(state["name"], state["unit"], limits), settings)
        for name in KEPT:
            setattr(follower, name, state[name])
        follower.beyond = (state["beyond"][0], state["beyond"][1])
        follower.bins = Bins.from_state(state["bins"])
        follower.recent = Recent.from_state(state["recent"])
        follower.stuck = Stuck.from_state(state["stuck"])
        follower.normal = Normal(**state["normal"]) if state["normal"] else None
        found = state["forecast"]
        if found:
            found = found | {"days": tuple(found["days"]), "shapes": tuple(found["shapes"])}
            follower.forecast = Forecast(**found)
        return follower
