"""What a tool must not read: onsets, causes, when limits were passed, regimes, faults."""

from __future__ import annotations

import math
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.histories.drifts import Drift
from simulators.histories.instrument import STEP_S, Instrument
from simulators.histories.metrics import COUPLINGS, Coupling, moved_by
from simulators.histories.schedule import STEADY, Interval
from simulators.histories.settings import History

Values = NDArray[np.float64]

GRID_S = 10.0


@dataclass(frozen=True)
class Crossing:
    """A metric's true value passed its limit at ``time`` (unix s); ``drift`` says which did it."""

    metric: str
    time: float
    limit: float
    direction: int
    drift: int


@dataclass(frozen=True)
class Truth:
    """The truth of a history; ``drifts[0]`` is that of the settings.

    ``moved`` names for each drift every recorded metric that it moves; ``crossings`` tell when
    a true (noise-free) value first lay at or beyond its limit in a steady regime, to
    :data:`GRID_S`; ``regimes`` cover the history once; ``faults`` are gaps, disconnects and
    clock faults of the record; ``steps`` harmless steps (time, metric, size).
    """

    settings: History
    drifts: tuple[Drift, ...]
    moved: tuple[tuple[str, ...], ...]
    crossings: tuple[Crossing, ...]
    regimes: tuple[Interval, ...]
    refills: Values
    faults: tuple[Interval, ...]
    steps: tuple[tuple[float, str, float], ...]
    couplings: tuple[Coupling, ...]
    sigma: dict[str, float]

    @property
    def onset(self) -> float | None:
        """Unix s at which the first drift begins."""
        return self.drifts[0].onset if self.drifts else None

    @property
    def cause(self) -> str | None:
        """What moves first: the cause, or the metric itself."""
        return self.drifts[0].root if self.drifts else None

    @property
    def crossing(self) -> float | None:
        """Unix s at which the drifting metric passes its limit; None: not within the record."""
        return self.crossing_of(self.drifts[0].metric) if self.drifts else None

    def crossing_of(self, metric: str, drift: int = 0) -> float | None:
        """Unix s at which a drift takes a metric over its limit."""
        for crossing in self.crossings:
            if crossing.metric == metric and crossing.drift == drift:
                return crossing.time
        return None

    def to_json(self) -> dict[str, Any]:
        document = {
            "settings": asdict(self.settings),
            "onset": self.onset,
            "cause": self.cause,
            "crossing": self.crossing,
            "drifts": [asdict(d) | {"end": d.end if math.isfinite(d.end) else None, "moved": m}
                       for d, m in zip(self.drifts, self.moved, strict=True)],
            "crossings": [asdict(c) for c in self.crossings],
            "regimes": [[r.start, r.end, r.name] for r in self.regimes],
            "faults": [asdict(f) for f in self.faults],
            "steps": [list(s) for s in self.steps],
            "couplings": [asdict(c) for c in self.couplings],
            "sigma": self.sigma,
            "refills": [round(float(t), 3) for t in self.refills],
        }  # fmt: skip
        return document


def tell(instrument: Instrument, faults: tuple[Interval, ...]) -> Truth:
    """The truth of an instrument and its record."""
    names = instrument.history.names
    moved = tuple(
        tuple(n for n in (root, *moved_by(root)) if n in names)
        for root in (d.root for d in instrument.drifts)
    )
    crossings = [
        found
        for drift, metrics in zip(instrument.drifts, moved, strict=True)
        for metric in metrics
        if metric in instrument.limits
        and (found := _first_crossing(instrument, metric, drift)) is not None
    ]
    return Truth(
        settings=instrument.history,
        drifts=instrument.drifts,
        moved=moved,
        crossings=tuple(sorted(crossings, key=lambda c: c.time)),
        regimes=instrument.schedule.regimes,
        refills=instrument.beam.refills,
        faults=faults,
        steps=tuple(sorted((t, n, s) for n in names for t, s in instrument.steps(n))),
        couplings=tuple(c for c in COUPLINGS if c.source in names and c.target in names),
        sigma={n: instrument.sigma[n] for n in names},
    )


def beyond(instrument: Instrument, metric: str, seconds: Values) -> NDArray[np.int8]:
    """Where the true value is at or over a limit: 1 above, −1 below, 0 inside or not counting."""
    low, high = instrument.limits[metric]
    value = instrument.level(metric, seconds) - instrument.set_point(metric, seconds)
    steady = instrument.schedule.within(seconds, STEADY)
    return np.where(steady, (value >= high).astype(np.int8) - (value <= low).astype(np.int8), 0)


def _first_crossing(instrument: Instrument, metric: str, drift: Drift) -> Crossing | None:
    end = min(drift.end, instrument.history.end)
    low, high = instrument.limits[metric]
    knots = instrument.knots[(instrument.knots >= drift.onset - STEP_S) & (instrument.knots < end)]
    if len(knots) == 0:
        return None
    value = instrument.level(metric, knots) - instrument.set_point(metric, knots)
    # Between two knots a value moves by no more than a refill and some sigma; jumps show after.
    slack = abs(instrument.reach(metric)) + instrument.sigma[metric]
    near = (value > high - slack) | (value < low + slack)
    near[:-1] |= near[1:]
    per_knot = int(STEP_S / GRID_S)
    chosen = np.flatnonzero(near)
    for group in np.array_split(chosen, max(1, len(chosen) // 300)):
        if len(group) == 0:
            continue
        fine = (knots[group][:, None] + GRID_S * np.arange(per_knot)).ravel()
        fine = fine[(fine >= drift.onset) & (fine < end)]
        out = beyond(instrument, metric, fine)
        hits = np.flatnonzero(out)
        if len(hits):
            side = int(out[hits[0]])
            limit = high if side > 0 else low
            moved = float(instrument.set_point(metric, fine[hits[:1]])[0])
            return Crossing(metric, float(fine[hits[0]]), limit + moved, side, drift.number)
    return None
