"""Predicted seconds and memory against measured runs, each run in a fresh process."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

CASES = (  # columns, rows, views
    (256, 32, 360),
    (512, 32, 500),
    (1024, 24, 900),
)
REQUESTS = ("reconstruct, quickly", "reconstruct", "segment the pores")


def run(output: Path | None = None) -> dict[str, Any]:
    """Ratios of measured to predicted, for each size and request."""
    from rich.console import Console
    from rich.table import Table

    rows = []
    with tempfile.TemporaryDirectory(prefix="tomoplan-") as folder:
        for case in CASES:
            # The scan by a process of its own too: what simulating holds is none of the run's
            for request in ("", *REQUESTS):
                child = [sys.executable, "-m", __spec__.name, *map(str, case), request, folder]
                done = subprocess.run(child, capture_output=True, text=True, check=True)
                if request:
                    rows.append(json.loads(done.stdout.splitlines()[-1]))
    table = Table("columns", "request", "steps", "seconds", "measured / predicted", "peak, GiB",
                  "measured / predicted", box=None)  # fmt: skip
    for row in rows:
        table.add_row(str(row["columns"]), row["request"], " ".join(row["steps"]),
                      f"{row['seconds']:.2f}", f"{row['seconds_ratio']:.2f}",
                      f"{row['peak_bytes'] / 2**30:.2f}", f"{row['peak_ratio']:.2f}")  # fmt: skip
    Console().print(table)
    within = sum(1 / 1.5 <= r["seconds_ratio"] <= 1.5 for r in rows) / len(rows)
    memory = sum(1 / 1.25 <= r["peak_ratio"] <= 1.25 for r in rows) / len(rows)
    print(f"seconds within a factor 1.5: {within:.0%}; peak memory within 25 %: {memory:.0%}")
    if output is not None:
        _draw(rows, output / "prediction.png")
    return {"runs": rows, "seconds_within_1.5": within, "memory_within_25_percent": memory}


def _write(columns: int, rows: int, views: int, path: Path) -> None:
    from simulators import World
    from simulators.writing import write_scan

    world = World("foam", columns=columns, rows=rows, projections=views, photons=1e4, rings=0.5)
    write_scan(world, path)


def _one(columns: int, request: str, path: Path, output: Path) -> dict[str, Any]:
    from planner import service
    from planner.task import Goal, Intent, Priority, Task

    goal = Goal.SEGMENT if "segment" in request else Goal.RECONSTRUCT
    priority = Priority.SPEED if "quick" in request else Priority.BALANCED
    answer = service.plan(Task(Intent.PLAN, (goal,), priority=priority, text=request), path)
    predicted = answer.best.prediction
    record = service.run(answer.best, path, output, overwrite=True)
    return {
        "columns": columns,
        "request": request,
        "steps": [n.tool for n in answer.best.pipeline.nodes if n.tool != "scan"],
        "seconds": record.seconds,
        "seconds_ratio": record.seconds / predicted.seconds.value,
        "peak_bytes": record.peak_bytes,
        "peak_ratio": record.peak_bytes / predicted.peak_bytes.value,
    }


def _draw(rows: list[dict[str, Any]], path: Path) -> None:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5, 5), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    measured = [r["seconds"] for r in rows]
    axes.loglog([r["seconds"] / r["seconds_ratio"] for r in rows], measured, "o")
    ends = [min(measured) / 2, max(measured) * 2]
    for factor in (1 / 1.5, 1, 1.5):
        axes.plot(ends, [e * factor for e in ends], "k-" if factor == 1 else "k:", linewidth=0.8)
    axes.set_xlabel("predicted seconds")
    axes.set_ylabel("measured seconds")
    figure.savefig(path, dpi=110)


if __name__ == "__main__":
    columns, rows, views = (int(a) for a in sys.argv[1:4])
    request, folder = sys.argv[4], Path(sys.argv[5])
    scan = folder / f"scan-{columns}.nxs"
    if request:
        print(json.dumps(_one(columns, request, scan, folder / "out.h5"), default=str))
    else:
        _write(columns, rows, views, scan)
