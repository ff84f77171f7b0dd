"""The monitor as a general detector in streams it knows nothing of: without limits, as it comes."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.monitor import Monitor
from metadata.series import MetricInfo, Samples
from planner.benchmarks.drift.collections import Windowed
from planner.benchmarks.drift.trailing import trailing
from planner.benchmarks.drift.watched import joined
from planner.benchmarks.drift.window_score import Scored, window_score

Values = NDArray[np.float64]

VARIABLE = "TOMOPLAN_ANOMALIES"
#: Above it a score counts where no threshold is looked for.
FIXED = 0.5


def monitored(series: Windowed) -> Values:
    """The monitor's score at each row."""
    monitor = Monitor({series.samples.metric: MetricInfo(series.samples.metric)})
    return joined(list(monitor.update([series.samples]))).scores


def windowed_gaussian(series: Windowed) -> Values:
    """How far each value is from the trailing rows' mean, in their deviations."""
    return deviating(series.samples, 6400, 1)


def deviating(samples: Samples, long: int, short: int) -> Values:
    """How far the mean of the last ``short`` rows is from that of the ``long`` before them: 0 … 1,
    one half at three deviations."""
    off, deviation, many = trailing(samples.values, long, short, 1e-12)
    z = np.where(many > 10, np.abs(off) / deviation, 0.0)
    return z / (z + 3.0)


def chance(series: Windowed) -> Values:
    """Any number, at any time."""
    return np.random.default_rng(len(series.samples)).random(len(series.samples))


def always(series: Windowed) -> Values:
    """Every row is an anomaly."""
    return np.ones(len(series.samples))


DETECTORS: dict[str, Callable[[Windowed], Values]] = {
    "tomoplan": monitored,
    "windowed Gaussian": windowed_gaussian,
    "random": chance,
    "always-fire": always,
}


def measure(collection: Sequence[Windowed]) -> list[dict[str, Any]]:
    """A row a detector: the score with the best threshold for all series together, as published
    scores have it, and with :data:`FIXED`."""
    rows = []
    for name, detector in DETECTORS.items():
        scored = [Scored(s.name, detector(s), s.windows) for s in collection]
        found = window_score(scored, FIXED)
        rows.append({"name": name, "best": found.best, "threshold": found.threshold,
                     "fixed": found.fixed})  # fmt: skip
    return rows


def simulated(span: Mapping[str, Any]) -> list[Windowed]:
    """The streams of ``{first_seed, count}``."""
    from simulators.streams import draw_stream

    found = []
    for seed in range(span["first_seed"], span["first_seed"] + span["count"]):
        record = draw_stream(seed)
        samples = Samples.of(f"{record.family} {seed}", record.times, record.values)
        found.append(Windowed(samples.metric, samples, record.windows))
    return found


def folder() -> Path | None:
    """Where public collections are, if anywhere."""
    import os

    named = os.environ.get(VARIABLE)
    return Path(named) if named else None
