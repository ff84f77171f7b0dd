"""Denoisers over worlds they were not adjusted on: `python -m planner.benchmarks.denoise`.

Each denoiser's one parameter is chosen on some worlds (specimens, doses and view counts of their
own) and measured on others, in four ways: a fixed value in grey values, a fixed multiple of the
noise measured in each volume, self-supervised calibration on each volume, and what the tool does
by default. Quality is structural similarity to the truth inside the circle.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from toolbox import Block, Center, DataKind, Geometry, GreyState, make_tool
from toolbox.metrics import ssim_in_circle
from toolbox.slice_noise import calibrate, slice_sigma

STRENGTHS = {
    "denoise_tv": (0.7, 1.0, 1.4, 2.0, 2.8),
    "denoise_nlm": (0.8, 1.1, 1.5, 2.0, 2.6),
    "denoise_bm3d": (1.0, 1.4, 2.0, 2.8),
}
SIZES = {  # without a noise to count in: their size in px
    "denoise_gaussian": ("width", (0.5, 0.8, 1.1, 1.5, 2.0)),
    "denoise_median": ("radius", (1, 2, 3)),
}
WAYS = ("none", "fixed_grey", "fixed_noise", "self_supervised", "default")


def worlds(held_out: bool) -> list[World]:
    """Worlds to choose on, or others to measure on: other seeds, doses, views and sizes."""
    if held_out:
        return [
            World(specimen=specimen, columns=224, rows=1, projections=views, photons=photons,
                  seed=100 + index)
            for index, (specimen, photons, views) in enumerate(
                (specimen, photons, views)
                for specimen in ("shepp_logan", "foam", "rock")
                for photons, views in ((600.0, 300), (5e3, 120), (2e4, 240), (6e4, 400))
            )
        ]  # fmt: skip
    return [
        World(specimen=specimen, columns=192, rows=1, projections=views, photons=photons,
              seed=index)
        for index, (specimen, photons, views) in enumerate(
            (specimen, photons, views)
            for specimen in ("shepp_logan", "foam", "rock")
            for photons, views in ((1e3, 180), (1e4, 180), (4e4, 300))
        )
    ]  # fmt: skip


@dataclass(frozen=True, eq=False)
class Case:
    """A noisy volume, its noise, and the truth (axes ``z, y, x``)."""

    world: World
    volume: Block
    sigma: float
    truth: NDArray[np.float32]

    def quality(self, tool: str, parameters: dict[str, Any]) -> float:
        return ssim_in_circle(make_tool(tool, parameters)(volume=self.volume).values, self.truth)


def case(world: World) -> Case:
    """Filtered back-projection of a simulated scan about its true axis."""
    scan = simulate(world)
    rows, frames = np.arange(world.rows), np.arange(world.projections)
    counts = Block(scan.projections(), DataKind.PROJECTIONS, GreyState.COUNTS,
                   Geometry.of(scan.info), rows, frames, scan.flats(), scan.darks())  # fmt: skip
    transmission = make_tool("flat_field", {})(projections=counts)
    sinogram = make_tool("minus_log", {})(projections=transmission).as_kind(DataKind.SINOGRAM)
    axis = Center(scan.truth_center, scan.truth_center, scan.truth_center)
    volume = make_tool("fbp", {})(sinogram=sinogram, center=axis)
    truth = np.stack([scan.truth(int(row)) for row in rows])
    return Case(world, volume, slice_sigma(volume), truth)


def run(plot: Path | None = None, quick: bool = False) -> dict[str, Any]:
    """Print the table and return it as JSON; ``plot``: where to draw it (PNG, SVG)."""
    step = 3 if quick else 1
    known = [case(w) for w in worlds(held_out=False)[::step]]
    unseen = [case(w) for w in worlds(held_out=True)[::step]]
    rows = [
        _with_strength(name, strengths, known, unseen) for name, strengths in STRENGTHS.items()
    ] + [_with_size(name, *SIZES[name], known, unseen) for name in SIZES]
    document = {
        "metric": "SSIM to the truth in the circle, mean over unseen worlds",
        "chosen_on": len(known),
        "measured_on": len(unseen),
        "rows": rows,
    }
    print(table(document))
    if plot is not None:
        draw(document, plot)
    return document


def _with_strength(
    name: str, strengths: tuple[float, ...], known: list[Case], unseen: list[Case]
) -> dict[str, Any]:
    scale = float(np.median([c.sigma for c in known]))

    def with_grey(c: Case, k: float) -> float:
        return c.quality(name, {"strength": k, "sigma": scale})

    def with_noise(c: Case, k: float) -> float:
        return c.quality(name, {"strength": k, "sigma": c.sigma})

    def calibrated(c: Case) -> float:
        tool: Any = make_tool(name, {"sigma": c.sigma})
        return with_noise(c, calibrate(c.volume, tool.denoise, strengths, c.sigma))

    grey, noise = _best(with_grey, strengths, known), _best(with_noise, strengths, known)
    return {
        "tool": name,
        "none": _mean(_raw, unseen),
        "fixed_grey": _mean(lambda c: with_grey(c, grey), unseen),
        "fixed_noise": _mean(lambda c: with_noise(c, noise), unseen),
        "self_supervised": _mean(calibrated, unseen),
        "default": _mean(lambda c: c.quality(name, {}), unseen),
        "chosen": {"grey": grey * scale, "noise": noise},
    }


def _with_size(
    name: str, parameter: str, sizes: tuple[float, ...], known: list[Case], unseen: list[Case]
) -> dict[str, Any]:
    best = _best(lambda c, k: c.quality(name, {parameter: k}), sizes, known)
    return {
        "tool": name,
        "none": _mean(_raw, unseen),
        "fixed_grey": _mean(lambda c: c.quality(name, {parameter: best}), unseen),
        "default": _mean(lambda c: c.quality(name, {}), unseen),
        "chosen": {parameter: best},
    }


def _raw(c: Case) -> float:
    return ssim_in_circle(c.volume.values, c.truth)


def _best(quality: Callable[[Case, float], float], values: tuple[float, ...], cases: list[Case]
          ) -> float:  # fmt: skip
    return max(values, key=lambda v: _mean(lambda c: quality(c, v), cases))


def _mean(quality: Callable[[Case], float], cases: list[Case]) -> float:
    return float(np.mean([quality(c) for c in cases]))


def table(document: dict[str, Any]) -> str:
    """The result as text."""
    head = ("tool", *WAYS, "chosen on other worlds")
    lines = [f"{document['metric']} ({document['measured_on']})",
             "".join(f"{h:<17}" for h in head)]  # fmt: skip
    for row in document["rows"]:
        cells = [row["tool"], *(f"{row[w]:.3f}" if w in row else "–" for w in WAYS)]
        chosen = ", ".join(f"{k} {v:.3g}" for k, v in row["chosen"].items())
        lines.append("".join(f"{c:<17}" for c in (*cells, chosen)))
    return "\n".join(lines)


def draw(document: dict[str, Any], path: Path) -> None:
    """Bars for each tool and way."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(9, 4), layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots()
    width = 0.8 / len(WAYS)
    for index, way in enumerate(WAYS):
        at = [i for i, row in enumerate(document["rows"]) if way in row]
        heights = [document["rows"][i][way] for i in at]
        axes.bar(np.array(at) + (index - 2) * width, heights, width, label=way.replace("_", " "))
    axes.set_xticks(range(len(document["rows"])), [row["tool"] for row in document["rows"]])
    axes.set_ylabel("SSIM to the truth")
    axes.set_ylim(0, 1)
    axes.legend(ncols=len(WAYS), loc="upper center", fontsize="small")
    figure.savefig(path)


if __name__ == "__main__":
    run(Path("denoise.png"))
