"""Situations made by hand: what a request and a scan say, without a file."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from metadata.scan_info import GreyState, ScanInfo
from planner.inspection import Inspection
from planner.plan import Interval
from planner.situation import Situation, assess
from planner.task import Goal, Intent, Task
from planner.traits import Trait, Traits

GOOD = {
    "noise": 0.02,
    "signal": 1.5,
    "rings": 0.5,
    "view_sufficiency": 0.9,
    "angular_coverage": 180.0,
    "center_px": 127.5,
    "jitter": 0.1,
    "motion": 0.1,
    "truncation": 0.01,
    "fringes": -0.2,
    "metal": 0.0,
    "zingers": 0.0,
    "saturation": 0.0,
    "beam_drift": 0.001,
}


def scan_info(**changes: Any) -> ScanInfo:
    views = changes.pop("projections", 400)
    span = changes.pop("range_deg", 180.0)
    given: dict[str, Any] = {
        "path": Path("by-hand.h5"), "format": "NXtomo", "projections": views, "rows": 16,
        "columns": 256, "flats": 10, "darks": 10, "dtype": "uint16", "state": GreyState.COUNTS,
        "angles_rad": np.deg2rad(np.arange(views) * span / views),
    }  # fmt: skip
    return ScanInfo(**(given | changes))


def inspection(info: ScanInfo, **traits: float) -> Inspection:
    values = GOOD | traits
    made = {n: Trait(v, v - 0.1 * abs(v), v + 0.1 * abs(v), "") for n, v in values.items()}
    return Inspection(info, Traits(**made), None, (), 0.0, None)  # type: ignore[arg-type]


def situation(
    task: Task | None = None, infos: list[ScanInfo] | None = None, **traits: float
) -> Situation:
    """One or more scans that are good but for the traits named."""
    task = task or Task(Intent.PLAN, (Goal.RECONSTRUCT,))
    infos = infos or [scan_info()]
    made = [inspection(i, **traits) for i in infos]
    for one in made:
        object.__setattr__(one, "preview", _Seen())
    return assess(task, made)


class _Seen:
    """A preview of a scan with a beam monitor, its transmission known."""

    transmission = np.ones(1)

    class raw:
        monitor = np.ones(1)


class FixedCosts:
    """A cost model that knows a number for each tool."""

    def __init__(self, **seconds: float) -> None:
        self.each = seconds

    def seconds(self, recipe: Any, situation: Any) -> Interval:
        value = 0.1 + sum(self.each.get(step.tool, 0.1) for step in recipe)
        return Interval(value, 0.8 * value, 1.25 * value)

    def peak_bytes(self, pipeline: Any, situation: Any) -> Interval:
        return Interval(1e9, 0.8e9, 1.25e9)
