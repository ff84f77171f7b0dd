"""Outcomes as arrays to learn from: a row for each complete pipeline, a line for each scan."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
from numpy.typing import NDArray

from planner.outcomes.reward import rewards, task_of
from planner.task import Condition, Goal, Priority
from planner.traits import Traits
from simulators.outcomes import ScanOutcomes

TRAITS = tuple(f.name for f in fields(Traits))
SIZES = ("projections", "rows", "columns")


@dataclass(frozen=True, eq=False)
class Tasks:
    """What is known of each scan before anything is run, one line a scan.

    ``traits``: axes ``scan, trait, (value, low, high)`` in the order of ``TRAITS``, NaN where not
    measured; ``sizes``: projections, rows, columns; ``goals``, ``conditions`` (said or seen) and
    ``priority``: 1 where it holds, in the order of the enumerations; ``max_seconds``: NaN where
    none is said.
    """

    traits: NDArray[np.float32]
    sizes: NDArray[np.float32]
    goals: NDArray[np.float32]
    conditions: NDArray[np.float32]
    priority: NDArray[np.float32]
    max_seconds: NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Rows:
    """What each complete pipeline gave and cost.

    ``scan``: index into the scans given; ``node``: of the scan's tree; ``steps``: indices into
    ``Outcomes.steps`` from the first step on, −1 behind the last; ``seconds`` on one thread,
    ``peak_bytes``, ``reward`` by the scan's own request.
    """

    scan: NDArray[np.int32]
    node: NDArray[np.int32]
    steps: NDArray[np.int32]
    quality: NDArray[np.float32]
    seconds: NDArray[np.float32]
    peak_bytes: NDArray[np.float32]
    reward: NDArray[np.float32]


def rows(scans: Sequence[ScanOutcomes]) -> Rows:
    """The complete pipelines of some scans (of one table: their step numbers agree)."""
    paths = [[[int(s.step[n]) for n in _path(s, int(node))] for node in s.complete] for s in scans]
    longest = max((len(p) for many in paths for p in many), default=0)
    padded = [p + [-1] * (longest - len(p)) for many in paths for p in many]
    return Rows(
        np.repeat(np.arange(len(scans)), [len(s.complete) for s in scans]).astype(np.int32),
        _joined([s.complete for s in scans], np.int32),
        np.array(padded, np.int32).reshape(-1, longest),
        _joined([s.main_quality[s.complete] for s in scans]),
        _joined([s.total_seconds[s.complete] for s in scans]),
        _joined([s.total_peak_bytes[s.complete] for s in scans]),
        _joined([rewards(s) for s in scans]),
    )


def tasks(scans: Sequence[ScanOutcomes]) -> Tasks:
    """What is known of some scans before anything is run."""
    requests = [task_of(s) for s in scans]
    held = [s.document["conditions"] for s in scans]
    return Tasks(
        np.array([_traits(s) for s in scans], np.float32),
        np.array([[s.document["scans"][0][k] for k in SIZES] for s in scans], np.float32),
        np.array([[g in t.goals for g in Goal] for t in requests], np.float32),
        np.array([[c.value in h for c in Condition] for h in held], np.float32),
        np.array([[p is t.priority for p in Priority] for t in requests], np.float32),
        np.array([t.max_seconds or np.nan for t in requests], np.float32),
    )


def best_below(scan: ScanOutcomes, values: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each node the highest of ``values`` (one for each of ``scan.complete``) at or below it:
    what a pipeline begun so can still reach; −inf where nothing complete is."""
    found = np.full(len(scan.parent), -np.inf)
    found[scan.complete] = values
    for node in range(len(found) - 1, -1, -1):
        parent = scan.parent[node]
        if parent >= 0:
            found[parent] = max(found[parent], found[node])
    return found


def _traits(scan: ScanOutcomes) -> list[list[float]]:
    kept = scan.document["scans"][0]["traits"]
    nothing = {"value": np.nan, "low": np.nan, "high": np.nan}
    listed = [kept.get(name) or nothing for name in TRAITS]
    return [[np.nan if t[k] is None else t[k] for k in ("value", "low", "high")] for t in listed]


def _path(scan: ScanOutcomes, node: int) -> list[int]:
    path = []
    while node >= 0:
        path.append(node)
        node = int(scan.parent[node])
    return path[::-1]


def _joined(pieces: Sequence[NDArray], dtype: type = np.float32) -> NDArray:
    return np.concatenate(pieces).astype(dtype) if pieces else np.empty(0, dtype)
