"""The record of a training: one JSON line a validation, and a picture of it."""

from __future__ import annotations

import json
import logging
from pathlib import Path
from typing import Any

log = logging.getLogger("tomoplan")

LOG, PLOT = "log.jsonl", "log.png"
Row = dict[str, Any]


class Log:
    """Rows as they come, in a folder; ``upto``: rows of later steps, which a killed run wrote
    after its last checkpoint, are dropped."""

    def __init__(self, folder: Path, upto: int = 0) -> None:
        self.path = folder / LOG
        rows = read(folder) if upto else []
        self.rows: list[Row] = [row for row in rows if row["step"] <= upto]
        self.path.write_text("".join(json.dumps(row) + "\n" for row in self.rows))

    def add(self, row: Row) -> None:
        self.rows.append(row)
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps(row) + "\n")

    def plot(self) -> None:
        """Loss, score and learning rate over the steps (where matplotlib is installed)."""
        if not self.rows:
            return
        try:
            from matplotlib.backends.backend_agg import FigureCanvasAgg
            from matplotlib.figure import Figure
        except ImportError:  # a machine lent for training may have little more than torch
            log.warning("matplotlib is not installed: the training goes on without a picture.")
            return

        figure = Figure(figsize=(8, 6), layout="constrained")
        FigureCanvasAgg(figure)
        steps = [row["step"] for row in self.rows]
        names = [n for n in ("loss", "score", "rate") if n in self.rows[0]]
        for axes, name in zip(figure.subplots(len(names), sharex=True), names, strict=True):
            axes.plot(steps, [row[name] for row in self.rows], marker=".")
            axes.set_ylabel(name)
            if name == "loss" and min(row[name] for row in self.rows) > 0:
                axes.set_yscale("log")
            axes.grid(alpha=0.3)
        axes.set_xlabel("step")
        figure.savefig(self.path.with_name(PLOT), dpi=100)


def read(folder: Path) -> list[Row]:
    """The rows of a log; a last line cut short by a kill is left out."""
    path = folder / LOG
    rows: list[Row] = []
    for line in path.read_text(encoding="utf-8").splitlines() if path.exists() else ():
        try:
            rows.append(json.loads(line))
        except json.JSONDecodeError:
            break
    return rows
