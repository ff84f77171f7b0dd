"""The contenders in one picture: reward, and what is left to gain."""

from __future__ import annotations

from pathlib import Path
from typing import Any

SHOWN = "#356d9c"


def plot(found: dict[str, Any], path: Path) -> None:
    """Draw rewards with their intervals, the oracle and the single best as lines."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    rows = {n: c["reward"] for n, c in found["contenders"].items()}
    names = sorted(rows, key=lambda n: rows[n]["value"])
    figure, axes = pyplot.subplots(figsize=(7.5, 0.42 * len(names) + 1.1), layout="constrained")
    for at, name in enumerate(names):
        r = rows[name]
        error = [[max(r["value"] - r["low"], 0)], [max(r["high"] - r["value"], 0)]]
        axes.errorbar(r["value"], at, xerr=error, fmt="o", color=SHOWN, capsize=3)
        axes.annotate(f"{r['value']:.3f}", (r["value"], at), (0, 6), textcoords="offset points",
                      ha="center", fontsize=8)  # fmt: skip
    for name, style in (("oracle", "-"), ("single best", "--")):
        axes.axvline(rows[name]["value"], color="#888888", linestyle=style, linewidth=1)
    axes.set_yticks(range(len(names)), names)
    axes.set_xlabel(f"reward on {found['scans']['test']} tasks never seen, planning counted")
    axes.margins(y=0.12)
    axes.spines[["top", "right"]].set_visible(False)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    pyplot.close(figure)
