"""Tools that find the rotation axis: error against the truth, on simulated and real scans."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metadata import TomoplanError, open_scan
from planner.benchmarks.center import REAL, random_world
from planner.benchmarks.tools.row import Row, chosen
from planner.preview import correct, read_block, spread_rows
from simulators import simulate
from toolbox import Block, DataKind, make_tool
from toolbox.kinds import Stage
from toolbox.registry import known_tools


def finders() -> list[str]:
    """Tools that find the axis by themselves."""
    return [n for n, t in sorted(known_tools().items())
            if t.card.stage is Stage.CENTER and n != "known_center"]  # fmt: skip


def measure(settings: Mapping[str, Any], only: str | None = None) -> Iterator[Row]:
    """Rows with the error in px beside that of the consensus; worlds from seeds never used.
    ``only``: ``axis``, or ``axis, NAME`` for a kind of world or a real scan."""
    if not (names := chosen(finders(), settings)):
        return
    for seed in range(settings["axis"]["first_seed"], sum(settings["axis"].values())):
        kind, world = random_world(seed)
        if only in (None, "axis", f"axis, {kind}"):
            print(f"axis, {kind} {seed}", file=sys.stderr)
            seen = simulate(world)
            raw = read_block(seen, np.arange(world.rows), np.arange(world.projections))
            truth = seen.truth_center + float(seen.truth_shifts[:, 1].mean())
            yield from _rows(f"axis, {kind}", names, truth, correct(raw)[1], False)
    folder = os.environ.get("TOMOPLAN_DATA")
    for name, truth in REAL.items() if folder else ():
        if only not in (None, "axis", f"axis, {Path(name).stem}"):
            continue
        print(f"axis, {Path(name).stem}", file=sys.stderr)
        with open_scan(Path(str(folder)) / name) as scan:
            rows = spread_rows(scan.info.rows, 5)
            block = read_block(scan, rows, np.arange(scan.info.projections))
        yield from _rows(f"axis, {Path(name).stem}", names, truth, correct(block)[1], True)


def _rows(
    job: str, names: list[str], truth: float, attenuation: Block, real: bool
) -> Iterator[Row]:
    sinogram = attenuation.as_kind(DataKind.SINOGRAM)
    usual, spent = _error("center_consensus", sinogram, truth)
    for name in names:
        error, seconds = _error(name, sinogram, truth)
        yield Row(name, job, "error, px", error, usual, seconds, spent, real)


def _error(name: str, sinogram: Block, truth: float) -> tuple[float | None, float]:
    began = time.perf_counter()
    try:
        found = make_tool(name, {})(sinogram=sinogram).column
    except TomoplanError:
        return None, time.perf_counter() - began
    return abs(found - truth), time.perf_counter() - began
