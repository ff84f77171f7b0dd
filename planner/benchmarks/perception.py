"""The image-text model on simulated scans never trained on, and on real ones.

``tomoplan bench perception``: what its card says measured again, and how conditions rank in real
scans that are known to have some and not to have others (configs/benchmarks/perception.yaml).
"""

from __future__ import annotations

import json
import os
from importlib.resources import files
from pathlib import Path
from typing import Any

import numpy as np

from metadata import open_scan
from metadata.errors import InputError
from planner.inspection import Inspection, inspect_scan
from planner.perception.measuring import pairs_in_order
from planner.perception.pictures import PANELS, Pictures
from planner.perception.recognition import GOOD, SURE, Model, shipped
from planner.perception.shown import SHOWN
from planner.perception.traits import scores
from planner.task import Condition

LOOK_SECONDS = 60.0  # all views are read, however busy the machine is
WEIGHTS = Path(str(files("planner"))) / "perception" / "weights"


def run(output: Path | None = None) -> dict[str, Any]:
    """Simulated scans (made anew where the temporary folder does not hold them), and real ones
    where ``TOMOPLAN_DATA`` is set. Raises InputError without weights."""
    model = shipped()
    if model is None:
        raise InputError(
            "There are no weights of the image-text model to measure. Make them with "
            "`tomoplan train perception`."
        )
    result: dict[str, Any] = {"simulated": simulated()}
    folder = os.environ.get("TOMOPLAN_DATA")
    if folder:
        result["real"] = real(model, Path(folder))
        if output is not None:
            picture(result["real"], Path(folder), output / "perception.png")
    return result


def simulated() -> dict[str, Any]:
    """The card's numbers of the shipped weights, measured again."""
    from planner.perception.training import Part
    from simulators.training.publish import read_weights

    card = json.loads((WEIGHTS / "perception.json").read_text(encoding="utf-8"))
    part = Part(card["settings"]["options"])
    network = part.network()
    read_weights(network, WEIGHTS / "perception.safetensors")
    found = part.measure(network)
    return {"metrics": found.metrics, "conditions": found.worlds}


def known() -> dict[str, dict[str, list[str]]]:
    """What each real scan is known to have (``there``) and not to have (``absent``)."""
    import yaml

    text = files("configs").joinpath("benchmarks", "perception.yaml").read_text(encoding="utf-8")
    return dict(yaml.safe_load(text)["scans"])


def real(model: Model, folder: Path) -> dict[str, Any]:
    """Pairs of a condition that is there and one that is not, ranked rightly by the model and by
    hand-made traits (which know angles from the header, and where no trait tells a condition say
    nothing); and what would be told of them."""
    rows: list[dict[str, Any]] = []
    good = {c for c, area in model.areas.items() if area >= GOOD}
    for name, one in known().items():
        inspection = inspected(folder / name)
        pictures = Pictures.seen(inspection)
        assert pictures is not None  # all are projections
        found = model.recognise(pictures)
        odds = model.odds(found.embedding)
        sure = {c.value for c, likely in found.confidence.items() if c in good and likely >= SURE}
        there, absent = ([SHOWN.index(Condition(c)) for c in one[k]] for k in ("there", "absent"))
        right, pairs = pairs_in_order(odds, there, absent)
        by_traits, _ = pairs_in_order(scores(inspection.traits), there, absent)
        rows.append({
            "scan": name, **one, "right": right, "pairs": pairs, "right_by_traits": by_traits,
            "told_rightly": sorted(sure & set(one["there"])),
            "told_wrongly": sorted(sure & set(one["absent"])),
            "odds": {c.value: round(float(o), 2) for c, o in zip(SHOWN, odds, strict=True)},
        })  # fmt: skip
    total = sum(row["pairs"] for row in rows)
    return {
        "pairs": total,
        "in_order": sum(row["right"] for row in rows) / total,
        "in_order_by_traits": sum(row["right_by_traits"] for row in rows) / total,
        "told_rightly": sum(len(row["told_rightly"]) for row in rows),
        "told_wrongly": sum(len(row["told_wrongly"]) for row in rows),
        "scans": rows,
    }


def inspected(path: Path) -> Inspection:
    """A scan with all of its views looked at."""
    with open_scan(path) as scan:
        return inspect_scan(scan, LOOK_SECONDS)


def table(result: dict[str, Any]) -> str:
    """The result as lines of text."""
    lines = ["area under the curve on families never seen     own  linear probe  trait  scans"]
    for row in result["simulated"]["conditions"]:
        note = "" if row["visible"] else "  (not counted)"
        lines.append(f"  {row['world']:<42}{row['own_auroc']:>7.3f}"
                     f"{row['linear_probe_auroc']:>14.3f}{row['conventional_auroc']:>7.3f}"
                     f"{row['scans']:>7}{note}")  # fmt: skip
    for name, value in result["simulated"]["metrics"].items():
        lines.append(f"  {name:<48}{value:g}")
    if "real" in result:
        found = result["real"]
        lines.append(f"real scans: {found['in_order']:.1%} of {found['pairs']} pairs in order "
                     f"(hand-made traits {found['in_order_by_traits']:.1%}); what inspecting would "
                     f"tell of what is known: {found['told_rightly']} rightly, "
                     f"{found['told_wrongly']} wrongly")  # fmt: skip
        lines += [f"  {row['scan']:<46}{row['right']}/{row['pairs']}  "
                  f"traits {row['right_by_traits']}/{row['pairs']}"
                  f"{_said('told', row['told_rightly'])}{_said('WRONGLY', row['told_wrongly'])}"
                  for row in found["scans"]]  # fmt: skip
    return "\n".join(lines)


def _said(how: str, conditions: list[str]) -> str:
    return f"  {how}: {', '.join(conditions)}" if conditions else ""


def picture(found: dict[str, Any], folder: Path, path: Path) -> None:
    """What the model sees of the real scans, and how surely it says what."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    rows = found["scans"]
    count = len(PANELS)
    figure = Figure(figsize=(16, 1.15 * len(rows)), layout="constrained")
    FigureCanvasAgg(figure)
    grid = figure.subplots(len(rows), count + 1, width_ratios=[1] * count + [3.2])
    for axes, row in zip(grid, rows, strict=True):
        pictures = Pictures.seen(inspected(folder / row["scan"]))
        assert pictures is not None
        panels = pictures.stacked().reshape(count, *pictures.whole.shape[1:])
        for panel, place in zip(panels, axes[:count], strict=True):
            place.imshow(panel, cmap="gray", vmin=-1, vmax=1)
            place.set_axis_off()
        chance = {name: 1 / (1 + np.exp(-odds)) for name, odds in row["odds"].items()}
        colours = ["#1b7837" if n in row["there"] else "#b2182b" if n in row["absent"] else "#bbb"
                   for n in chance]  # fmt: skip
        axes[count].bar(range(len(chance)), list(chance.values()), color=colours)
        axes[count].set(ylim=(0, 1), yticks=[0, 1], xticks=[])
        axes[count].set_title(Path(row["scan"]).name, fontsize=6)
        axes[count].tick_params(labelsize=5)
    grid[-1][count].set_xticks(range(len(SHOWN)), [c.value for c in SHOWN], rotation=60, fontsize=5,
                           ha="right")  # fmt: skip
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=80)
