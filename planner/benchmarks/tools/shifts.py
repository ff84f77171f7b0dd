"""Tools that align: shifts left over against the shifts made."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from metadata import TomoplanError
from planner.benchmarks.alignment import Case, jittered_file, remaining, simulated, still_stripes
from planner.benchmarks.tools.row import Row
from simulators import World
from toolbox import DataKind, make_tool
from toolbox.kinds import Stage
from toolbox.registry import known_tools


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Rows with the RMS error in px, what no projection can show left out, across the axis and,
    where views are off along it, along; without: as recorded."""
    for job, about in settings["shifts"].items():
        if only not in (None, job):
            continue
        for family in settings["families"]:
            world = World(specimen=family, seed=settings["seeds"][0],
                          **(settings["world"] | {"photons": 1e4} | about))  # fmt: skip
            yield from _rows(job, simulated(world), False, settings["tools"])
    folder = os.environ.get("TOMOPLAN_DATA")
    if folder and only is None:
        for case in (jittered_file(Path(folder)), still_stripes(Path(folder))):
            yield from _rows(case.name, case, True, settings["tools"])


def _rows(job: str, case: Case, real: bool, only: Sequence[str]) -> Iterator[Row]:
    angles = case.scan.geometry.angles_rad
    before = remaining(np.zeros_like(case.truth), case.truth, angles)
    for name, tool in sorted(known_tools().items()):
        if tool.card.stage is not Stage.ALIGN or tool.card.output.kind is not DataKind.SHIFTS:
            continue
        if only and name not in only:
            continue
        began = time.perf_counter()
        errors: tuple[float | None, float | None]
        try:
            shifts = make_tool(name, {})(projections=case.scan)
            errors = remaining(shifts.pixels, case.truth, angles)
        except TomoplanError:
            errors = None, None
        seconds = time.perf_counter() - began
        yield Row(name, job, "error, px", errors[0], before[0], seconds, 0.0, real)
        if before[1]:
            along = "error along the axis, px"
            yield Row(name, job, along, errors[1], before[1], seconds, 0.0, real)
