"""The instrument itself: the true value of every metric at any time, without sensor noise.

A value is a sum: what is slow (the day's and the year's swing, weather, wander, and what carries
over from other metrics through thermal lags) is kept on knots :data:`STEP_S` apart and
interpolated; what is sudden (drift, steps, refills, set-points) is exact at every time.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from simulators.histories.activity import activity
from simulators.histories.beam import Beam
from simulators.histories.drifts import Drift, plan_drifts, unit_drift
from simulators.histories.metrics import METRICS, causes_of, couplings_into, moved_by
from simulators.histories.random_access import low_pass, stream, wander
from simulators.histories.schedule import DARK, STEADY, Levels, Schedule
from simulators.histories.settings import DAY, History
from simulators.histories.sizing import drift_size

Values = NDArray[np.float64]

STEP_S = 300.0
# Fronts pass in days and come in smoothly; what is left within hours is a twentieth (the barometer
# of APS 33-ID changes by 0.15 hPa in 15 min and 0.5 hPa in 2 h).
WEATHER_S, FRONT_S, GUST_S, GUSTS = 2 * DAY, DAY, 3 * 3600.0, 0.05
SAMPLES = 20000


class Instrument:
    """Everything about a :class:`History` but the sensors and the recording of them."""

    def __init__(self, history: History, names: tuple[str, ...] = ()) -> None:
        """``names``: metrics that must be known; the recorded ones (and what moves them) when
        empty. Knowing more of them changes the value of none."""
        self.history = history
        plans = plan_drifts(history)
        self.schedule = Schedule(
            history, tuple((d.end, f"{d.metric} repaired.") for d in plans if d.end < history.end)
        )
        self.beam = Beam(self.schedule)
        count = int(history.days * DAY / STEP_S) + 3
        self.knots: Values = history.start + STEP_S * np.arange(count, dtype=np.float64)
        wanted = {a for name in names or history.names for a in (*causes_of(name), name)}
        self.names = tuple(name for name in METRICS if name in wanted)
        jumping = any(METRICS[name].activity for name in self.names)
        self._activity = activity(history) if jumping else np.zeros_like
        self.sigma = {name: self._sigma(name) for name in self.names}
        regular = self._regular()
        self._slow = {name: regular[name] for name in self.names}
        self._steps: dict[str, Levels] = {}
        self._moved: dict[str, Levels] = {}
        self._drifts: list[tuple[Drift, float, Callable[[Values], Values]]] = []
        #: Fixed low and high of each limited metric; they move with :meth:`set_point`.
        self.limits = {n: self._limits(n) for n in self.names if METRICS[n].limited}
        self._wander()
        self._set_steps()
        self.drifts = tuple(self._fitted(plan) for plan in plans)

    def level(self, name: str, seconds: Values) -> Values:
        """The true value of a metric, in its unit, at unix seconds (n,)."""
        metric = METRICS[name]
        out = np.interp(seconds, self.knots, self._slow[name])
        out += metric.base
        for plan, size, shape in self._drifts:
            if plan.root == name:
                out += size * shape(seconds)
        for held in (self._steps.get(name), self._moved.get(name)):
            if held is not None:
                out += held(seconds)
        if metric.refill:
            out += metric.refill * self.beam.saw_tooth(seconds)
        if metric.gap:
            out += metric.gap * self.schedule.gap(seconds)
        if metric.energy:
            out += metric.energy * self.schedule.energy(seconds)
        if metric.heat:
            out += metric.heat * (1 - self.beam.heat(seconds))
        if metric.activity:
            out += metric.activity * self._activity(seconds)
        if metric.dip:
            out += metric.base * metric.dip * self.beam.dip(seconds)
        if metric.light:
            out *= self.light(seconds)
        if name == "ring_current":
            out += self.beam.current(seconds)
        return out

    def light(self, seconds: Values) -> Values:
        """Light on the chambers: 1 at full current and the middle energy, 0 behind the shutter."""
        open_ = ~self.schedule.within(seconds, (*DARK, "closed"))
        share = self.beam.current(seconds) / self.history.ring_ma
        return open_ * share * (1 - 0.4 * self.schedule.energy(seconds))

    def readable(self, name: str, seconds: Values) -> NDArray[np.bool_]:
        """Whether there is a reading at all: what is measured with the beam needs it."""
        if not METRICS[name].silent:
            return np.ones(len(seconds), dtype=bool)
        return ~self.schedule.within(seconds, (*DARK, "closed"))

    def set_point(self, name: str, seconds: Values) -> Values:
        """How far the objective has moved the metric, and its limits with it."""
        moved = self._moved.get(name)
        return np.zeros(len(seconds)) if moved is None else moved(seconds)

    def reach(self, name: str) -> float:
        """How far a metric moves at once in normal operation: refills, gap moves, activity."""
        metric = METRICS[name]
        parts = (metric.refill, metric.gap, metric.energy, metric.heat, metric.dip * metric.base)
        reach = sum(abs(part) for part in parts)
        return reach + 24 * metric.activity

    def _sigma(self, name: str) -> float:
        """Standard deviation of what is fast and belongs to the instrument's normal."""
        metric = METRICS[name]
        noise = metric.noise * self.history.noise
        if not metric.activity:
            return noise
        sample = stream(self.history.seed, "sigma").uniform(self.knots[0], self.knots[-1], SAMPLES)
        return float(np.hypot(noise, metric.activity * self._activity(sample).std()))

    def _carried(self, name: str, parts: dict[str, Values]) -> Values:
        total = np.zeros(len(self.knots))
        for c in couplings_into(name):
            if c.source in parts:
                total += c.gain * low_pass(parts[c.source], STEP_S, c.lag_s)
        return total

    def _regular(self) -> dict[str, Values]:
        """Day and year on the knots, through the couplings."""
        history = self.history
        rng = stream(history.seed, "days")
        phase = 2 * np.pi * ((self.knots % DAY) / DAY - 15 / 24)  # warmest at 15:00
        day = np.cos(phase) + 0.25 * np.cos(2 * phase + 0.6)
        warm = 1 + 0.25 * wander(len(self.knots), STEP_S, 3 * DAY, rng)
        day *= history.swing * np.clip(warm, 0.3, 1.7) / 1.1
        year = history.season * np.cos(2 * np.pi * (self.knots / DAY % 365.25 - 205) / 365.25)
        out: dict[str, Values] = {}
        for name in self.names:
            metric = METRICS[name]
            own = metric.swing * day + metric.season * year
            out[name] = own + self._carried(name, out)
        return out

    def _limits(self, name: str) -> tuple[float, float]:
        """``limit_sigma`` deviations beyond all that belongs to a steady day."""
        history = self.history
        rng = stream(history.seed, "range", name)
        sample = np.sort(rng.uniform(history.start, history.end, SAMPLES))
        steady = sample[self.schedule.within(sample, STEADY)]
        if len(steady) == 0:
            steady = sample
        level = self.level(name, steady)
        metric = METRICS[name]
        # Those two fade or come in excursions; neither is a day's swing.
        if metric.heat:
            level -= metric.heat * (1 - self.beam.heat(steady))
        if metric.activity:
            level -= metric.activity * self._activity(steady)
        way = history.limit_sigma * self.sigma[name]
        return float(level.min() - way), float(level.max() + way)

    def _wander(self) -> None:
        history = self.history
        count = len(self.knots)
        out: dict[str, Values] = {}
        for name in self.names:
            rng = stream(history.seed, "wander", name)
            carried = self._carried(name, out)
            total = history.wander_sigma * self.sigma[name]
            own = np.sqrt(max(total**2 - carried.var(), (0.3 * total) ** 2))
            out[name] = carried + own * wander(count, STEP_S, history.wander_days * DAY, rng)
            weather = METRICS[name].weather
            if weather:
                out[name] += history.season * weather * _weather(count, rng)
            self._slow[name] = self._slow[name] + out[name]

    def _set_steps(self) -> None:
        """Harmless steps after maintenance, and the moves of new objectives."""
        history = self.history
        ends = np.array(self.schedule.maintenance_ends)
        for name in self.limits:
            rng = stream(history.seed, "steps", name)
            way = history.limit_sigma * self.sigma[name]
            values, now = [], 0.0
            for _ in ends:
                if rng.random() < 0.7:
                    sign = rng.choice([-1, 1]) if abs(now) < 1e-9 else -np.sign(now)
                    size = history.step_share * way * rng.uniform(0.67, 1.0)
                    now = float(sign * size) if abs(now) < 1e-9 else now + float(sign * size)
                    if abs(now) < 0.3 * history.step_share * way:
                        now = 0.0
                values.append(now)
            if len(ends) and history.step_share:
                self._steps[name] = Levels(ends, np.array(values))
            if len(self.schedule.objectives) and METRICS[name].silent:
                sizes = rng.uniform(-3, 3, len(self.schedule.objectives)) * way
                self._moved[name] = Levels(self.schedule.objectives, sizes)

    def steps(self, name: str) -> list[tuple[float, float]]:
        """Harmless steps of a metric: time and size."""
        held = self._steps.get(name)
        if held is None:
            return []
        sizes = held(held.times) - held(held.times - 1e-3)
        return [(float(t), float(s)) for t, s in zip(held.times, sizes, strict=True) if s]

    def _fitted(self, plan: Drift) -> Drift:
        """Size a drift so that the true value first passes its limit when its life is over."""
        shape = unit_drift(plan, self.history, self.schedule, self.beam)
        root = plan.root
        response = {root: shape(self.knots)}
        followers = [n for n in moved_by(root) if n in self.names]
        for name in followers:
            response[name] = self._carried(name, response)
        toward = response[plan.metric]
        low, high = self.limits[plan.metric]
        limit = high if plan.direction > 0 else low
        still = self.level(plan.metric, self.knots) - self.set_point(plan.metric, self.knots)
        counts = self.schedule.within(self.knots, STEADY) & (self.knots >= plan.onset)
        room = plan.direction * (limit - still)
        over = plan.onset + plan.life
        if over < self.knots[-1]:
            size = drift_size(self.knots, room, toward, counts, over)
        else:  # it does not get there within the record; how the couplings weigh is all to know
            weight = self._weight(plan)
            size = float(np.median(room)) / weight
        size *= plan.direction * 1.0005
        self._drifts.append((plan, size, shape))
        for name in followers:
            self._slow[name] = self._slow[name] + size * response[name]
        return plan.sized(size)

    def _weight(self, plan: Drift) -> float:
        """What a lasting drift of size 1 of the root makes of the metric."""
        weights = {plan.root: 1.0}
        for name in moved_by(plan.root):
            weights[name] = sum(
                c.gain * weights[c.source] for c in couplings_into(name) if c.source in weights
            )
        return weights[plan.metric]


def _weather(count: int, rng: np.random.Generator) -> Values:
    """Unit weather on the knots."""
    front = low_pass(wander(count, STEP_S, WEATHER_S, rng), STEP_S, FRONT_S)
    front /= np.sqrt(WEATHER_S / (WEATHER_S + FRONT_S))
    return front + GUSTS * wander(count, STEP_S, GUST_S, rng)
