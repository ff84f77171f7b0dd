"""What an outcome is worth to a request: the one number that choices are made and learned by."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.search import price
from planner.task import Task
from simulators.outcomes import ScanOutcomes

BROKEN, MOST = 0.3, 3.0  # penalty for each time that a budget is filled, and up to how many times
GIB = 2.0**30


def reward(
    quality: float, seconds: float, cheapest: float, task: Task, peak_bytes: float = 0.0
) -> float:
    """Quality − weight of the priority × log10(seconds / the cheapest's) − penalties.

    ``cheapest``: seconds of the cheapest pipeline for the same scan, so that a reward does not
    change with the size of the scan; the weights (``price`` in ``configs/rules.yaml``) are the
    quality that a request gives for ten times the time. A stated limit of seconds or memory that
    is broken costs 0.3 for each time that it is filled, at most 0.9.

    >>> from planner.task import Intent, Priority
    >>> fast = Task(Intent.PLAN, priority=Priority.SPEED, max_seconds=10.0)
    >>> round(reward(0.8, 1.0, 0.1, fast), 3), round(reward(0.8, 20.0, 20.0, fast), 3)
    (0.55, 0.2)
    """
    value = quality - price(task.priority) * math.log10(max(seconds / max(cheapest, 1e-9), 1.0))
    for used, limit in (
        (seconds, task.max_seconds),
        (peak_bytes, task.max_memory_gib and task.max_memory_gib * GIB),
    ):
        if limit and used > limit:
            value -= BROKEN * min(used / limit, MOST)
    return value


def rewards(scan: ScanOutcomes, task: Task | None = None) -> NDArray[np.float64]:
    """The measured reward of each of ``scan.complete``, by the scan's own request or another."""
    task = task_of(scan) if task is None else task
    nodes = scan.complete
    seconds, peaks = scan.total_seconds[nodes], scan.total_peak_bytes[nodes]
    quality = scan.main_quality[nodes]
    cheapest = float(seconds.min())
    return np.array(
        [reward(float(q), float(s), cheapest, task, float(np.nan_to_num(p)))
         for q, s, p in zip(quality, seconds, peaks, strict=True)]
    )  # fmt: skip


def task_of(scan: ScanOutcomes) -> Task:
    """The request of a scan's outcomes."""
    request: Mapping[str, Any] = scan.document["request"]
    return Task.from_json(request)
