"""A simulated history as the early warning meets it, and what it will be held to."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metadata.series import Limits, LoggedEvent, MetricInfo, Samples

DAY = 86400.0


@dataclass(frozen=True, eq=False)
class Case:
    """One record: ``samples`` and ``metrics`` by name, the log book, and the truth.

    ``metric`` is the one that drifts (of a healthy record: the one that is watched). Times are
    unix s. ``onset``: when the drift begins; None where nothing drifts. ``crossing``: when the
    true value first lies at or beyond the limit; None where it does not within the record.
    ``cause``: what moves first.
    """

    seed: int
    metric: str
    shape: str
    samples: Mapping[str, Samples]
    metrics: Mapping[str, MetricInfo]
    events: tuple[LoggedEvent, ...]
    start: float
    end: float
    onset: float | None
    crossing: float | None
    cause: str | None

    @property
    def target(self) -> Samples:
        """The record of the metric that is judged, in the order of arrival."""
        return self.samples[self.metric]

    @property
    def limits(self) -> Limits:
        """Those of the metric that is judged."""
        return self.metrics[self.metric].limits or Limits()

    @property
    def life_days(self) -> float | None:
        """From the onset to the limit."""
        if self.onset is None or self.crossing is None:
            return None
        return (self.crossing - self.onset) / DAY


def draw(first_seed: int, count: int, *, healthy: bool = False, decoys: int | list[int] = 0,
         **fixed: Any) -> Iterator[Case]:  # fmt: skip
    """So many random histories, one a seed; ``decoys`` in turn; ``fixed`` settings as given."""
    turns = [decoys] if isinstance(decoys, int) else decoys
    for number in range(count):
        yield make(first_seed + number, healthy, turns[number % len(turns)], **fixed)


def make(seed: int, healthy: bool = False, decoys: int = 0, **fixed: Any) -> Case:
    """The history of a seed.

    >>> case = make(50000, days=20.0)
    >>> case.onset < case.crossing, len(case.target) > 1000
    (True, True)
    """
    from simulators.histories import draw_history, simulate_history

    settings = draw_history(seed, decoys=decoys, healthy=healthy, **fixed)
    history = simulate_history(settings)
    truth = history.truth
    samples = {
        name: Samples.of(name, times, values, history.units[name])
        for name, (times, values) in history.series.items()
    }
    metrics = {}
    for name in history.names:
        rows = history.limits.get(name)
        limits = Limits(*rows[-1][1:]) if rows else None
        metrics[name] = MetricInfo(name, history.units[name], limits)
    events = tuple(LoggedEvent(e.time, e.kind, e.text) for e in history.events)
    return Case(seed, settings.metric, settings.shape, samples, metrics, events, settings.start,
                settings.end, truth.onset, truth.crossing, truth.cause)  # fmt: skip


def anonymous(case: Case) -> Case:
    """The same with names that tell nothing: what is known of names cannot help.

    >>> case = anonymous(make(70000, decoys=3, days=20.0))
    >>> sorted(case.samples), case.metric in case.samples
    (['metric_0', 'metric_1', 'metric_2', 'metric_3', 'metric_4'], True)
    """
    order = np.random.default_rng(case.seed).permutation(len(case.samples))
    names = {name: f"metric_{k}" for name, k in zip(case.samples, order, strict=True)}
    return replace(
        case,
        metric=names[case.metric],
        cause=None if case.cause is None else names[case.cause],
        samples={names[n]: replace(s, metric=names[n]) for n, s in case.samples.items()},
        metrics={names[n]: replace(m, name=names[n], about="") for n, m in case.metrics.items()},
    )


def last_before(times: np.ndarray, moment: float) -> int | None:
    """The place of the latest of ``times`` (any order) at or before a moment; None: none is."""
    before = np.flatnonzero(times <= moment)
    return int(before[np.argmax(times[before])]) if len(before) else None
