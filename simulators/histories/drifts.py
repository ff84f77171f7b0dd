"""Which drifts a history holds: of what, moved by what, from when, and for how long."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from simulators.histories.beam import Beam
from simulators.histories.drift_shapes import SHAPES, growth
from simulators.histories.metrics import METRICS, causes_of
from simulators.histories.random_access import stream
from simulators.histories.schedule import Schedule
from simulators.histories.settings import DAY, History

Values = NDArray[np.float64]

DOSE_STEP_S = 3600.0


@dataclass(frozen=True)
class Drift:
    """One drift of ``metric`` toward its limit in ``direction``, through ``cause`` ("": itself).

    ``onset`` and ``end`` (its repair; infinity: none) in unix s, ``life`` in s; ``size`` is the
    amplitude in the unit of the metric that moves first, at the end of its life.
    """

    number: int
    metric: str
    cause: str
    shape: str
    power: float
    direction: int
    onset: float
    life: float
    end: float
    size: float = 0.0

    @property
    def root(self) -> str:
        """The metric that moves first."""
        return self.cause or self.metric

    def sized(self, size: float) -> Drift:
        return replace(self, size=size)


def plan_drifts(history: History) -> tuple[Drift, ...]:
    """The drift of the settings, and with ``repeat_days`` others, drawn, after it."""
    if history.shape == "none":
        return ()
    onset = history.start + history.onset_day * DAY
    life = history.life_days * DAY
    first = Drift(0, history.metric, history.cause, history.shape, history.power,
                  history.direction, onset, life, _end(history, onset, life))  # fmt: skip
    if history.repeat_days is None:
        return (first,)
    plans = [first]
    candidates = [n for n in history.names if METRICS[n].limited]
    while True:
        number = len(plans)
        rng = stream(history.seed, "drift", number)
        onset += history.repeat_days * DAY * rng.uniform(0.8, 1.2)
        onset = max(onset, plans[-1].end + 3 * DAY)  # one at a time
        if onset >= history.end:
            return tuple(plans)
        life = float(np.exp(rng.uniform(np.log(3), np.log(32)))) * DAY
        metric = str(rng.choice(candidates))
        causes = ["", *(c for c in causes_of(metric) if c in history.names)]
        plans.append(
            Drift(number, metric, str(rng.choice(causes)), str(rng.choice(SHAPES)),
                  float(rng.uniform(1.2, 1.5)), int(rng.choice([-1, 1])), onset, life,
                  _end(history, onset, life))
        )  # fmt: skip


def _end(history: History, onset: float, life: float) -> float:
    if history.repair_days is None:
        return np.inf
    return onset + life + history.repair_days * DAY


def unit_drift(
    plan: Drift, history: History, schedule: Schedule, beam: Beam
) -> Callable[[Values], Values]:
    """The drift with size 1, at any times (unix s): 0 before its onset and after its repair."""
    grow = growth(plan.shape, plan.power, stream(history.seed, "shape", plan.number))
    if plan.shape == "ageing":
        hours = np.arange(history.start, history.end + 2 * DOSE_STEP_S, DOSE_STEP_S)
        lit = schedule.within(hours, ("operation", "recovery", "energy_change"))
        dose = np.concatenate([[0.0], np.cumsum(beam.current(hours) * lit)])[:-1]
        begun = float(np.interp(plan.onset, hours, dose))
        over = plan.onset + plan.life
        later = history.ring_ma * max(0.0, over - hours[-1]) / DOSE_STEP_S
        whole = max(float(np.interp(over, hours, dose)) + later - begun, 1e-9)

        def part(seconds: Values) -> Values:
            return (np.interp(seconds, hours, dose) - begun) / whole
    else:

        def part(seconds: Values) -> Values:
            return (seconds - plan.onset) / plan.life

    def at(seconds: Values) -> Values:
        inside = (seconds >= plan.onset) & (seconds < plan.end)
        out = np.zeros(len(seconds))
        out[inside] = grow(part(seconds[inside]))
        return out

    return at
