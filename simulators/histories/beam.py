"""The stored beam: top-up saw-tooth, dumps, ramps, and what its heat does to cold optics."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.histories.random_access import stream
from simulators.histories.schedule import DARK, Schedule

Values = NDArray[np.float64]

INJECTION_MA_S = 0.18  # P09: +0.97 mA in five to six seconds
FILL_S = 480.0
DIP_S, DIP_BACK_S = 150.0, 1500.0
HEAT_S = 2700.0  # 2-BM: settling 45 min after beam-up


class Beam:
    """Ring current in mA at any time, and the refills that made it."""

    def __init__(self, schedule: Schedule) -> None:
        history = schedule.history
        self._schedule = schedule
        self._top = history.ring_ma
        self._step = history.refill_ma
        rng = stream(history.seed, "refills")
        lifetime = history.lifetime_h * 3600
        pieces = [self._period(a, b, lifetime, rng) for a, b in schedule.beam_periods()]
        rows = np.concatenate(pieces, axis=1) if pieces else np.empty((5, 0))
        self._start, self._low, self._high, self._end, self._life = rows
        #: Unix s at which each top-up begins (the fills after a time without beam left out).
        self.refills: Values = self._start[(self._low > 0) & (self._start > history.start)]
        self._ups, self._heat = self._warmth()

    def _period(
        self, start: float, end: float, lifetime: float, rng: np.random.Generator
    ) -> Values:
        """Rows: start, low, top, end of injection and lifetime after it; one column a refill."""
        guess = lifetime * self._step / self._top
        count = int((end - start) / guess * 1.2) + 8
        top = self._top + rng.normal(0, 0.012, count)
        low = self._top - self._step + rng.normal(0, 0.006, count)
        missed = rng.random(count) < 0.003
        low[missed] -= self._step * rng.uniform(0.3, 2.0, missed.sum())
        low = np.clip(low, 0.02 * self._top, top - 0.05 * self._step)
        life = lifetime * (1 + 0.01 * rng.standard_normal(count))
        inject = (top - low) / INJECTION_MA_S * rng.uniform(0.9, 1.1, count)
        if start > self._schedule.history.start:
            low[0], inject[0] = 0.0, FILL_S
        else:  # the record begins somewhere in the saw-tooth
            low[0] = top[0] = top[0] - rng.uniform(0, 1) * self._step
            inject[0] = 1e-3
        # After injection k the beam decays from top[k] to low[k + 1].
        decay = life[:-1] * np.log(top[:-1] / low[1:])
        starts = start + np.concatenate([[0.0], np.cumsum(inject[:-1] + decay)])
        inside = starts < end
        return np.stack([starts, low, top, starts + inject, life])[:, inside]

    def current(self, seconds: Values) -> Values:
        """Stored current, mA; 0 without beam."""
        out = np.zeros(len(seconds))
        lit = ~self._schedule.within(seconds, DARK)
        t = seconds[lit]
        if len(t) == 0:
            return out
        k = np.clip(np.searchsorted(self._start, t, side="right") - 1, 0, None)
        part = np.clip((t - self._start[k]) / (self._end[k] - self._start[k]), 0, 1)
        rising = self._low[k] + part * (self._high[k] - self._low[k])
        falling = self._high[k] * np.exp(-np.maximum(t - self._end[k], 0) / self._life[k])
        out[lit] = np.where(t < self._end[k], rising, falling)
        return out

    def saw_tooth(self, seconds: Values) -> Values:
        """Where the top-up stands: −0.5 at the bottom, 0.5 at the top, clipped below −2."""
        return np.clip((self.current(seconds) - self._top) / self._step + 0.5, -2.0, 0.6)

    def heat(self, seconds: Values) -> Values:
        """Warmth of the optics: 1 in balance, falling without beam, back with :data:`HEAT_S`."""
        k = np.clip(np.searchsorted(self._ups, seconds, side="right") - 1, 0, None)
        lit = ~self._schedule.within(seconds, DARK)
        gone = np.exp(-np.maximum(seconds - self._ups[k], 0) / HEAT_S)
        aim = np.where(lit, 1.0, 0.0)
        return aim + (self._heat[k] - aim) * gone

    def dip(self, seconds: Values) -> Values:
        """How far the monochromator's flux has dipped since the shutter opened: to 1 within
        minutes, back to a half within the hour; 0 behind the shutter."""
        closed = (*DARK, "closed")
        regimes = self._schedule.regimes
        opened = np.array(
            [-np.inf] + [r.end for r in regimes if r.name in closed]
        )  # before the first: open for ever
        since = seconds - opened[np.searchsorted(opened, seconds, side="right") - 1]
        since = np.where(self._schedule.within(seconds, closed), 0.0, since)
        return -np.expm1(-since / DIP_S) * (0.5 + 0.5 * np.exp(-since / DIP_BACK_S))

    def _warmth(self) -> tuple[Values, Values]:
        """Times at which the beam comes or goes, and the warmth at each."""
        times, warmth = [self._schedule.history.start], [1.0]
        aim = 1.0
        for regime in self._schedule.regimes:
            now = 0.0 if regime.name in DARK else 1.0
            if now == aim:
                continue
            gone = np.exp(-(regime.start - times[-1]) / HEAT_S)
            warmth.append(float(aim + (warmth[-1] - aim) * gone))
            times.append(regime.start)
            aim = now
        return np.array(times), np.array(warmth)
