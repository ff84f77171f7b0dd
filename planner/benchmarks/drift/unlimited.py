"""Metrics without limits: how often something is said of them where nothing happens."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metadata.drift.settings import MonitorSettings
from metadata.drift.verdicts import MOVING
from planner.benchmarks.drift.case import DAY, make
from planner.benchmarks.drift.spread import spread
from planner.benchmarks.drift.watched import watch


@dataclass(frozen=True, eq=False)
class Asked:
    """One history without limits, to be watched with a false alarm expected each ``days``."""

    seed: int
    decoys: int
    days: float
    still: Mapping[str, Any]


@dataclass(frozen=True)
class Held:
    """``said`` times in so many metric-days something was said, when ``days`` were asked for."""

    days: float
    said: int
    metric_days: float

    @property
    def between(self) -> float:
        """Days between two sayings; infinite without any."""
        return self.metric_days / self.said if self.said else np.inf


def held(todo: Asked) -> Held:
    """What is said of all metrics of one history; what follows within a day is the same."""
    case = make(todo.seed, True, todo.decoys, **todo.still)
    free = {name: replace(info, limits=None) for name, info in case.metrics.items()}
    settings = MonitorSettings(false_alarm_days=todo.days)
    said, days = 0, 0.0
    for verdicts in watch(replace(case, metrics=free), settings=settings).values():
        moving = verdicts.times[verdicts.codes == MOVING]
        said += int((np.diff(moving, prepend=-np.inf) > DAY).sum())
        days += (case.end - case.start) / DAY
    return Held(todo.days, said, days)


def measure(settings: Mapping[str, Any], workers: int) -> list[Held]:
    """For each time that is asked for, all histories together."""
    span = range(settings["first_seed"], settings["first_seed"] + settings["count"])
    todo = [Asked(seed, settings["decoys"], days, settings["still"])
            for days in settings["false_alarm_days"] for seed in span]  # fmt: skip
    each = list(spread(held, todo, workers, "metrics without limits"))
    return [
        Held(days, sum(h.said for h in each if h.days == days),
             sum(h.metric_days for h in each if h.days == days))
        for days in settings["false_alarm_days"]
    ]  # fmt: skip
