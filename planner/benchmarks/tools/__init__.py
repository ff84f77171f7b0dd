"""Every tool measured on fixed unseen worlds and on real scans: ``tomoplan bench tools``."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from importlib.resources import files
from pathlib import Path
from typing import Any

from planner.benchmarks.tools.row import Row, averaged, page

PARTS = ("slices", "axes", "shifts", "labels", "pairs", "amounts", "real")
DOCS = Path(__file__).parents[3] / "docs"
HEAD = (
    "# Tools, measured\n\n"
    "Written by `tomoplan bench tools` (worlds, seeds and scans: `configs/benchmarks/tools.yaml`; "
    "the simulated ones were used for no training and no tuning). *Without* is the same pipeline "
    "without the tool (for reconstructions: with filtered back-projection; for axes: the "
    "consensus); *better by* is the difference in the measure's unit, below zero where the tool "
    "does harm; seconds are of the whole pipeline on the machine that wrote this page. On real "
    "scans the measure is agreement with the other half of the views."
)


def settings() -> dict[str, Any]:
    """What is measured on what, from ``configs/benchmarks/tools.yaml``."""
    import yaml

    text = files("configs").joinpath("benchmarks", "tools.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text))


def run(output: Path | None = None, parts: Sequence[str] = PARTS, only: str | None = None
        ) -> dict[str, Any]:  # fmt: skip
    """Measure, print the table, and write it to docs/ and configs/ when everything was measured."""
    import importlib

    import yaml
    from rich.console import Console
    from rich.markdown import Markdown

    how = settings()
    rows: list[Row] = []
    for part in parts:
        print(f"── tools: {part}", file=sys.stderr)
        module = importlib.import_module(f"{__name__}.{part}")
        rows += module.measure(how, only)
    table = averaged(rows)
    text = page(table, HEAD)
    Console().print(Markdown(text))
    found = {"rows": [row.to_json() for row in table]}
    if output is not None:
        (output / "tools.md").write_text(text, encoding="utf-8")
    if only is None and tuple(parts) == PARTS and DOCS.is_dir() and any(r.real for r in table):
        (DOCS / "measured_tools.md").write_text(text, encoding="utf-8")
        short = [
            {k: round(v, 4) if isinstance(v, float) else v for k, v in row.items()}
            for row in found["rows"]
        ]
        (DOCS.parent / "configs" / "measured_tools.yaml").write_text(
            "# Written by `tomoplan bench tools`.\n"
            + yaml.safe_dump(short, sort_keys=False, default_flow_style=None, width=200),
            encoding="utf-8",
        )
    return found
