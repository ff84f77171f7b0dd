"""Replay of a real ring current: refills recognised, no alarm, lifetime and refill step."""

from __future__ import annotations

import csv
from collections.abc import Mapping
from dataclasses import dataclass, replace
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.monitor import Monitor
from metadata.drift.regimes import REFILL
from metadata.drift.verdicts import ALARM, MOVING, WARNING, Verdicts
from metadata.series import Limits, MetricInfo, Samples
from planner.benchmarks.drift.watched import joined

Values = NDArray[np.float64]

COLUMN = "ring_current_mA"
NOISE_MA = 0.02
RISE_MA = 0.3  # between neighbouring points or within one injection
INJECTION_S = 30.0
SEEN_S = 60.0
WAY_MA = 5.0


@dataclass(frozen=True)
class Replay:
    """``refills`` that the record shows and how many of them lie in the refill regime;
    ``invented``: refill regimes without a rise; ``alarms``: samples in warning or alarm, with
    limits 5 mA away; ``moved``: samples said to be moving. Lifetime (h) and step (mA) as
    the monitor knows them, and as they follow from the regimes."""

    refills: int
    recognised: int
    invented: int
    alarms: int
    moved: int
    lifetime_h: float
    step_ma: float
    known_lifetime_h: float = float("nan")
    known_step_ma: float = float("nan")


def read(path: Path) -> Samples:
    """The ring current, unix s and mA."""
    with path.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    times = np.array([float(row["unix_time_s"]) for row in rows])
    return Samples.of(COLUMN, times, np.array([float(row[COLUMN]) for row in rows]), "mA")


def measure(settings: Mapping[str, Any], folder: Path) -> Replay:
    """Replay the record once, with limits well outside of the saw-tooth."""
    record = read(folder / settings["file"])
    low, high = float(record.values.min()), float(record.values.max())
    about = MetricInfo(COLUMN, "mA", Limits(low - WAY_MA, high + WAY_MA))
    monitor = Monitor({COLUMN: about})
    said = joined(list(monitor.update([record])))
    known = monitor.saw_tooth(COLUMN)
    found = judge(record, said)
    if known is None:
        return found
    return replace(found, known_lifetime_h=known.lifetime_s / 3600, known_step_ma=known.step)


def rises(record: Samples, least: float = RISE_MA) -> list[tuple[int, int]]:
    """The refills that can be seen: the rows before and after each rise of over ``least`` mA (over
    a gap of the record little of a refill may be left)."""
    steps = np.diff(record.values)
    up = np.flatnonzero(steps > NOISE_MA)
    found: list[list[int]] = []
    for row in up:
        near = found and record.times[row] - record.times[found[-1][1]] < INJECTION_S
        if near:
            found[-1][1] = int(row) + 1
        else:
            found.append([int(row), int(row) + 1])
    return [(a, b) for a, b in found if record.values[b] - record.values[a] > least]


def judge(record: Samples, said: Verdicts) -> Replay:
    """Hold the regimes against the rises."""
    refill = said.regimes == REFILL
    times, values = record.times, record.values
    runs = _runs(refill)
    shown = rises(record)
    spans = [(times[a], times[b] + SEEN_S) for a, b in shown]
    recognised = sum(bool(refill[(times >= a) & (times <= b)].any()) for a, b in spans)
    small = [(times[a], times[b] + SEEN_S) for a, b in rises(record, NOISE_MA)]
    invented = sum(not any(times[i] <= b and times[j - 1] >= a for a, b in small) for i, j in runs)
    steps, lives = [], []
    for k, (i, j) in enumerate(runs):
        # An injection that began or ended in a gap of the record shows no whole step.
        first, last = max(i - 2, 0), min(j + 1, len(values) - 1)
        if times[last] - times[first] < SEEN_S:
            steps.append(values[i - 1 : last + 1].max() - values[first:j].min())
        end = runs[k + 1][0] - 1 if k + 1 < len(runs) else len(values)
        for a, b in _unbroken(times, j + 2, end):
            slope = np.polyfit(times[a:b] - times[a], np.log(values[a:b]), 1)[0]
            lives.append(-1 / slope / 3600)
    return Replay(
        refills=len(shown),
        recognised=recognised,
        invented=invented,
        alarms=int(((said.codes == WARNING) | (said.codes == ALARM)).sum()),
        moved=int((said.codes == MOVING).sum()),
        lifetime_h=float(np.median(lives)) if lives else float("nan"),
        step_ma=float(np.median(steps)) if steps else float("nan"),
    )


def _runs(flags: NDArray[np.bool_]) -> list[tuple[int, int]]:
    edges = np.flatnonzero(np.diff(np.pad(flags.astype(np.int8), 1)))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]


def _unbroken(times: Values, start: int, stop: int, least: int = 20) -> list[tuple[int, int]]:
    """Stretches of at least ``least`` rows without a gap that could hide a refill."""
    if stop - start < least:
        return []
    cuts = start + 1 + np.flatnonzero(np.diff(times[start:stop]) > SEEN_S)
    bounds = [start, *cuts.tolist(), stop]
    return [(a, b) for a, b in pairwise(bounds) if b - a >= least]
