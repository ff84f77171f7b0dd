"""The rotation axis by every method, on real scans and in simulated worlds:
`python -m planner.benchmarks.center`.

Real scans (below ``TOMOPLAN_DATA``, left out where it is not set) have axes that were found by
reconstructing at many candidates. The worlds were not used to set the weights of the methods:
they are drawn at random (noise, rings, zingers, fringes, beam drift, jitter, few views, limited
angles, offset axes, truncation) from seeds of their own. Their truth is the world's axis plus the
mean of the shifts that jitter and drift add. The usual method beside is algotom's automatic
centre (`find_center_vo`, and for full turns `find_center_360`).
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from metadata import InputError, open_scan
from planner.preview import correct, read_block, spread_rows
from simulators import World, simulate
from toolbox import Block, Center, DataKind, make_tool

METHODS = (
    "center_registration", "center_mirror", "center_overlap", "center_fourier",
    "center_moments", "center_sharpness", "center_cnn",
)  # fmt: skip
REAL = {
    "projections/tooth_aps_dx.h5": 296.0,
    "projections/i13_24737_nxtomo.nxs": 85.75,
    "projections/tomobank_00076_rows01_dx.h5": 1275.0,
    "conditions/sparse_100proj.h5": 1275.0,
    "conditions/limited_angle_0_126.h5": 1275.0,
    "sinograms/neutron_360.h5": 245.25,
    "sinograms/neutron_360_halfacq_crop.h5": 40.25,
    # at 51, which is told of it, every edge is doubled; the capillary closes between 44 and 46
    "sinograms/i18_multimodal_stxm_xrf_xrd.nxs": 45.0,
}
KINDS = ("half", "full", "offset", "sparse", "limited", "truncated")
FIRST_SEED = 10_000  # the methods' weights were set on lower seeds


@dataclass(frozen=True)
class Answer:
    """What one scan's axis was found to be, px; ``others``: method → column, None where it does
    not apply; ``warned``: those of them that warned."""

    scan: str
    truth: float
    center: Center
    seconds: float
    others: dict[str, float | None]
    warned: tuple[str, ...] = ()

    @property
    def error(self) -> float:
        return self.center.column - self.truth

    @property
    def inside(self) -> bool:
        return self.center.low <= self.truth <= self.center.high

    def to_json(self) -> dict[str, Any]:
        center = self.center
        return {
            "scan": self.scan,
            "truth": self.truth,
            **self.others,
            "warned": list(self.warned),
            "consensus": center.column,
            "low": center.low,
            "high": center.high,
            "width": center.high - center.low,
            "inside": self.inside,
            "warning": bool(center.warnings),
            "seconds": self.seconds,
        }


def run(plot: Path | None = None, worlds: int = 36, methods: bool = True) -> dict[str, Any]:
    """Answers for the real scans (with every method where ``methods``) and coverage over worlds."""
    folder = os.environ.get("TOMOPLAN_DATA")
    real = []
    for name, truth in REAL.items() if folder else ():
        with open_scan(Path(str(folder)) / name) as scan:
            rows = spread_rows(scan.info.rows, 5)
            block = read_block(scan, rows, np.arange(scan.info.projections))
        real.append(answer(Path(name).stem, truth, correct(block)[1], methods))
    simulated = []
    for seed in range(FIRST_SEED, FIRST_SEED + worlds):
        kind, world = random_world(seed)
        seen = simulate(world)
        raw = read_block(seen, np.arange(world.rows), np.arange(world.projections))
        truth = seen.truth_center + float(seen.truth_shifts[:, 1].mean())
        simulated.append(answer(f"{kind} {world.specimen} {seed}", truth, correct(raw)[1], False))
    document = {
        "real": [a.to_json() for a in real],
        "worlds": {
            kind: coverage([a for a in simulated if a.scan.startswith(kind)])
            for kind in (*KINDS, "")
            if any(a.scan.startswith(kind) for a in simulated)
        },
    }
    if plot is not None:
        draw(real, simulated, plot)
    return document


def answer(scan: str, truth: float, attenuation: Block, methods: bool) -> Answer:
    """The consensus, and each single method where asked for."""
    sinogram = attenuation.as_kind(DataKind.SINOGRAM)
    others: dict[str, float | None] = {}
    warned = []
    for name in METHODS if methods else ():
        short = name.removeprefix("center_")
        try:
            found = make_tool(name, {})(sinogram=sinogram)
        except InputError:
            others[short] = None
            continue
        others[short] = found.column
        if found.warnings:
            warned.append(short)
    if methods:
        others["algotom"] = usual(sinogram)
    began = time.perf_counter()
    center = make_tool("center_consensus", {})(sinogram=sinogram)
    return Answer(scan, truth, center, time.perf_counter() - began, others, tuple(warned))


def usual(sinogram: Block) -> float | None:
    """What algotom finds by itself in the middle row, with its defaults."""
    from algotom.prep.calculation import find_center_360, find_center_vo

    order = np.argsort(sinogram.geometry.angles_rad)
    row = sinogram.values[len(sinogram.values) // 2][order]
    if np.ptp(sinogram.geometry.angles_rad) > np.deg2rad(270):
        return float(find_center_360(row, row.shape[1] // 8)[0])
    return float(find_center_vo(row, ncore=1))


def random_world(seed: int) -> tuple[str, World]:
    """A world of the kind that the seed says, with faults drawn at random."""
    rng = np.random.default_rng([7, seed])
    kind = KINDS[seed % len(KINDS)]
    columns = int(rng.choice([160, 200, 256, 320]))
    views = int(columns * rng.uniform(0.5, 1.2))
    turn = 180.0
    center = (columns - 1) / 2 + rng.uniform(-0.08, 0.08) * columns
    fill = rng.uniform(0.4, 0.9)
    if kind in ("full", "offset"):
        turn, views = 360.0, 2 * views
    if kind == "offset":
        near = rng.uniform(0.1, 0.25)
        center = columns * (near if rng.random() < 0.5 else 1 - near)
    if kind == "sparse":
        views = int(rng.integers(30, 80))
    if kind == "limited":
        turn = rng.uniform(100, 150)
        views = int(views * turn / 180)
    if kind == "truncated":
        fill = rng.uniform(1.1, 1.8)
    return kind, World(
        specimen=str(rng.choice(["shepp_logan", "foam", "rock"])),
        columns=columns, rows=3, projections=views, range_deg=turn,
        start_deg=float(rng.uniform(0, 180)), center=float(center), fill=float(fill),
        photons=float(10 ** rng.uniform(2.7, 4.7)), rings=float(rng.uniform(0, 1) ** 2),
        zingers=float(rng.choice([0, 0, 0.3])), flat_drift=float(rng.choice([0, 0, 0.3])),
        fringes=float(rng.choice([0, 0, 0.5])), drift_px=float(rng.choice([0, 0, 0, 1])),
        jitter_px=float(rng.choice([0, 0, 0.3])), seed=seed,
    )  # fmt: skip


def coverage(answers: list[Answer]) -> dict[str, float]:
    """How often the truth lies in the 95 % interval, how wide it is, how far off the answers."""
    widths = np.array([a.center.high - a.center.low for a in answers])
    errors = np.abs([a.error for a in answers])
    warned = np.array([bool(a.center.warnings) for a in answers])
    return {
        "worlds": float(len(answers)),
        "inside": float(np.mean([a.inside for a in answers])),
        "median_width": float(np.median(widths)),
        "median_error": float(np.median(errors)),
        "within_1_px": float(np.mean(errors < 1)),
        "warned": float(warned.mean()),
        "over_1_px_unwarned": float(np.mean((errors > 1) & ~warned)),
    }


def table(document: dict[str, Any]) -> str:
    """The numbers as text."""
    lines = []
    if document["real"]:
        lines.append("real scans: columns in px, ! where the method warned")
        names = [*(m.removeprefix("center_") for m in METHODS), "algotom"]
        lines.append(f"{'scan':28s}{'truth':>9s}" + "".join(f"{n:>13s}" for n in names))
        for one in document["real"]:
            values = "".join(f"{_cell(one, name):>13s}" for name in names)
            lines.append(f"{one['scan']:28s}{one['truth']:9.2f}{values}")
            lines.append(
                f"{'':28s}consensus {one['consensus']:.2f} [{one['low']:.2f}, {one['high']:.2f}] "
                f"width {one['width']:.2f}, {'inside' if one['inside'] else 'OUTSIDE'}"
                f"{', warning' if one['warning'] else ''}, {one['seconds']:.1f} s"
            )
    keys = ("worlds", "inside", "median_width", "median_error", "within_1_px", "warned",
            "over_1_px_unwarned")  # fmt: skip
    lines.append(f"{'simulated':12s}" + "".join(f"{k:>20s}" for k in keys))
    for kind, row in document["worlds"].items():
        lines.append(f"{kind or 'all':12s}" + "".join(f"{row[k]:20.2f}" for k in keys))
    return "\n".join(lines)


def _cell(one: dict[str, Any], name: str) -> str:
    """What a method found; ``!`` where it warned."""
    column = one.get(name)
    return "–" if column is None else f"{column:.2f}{'!' if name in one['warned'] else ''}"


def draw(real: list[Answer], simulated: list[Answer], path: Path) -> None:
    """Errors with their intervals, real scans left, worlds right."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 5), layout="constrained")
    for axes, answers, title in zip(
        figure.subplots(1, 2), (real, simulated), ("real scans", "simulated worlds"), strict=True
    ):
        for place, one in enumerate(answers):
            low, high = one.center.low - one.truth, one.center.high - one.truth
            colour = "tab:orange" if one.center.warnings else "tab:blue"
            axes.plot([low, high], [place, place], color=colour if one.inside else "tab:red")
            axes.plot([one.error], [place], "o", color="black", markersize=3)
        axes.axvline(0, color="grey", linewidth=0.8)
        axes.set_xlim(-8, 8)
        axes.set_yticks(range(len(answers)), [a.scan for a in answers], fontsize=6)
        axes.set_xlabel("axis − truth, px (orange: warned, red: truth outside)")
        axes.set_title(title)
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)


if __name__ == "__main__":
    print(table(run(plot=Path("bench") / "center.png")))
