"""Tools that align: shifts left over against the shifts made."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
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
    """Rows with the RMS error in px, what no projection can show left out; without: as recorded."""
    for job, about in settings["shifts"].items():
        if only not in (None, job):
            continue
        for family in settings["families"]:
            world = World(specimen=family, seed=settings["seeds"][0],
                          **(settings["world"] | {"photons": 1e4} | about))  # fmt: skip
            yield from _rows(job, simulated(world), False)
    folder = os.environ.get("TOMOPLAN_DATA")
    if folder and only is None:
        for case in (jittered_file(Path(folder)), still_stripes(Path(folder))):
            yield from _rows(case.name, case, True)


def _rows(job: str, case: Case, real: bool) -> Iterator[Row]:
    angles = case.scan.geometry.angles_rad
    before = remaining(np.zeros_like(case.truth), case.truth, angles)[0]
    for name, tool in sorted(known_tools().items()):
        if tool.card.stage is not Stage.ALIGN or tool.card.output.kind is not DataKind.SHIFTS:
            continue
        began = time.perf_counter()
        try:
            shifts = make_tool(name, {})(projections=case.scan)
            error = remaining(shifts.pixels, case.truth, angles)[0]
        except TomoplanError:
            error = None
        yield Row(name, job, "error, px", error, before, time.perf_counter() - began, 0.0, real)
