"""What chooses a pipeline for a request on a scan, and what it took to choose."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache
from importlib.resources import files
from typing import Any, Protocol

import numpy as np
from numpy.typing import NDArray

from planner.outcomes.reward import BROKEN, MOST
from planner.search import price
from planner.task import Task
from simulators.outcomes import ScanOutcomes


@dataclass(frozen=True)
class Choice:
    """``pipeline``: its place in ``scan.complete``; ``seconds``: processor seconds of choosing,
    with those of pipelines that were run for it."""

    pipeline: int
    seconds: float = 0.0


class Contender(Protocol):
    """A way of choosing. ``seeded``: whether its choices differ from seed to seed."""

    name: str
    seeded: bool

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """See the scans of training; called once for each seed, before any choice."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        """Choose one of the pipelines that were run on a scan, for a request that may differ from
        the scan's own in priority and limits. What was measured of them is not to be looked at,
        but by those whose name says so."""


@cache
def settings() -> dict[str, Any]:
    """``configs/benchmarks/planner.yaml``."""
    import yaml

    path = files("configs").joinpath("benchmarks", "planner.yaml")
    return dict(yaml.safe_load(path.read_text(encoding="utf-8")))


def worth(
    quality: NDArray[np.floating],
    seconds: NDArray[np.floating],
    task: Task,
    over: float = 1.0,
) -> NDArray[np.float64]:
    """The reward that predictions promise (:func:`planner.outcomes.reward.reward`); a limit counts
    as broken where ``over`` times the seconds break it."""
    seconds = np.maximum(np.asarray(seconds, np.float64), 1e-9)
    found = quality - price(task.priority) * np.log10(seconds / seconds.min())
    if task.max_seconds:
        filled = over * seconds / task.max_seconds
        found = found - np.where(filled > 1, BROKEN * np.minimum(filled, MOST), 0.0)
    return np.asarray(found, np.float64)


def rows_per_detector(scan: ScanOutcomes) -> float:
    """How many times a table's rows fit into a square detector."""
    kept = scan.document["scans"][0]
    return max(kept["columns"] / kept["rows"], 1.0) if settings()["square_detector"] else 1.0


def leads_to_end(scan: ScanOutcomes) -> NDArray[np.bool_]:
    """For each node whether a pipeline that was measured ends there or after it."""
    found = np.zeros(len(scan.parent), bool)
    found[scan.complete] = True
    for node in range(len(found) - 1, -1, -1):
        if found[node] and scan.parent[node] >= 0:
            found[scan.parent[node]] = True
    return found
