"""The page and the picture of ``tomoplan bench adapters``."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

PAGE = Path(__file__).parents[3] / "docs" / "adapters_measured.md"
WAYS = {
    "adapter": "frozen backbone + adapters",
    "scratch": "the same network from scratch",
    "pixel_classifier": "pixel classifier",
}
AIM = 0.05


def table(result: Mapping[str, Any], ways: Mapping[str, str] = WAYS, own: str = "adapter") -> str:
    """Mean IoU and seconds of processor of some ways, by family, in Markdown; the gains are those
    of ``own``."""
    rows = result["rows"]
    lines = ["| family | classes | " + " | ".join(f"{w}: IoU (s)" for w in ways.values())
             + " | over scratch | over classifier |",
             "|---|---|" + "---|" * (len(ways) + 2)]  # fmt: skip
    for family in [*dict.fromkeys(row["family"] for row in rows), "mean"]:
        some = [row for row in rows if family in (row["family"], "mean")]
        mean = {way: (_mean(some, "iou", way), _mean(some, "seconds", way)) for way in ways}
        classes = sorted({row["classes"] for row in some})
        said = " | ".join(f"{iou:.3f} ({seconds:.1f})" for iou, seconds in mean.values())
        gains = [100 * (mean[own][0] - mean[way][0]) for way in ("scratch",
                 "pixel_classifier")]  # fmt: skip
        lines.append(f"| {family} | {'–'.join(map(str, (classes[0], classes[-1])))} | {said} | "
                     + " | ".join(f"{gain:+.1f}" for gain in gains) + " |")  # fmt: skip
    return "\n".join(lines)


def write_report(result: Mapping[str, Any], page: Path | None = None) -> None:
    """Write the page (``docs/adapters_measured.md``) and its picture."""
    page = page or PAGE
    settings, rows = result["settings"], result["rows"]
    picture = page.parent / "images" / f"{page.stem}.png"
    _draw(result, picture)
    gains = np.array([100 * (r["iou"]["adapter"] - r["iou"]["scratch"]) for r in rows])
    time = np.mean([r["seconds"]["adapter"] / r["seconds"]["scratch"] for r in rows])
    gained = round(float(gains.mean()), 2)
    reached = gained >= 100 * AIM and time < 1
    page.parent.mkdir(parents=True, exist_ok=True)
    page.write_text(
        "# Adapters, measured\n\n"
        "Written by `tomoplan bench adapters`; settings in `configs/benchmarks/adapters.yaml`.\n\n"
        f"{settings['train']} labelled slices of one specimen to train on, {settings['test']} of "
        f"another one of the family to measure on, {len({r['seed'] for r in rows})} seeds, "
        f"families that neither the backbone nor the start of the adapters has seen. "
        f"Both networks: the same slices, augmentation, "
        f"loss and {settings['steps']} steps of {settings['batch']} crops of {settings['crop']} "
        f"px; rates chosen on another family ({settings['choice']['family']}): "
        + ", ".join(f"{way} {rate:g}" for way, rate in result["rates"].items())
        + f". The adapters and the head are {100 * result['light_share']:.1f} % of the "
        "parameters. The pixel classifier is the toolbox's random forest over multiscale "
        "features. IoU is the mean over classes; seconds are those of the processor, training "
        "alone; gains are in points of IoU.\n\n"
        f"{table(result)}\n\n"
        f"Over the network from scratch: {gained:+.2f} points (standard error of the mean "
        f"{gains.std(ddof=1) / np.sqrt(len(gains)) if len(gains) > 1 else float('nan'):.1f}), "
        f"in {time:.2f} × its time. The aim, 5 points in less time, is "
        f"{'reached' if reached else 'not reached'}.\n\n"
        f"![Mean IoU of each trial](images/{picture.name})\n\n"
        "## Other ways of tuning\n\n"
        "What is learned over the frozen backbone beside the same head, all begun from nothing "
        f"(`tomoplan train adapter … --tuning`), on the same families with "
        f"{len(settings['others']['seeds'])} seed. Adapters: a bottleneck of rank 8 after each "
        "stage; LoRA: a change of rank 2 of the kernels of each convolution; prompts: one value "
        "added to each channel after each stage; both: adapters and LoRA.\n\n"
        f"{_ways(result)}\n",
        encoding="utf-8",
    )  # fmt: skip


def _ways(result: Mapping[str, Any]) -> str:
    """Mean IoU, seconds, share of the parameters and rate of each way of tuning."""
    rows = result["other_rows"]
    families = dict.fromkeys(row["family"] for row in rows)
    lines = ["| | parameters | rate | s | " + " | ".join(families) + " | mean IoU |",
             "|---|---|---|---|" + "---|" * (len(families) + 1)]  # fmt: skip
    for way, rate in result["other_rates"].items():
        each = [_mean([r for r in rows if r["family"] == f], "iou", way) for f in families]
        lines.append(f"| {way} | {100 * result['other_shares'][way]:.1f} % | {rate:g} | "
                     f"{_mean(rows, 'seconds', way):.1f} | "
                     + " | ".join(f"{iou:.3f}" for iou in each)
                     + f" | {_mean(rows, 'iou', way):.3f} |")  # fmt: skip
    return "\n".join(lines)


def _mean(rows: list[dict[str, Any]], what: str, way: str) -> float:
    return float(np.mean([row[what][way] for row in rows]))


def _draw(result: Mapping[str, Any], path: Path) -> None:
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot as plt

    families = list(dict.fromkeys(row["family"] for row in result["rows"]))
    figure, axes = plt.subplots(figsize=(8, 3.6), layout="constrained")
    for at, (way, said) in enumerate(WAYS.items()):
        places = [families.index(row["family"]) + 0.2 * (at - 1) for row in result["rows"]]
        axes.plot(places, [row["iou"][way] for row in result["rows"]], "o^s"[at], label=said,
                  alpha=0.8)  # fmt: skip
    axes.set_xticks(range(len(families)), [f.replace("_", "\n") for f in families])
    axes.set_ylabel("mean IoU")
    axes.grid(axis="y", alpha=0.3)
    axes.legend(loc="lower left", fontsize=8)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=110)
    plt.close(figure)
