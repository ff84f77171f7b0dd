"""Every tool measured on fixed unseen worlds and on real scans: ``tomoplan bench tools``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from dataclasses import asdict
from importlib.resources import files
from operator import attrgetter
from pathlib import Path
from typing import Any

from planner.benchmarks.tools.row import Row, averaged, page

PARTS = ("slices", "axes", "shifts", "labels", "pairs", "amounts", "real", "per_scan")
BY_TOOL = (
    "slices",
    "axes",
    "shifts",
    "real",
    "per_scan",
)  # parts that can try some tools without the others
DOCS = Path(__file__).parents[3] / "docs"
MEASURED = Path(__file__).parents[3] / "configs" / "measured_tools.yaml"
HEAD = (
    "# Tools, measured\n\n"
    "Written by `tomoplan bench tools` (worlds, seeds and scans: `configs/benchmarks/tools.yaml`; "
    "the simulated ones were used for no training and no tuning). *Without* is the same pipeline "
    "without the tool (for reconstructions: with filtered back-projection; for axes: the "
    "consensus); *better by* is the difference in the measure's unit, below zero where the tool "
    "does harm; seconds are of the whole pipeline on the machine that wrote this page. On real "
    "scans the measure is agreement with the other half of the views; fine structure judges "
    "whether a tool makes a scan worse: by more than 0.02 (`worse` in that file), and then the "
    "planner does not offer it there, by what its card asks of a scan (axes: the planner itself "
    "chooses the consensus alone). Where the reference is not freed of stripes (tooth, I13), "
    "those that both halves share count as structure: their removal is judged too hard. Tools that "
    "train on each scan have worlds of their own; there `tv` is told the strength that is best on "
    "a validation world, and *seconds foretold* gives the factor between predicted and measured "
    "seconds of a run, with the factor allowed as *without*."
)


def settings() -> dict[str, Any]:
    """What is measured on what, from ``configs/benchmarks/tools.yaml``."""
    import yaml

    text = files("configs").joinpath("benchmarks", "tools.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def run(
    output: Path | None = None,
    parts: Sequence[str] = PARTS,
    only: str | None = None,
    tools: Sequence[str] = (),
) -> dict[str, Any]:
    """Measure, print the table, and write it to docs/ and configs/; what was not measured this
    time (``parts``, one job ``only``, some ``tools`` alone, or no real scans at hand) stays as it
    was there."""
    import importlib

    from rich.console import Console
    from rich.markdown import Markdown

    how = settings() | {"tools": list(tools)}
    if tools:
        parts = [part for part in parts if part in BY_TOOL]
    rows: list[Row] = []
    for part in parts:
        print(f"── tools: {part}", file=sys.stderr)
        module = importlib.import_module(f"{__name__}.{part}")
        rows += module.measure(how, only)
    table = averaged(rows)
    Console().print(Markdown(page(table, HEAD)))
    if output is not None:
        (output / "tools.md").write_text(page(table, HEAD), encoding="utf-8")
    if MEASURED.parent.is_dir():
        keep(table)
    return {"rows": [row.to_json() for row in table]}


def keep(table: Sequence[Row]) -> None:
    """Put measured rows among those known, and write the page."""
    import yaml

    key = attrgetter("real", "job", "measure", "tool")
    known = {key(row): row for row in measured()} | {key(row): row for row in table}
    rows = [known[k] for k in sorted(known)]
    short = [
        {k: round(v, 4) if isinstance(v, float) else v for k, v in asdict(row).items()}
        for row in rows
    ]
    lines = yaml.safe_dump(short, sort_keys=False, default_flow_style=None, width=300)
    MEASURED.write_text("# Written by `tomoplan bench tools`.\n" + lines, encoding="utf-8")
    (DOCS / "measured_tools.md").write_text(page(rows, HEAD), encoding="utf-8")


def measured() -> list[Row]:
    """What was measured last, from ``configs/measured_tools.yaml``, without tools that are gone."""
    import yaml

    from toolbox.registry import known_tools

    if not MEASURED.exists():
        return []
    found = yaml.safe_load(MEASURED.read_text(encoding="utf-8"))
    return [Row(**row) for row in found if row["tool"] in known_tools()]
