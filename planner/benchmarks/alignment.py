"""Estimators of shifts against the truth: `python -m planner.benchmarks.alignment`.

Simulated scans have stripes that stand still while the sample jitters. The real scan with injected
jitter (`TOMOPLAN_DATA`) moved its stripes along with the sample, which no beamline does; beside it
the same jitter is put into the same real views with their stripes left standing. Errors are RMS in
px after the gauge (a constant, a cosine and a sine of the angle) is taken out of the difference.
"""

from __future__ import annotations

import os
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators import World, simulate
from toolbox import Block, DataKind, Geometry, GreyState, make_tool
from toolbox.jitter import jitter_level
from toolbox.tools.align.gauge import without_gauge

METHODS = ("align_cross_correlation", "align_center_of_mass", "align_reprojection")
STRIPE_WIDTH = 15.0  # px; narrower structure of the mean view of the real scan counts as stripes


@dataclass(frozen=True, eq=False)
class Case:
    """A scan whose shifts are known, axes of ``truth``: ``angle, (row, col)``."""

    name: str
    scan: Block
    truth: NDArray[np.float64]


def as_block(values: NDArray[Any], angles_rad: NDArray[np.float64], state: GreyState) -> Block:
    """Projections ``angle, row, col`` as a block of a whole scan."""
    views, rows, columns = values.shape
    return Block(
        values.astype(np.float32), DataKind.PROJECTIONS, state,
        Geometry(angles_rad, rows, columns), np.arange(rows), np.arange(views),
    )  # fmt: skip


def simulated(world: World) -> Case:
    """Flat-corrected attenuation of a simulated scan."""
    scan = simulate(world)
    dark, flat = scan.darks().mean(axis=0), scan.flats().mean(axis=0)
    lines = -np.log(np.clip((scan.projections() - dark) / (flat - dark), 1e-4, None))
    name = f"{world.specimen} {world.columns} px, {world.projections} views"
    for what, size in (
        ("jitter", world.jitter_px), ("vertical", world.vertical_jitter_px),
        ("drift", world.drift_px), ("jump", world.motion_px),
    ):  # fmt: skip
        name += f", {what} {size:g} px" if size else ""
    name += ", wider than the field" if world.fill > 1 else ""
    block = as_block(lines, scan.info.angles_rad, GreyState.ATTENUATION)
    return Case(name, block, scan.truth_shifts)


def jittered_file(data: Path) -> Case:
    """The real scan with injected jitter, as it is. Its frames were cropped from ``shift`` columns
    further on, so the sample in them lies that much further back."""
    import h5py

    with h5py.File(data / "conditions/jitter_injected_flatcorrected.h5") as file:
        values = file["exchange/data"][()]
        angles = np.deg2rad(file["exchange/theta"][()])
        truth = np.zeros((len(values), 2))
        truth[:, 1] = -file["truth/shift_px"][()]
    return Case(
        "real, stripes moved along", as_block(values, angles, GreyState.TRANSMISSION), truth
    )


def real_lines(data: Path, every: int = 1) -> tuple[NDArray[Any], NDArray[Any]]:
    """The views behind that file, not shifted and over the whole width (``angle, col``,
    attenuation), and their stripes."""
    import h5py
    from scipy.ndimage import gaussian_filter1d

    with h5py.File(data / "projections/tomobank_00076_rows01_dx.h5") as file:
        exchange = file["exchange"]
        dark = exchange["data_dark"][:, 1].mean(axis=0)
        flat = exchange["data_white"][:, 1].mean(axis=0)
        wide = -np.log(np.maximum((exchange["data"][::every, 1] - dark) / (flat - dark), 1e-4))
    still = np.median(wide, axis=0)
    return wide, still - gaussian_filter1d(still, STRIPE_WIDTH)


def still_stripes(data: Path) -> Case:
    """The views of the file above made again with the same shifts, their stripes standing still."""
    given = jittered_file(data)
    wide, stripes = real_lines(data, every=4)
    columns = given.scan.values.shape[-1]
    margin = (wide.shape[-1] - columns) // 2
    frames = [
        line[margin - int(shift) :][:columns]
        for line, shift in zip(wide - stripes, given.truth[:, 1], strict=True)
    ]
    values = np.stack(frames) + stripes[margin : margin + columns]
    angles = given.scan.geometry.angles_rad
    return Case(
        "real, stripes standing", as_block(values[:, None], angles, GreyState.ATTENUATION),
        given.truth,
    )  # fmt: skip


def remaining(
    found: NDArray[np.float64], truth: NDArray[np.float64], angles_rad: NDArray[np.float64]
) -> tuple[float, float]:
    """RMS error across and along the axis in px, less what no projection can show."""
    across = without_gauge(found[:, 1] - truth[:, 1], angles_rad)
    along = found[:, 0] - truth[:, 0]
    return float(np.sqrt(np.mean(across**2))), float(np.std(along))


def cases(quick: bool = False) -> list[Case]:
    """Simulated scans, and the real ones where ``TOMOPLAN_DATA`` names their folder."""
    small: dict[str, Any] = {"columns": 128, "projections": 90, "rows": 1, "rings": 0.5}
    large: dict[str, Any] = {"columns": 256, "projections": 180, "rows": 1, "rings": 0.5}
    worlds = [
        World(specimen=s, photons=1e4, jitter_px=j, **size)
        for s in ("foam", "rock", "shepp_logan")
        for size, j in ((small, 1.0), (large, 1.0), (large, 3.0))
    ]
    worlds += [
        World(specimen="foam", photons=1e4, **large),
        World(specimen="foam", photons=1e4, motion_px=4.0, **large),
        World(specimen="foam", photons=1e4, jitter_px=2.0, fill=1.3, **large),
        World(specimen="foam", photons=1e4, jitter_px=1.0, vertical_jitter_px=1.0,
              **(large | {"rows": 24})),
    ]  # fmt: skip
    found = [simulated(w) for w in (worlds[:2] if quick else worlds)]
    folder = os.environ.get("TOMOPLAN_DATA")
    if folder and Path(folder).is_dir() and not quick:
        found += [jittered_file(Path(folder)), still_stripes(Path(folder))]
    return found


def run(plot: Path | None = None, quick: bool = False) -> dict[str, Any]:
    """Method by scan: RMS before and after, seconds; printed, drawn to ``plot``, returned."""
    rows: list[dict[str, Any]] = []
    for case in cases(quick):
        angles = case.scan.geometry.angles_rad
        before = remaining(np.zeros_like(case.truth), case.truth, angles)
        level = jitter_level(case.scan)
        for method in METHODS:
            begin = time.perf_counter()
            shifts = make_tool(method, {})(projections=case.scan)
            seconds = time.perf_counter() - begin
            after = remaining(shifts.pixels, case.truth, angles)
            rows.append({
                "scan": case.name, "method": method, "before_px": before[0], "after_px": after[0],
                "vertical_before_px": before[1], "vertical_after_px": after[1],
                "jitter_level_px": level, "seconds": seconds, "warnings": list(shifts.warnings),
            })  # fmt: skip
    print(table(rows))
    if plot is not None:
        _draw(rows, plot)
    return {"unit": "px RMS", "rows": rows}


def table(rows: list[dict[str, Any]]) -> str:
    """One line a scan: before, then after and seconds by each method; vertical where there is."""
    scans = list(dict.fromkeys(r["scan"] for r in rows))
    wide = max(len(s) for s in scans)
    short = [m.removeprefix("align_") for m in METHODS]
    lines = [f"{'scan':{wide}}  before  " + "  ".join(f"{s:>17}" for s in short) + "  level [95 %]"]
    for scan in scans:
        of = {r["method"]: r for r in rows if r["scan"] == scan}
        first = of[METHODS[0]]
        cells = [f"{of[m]['after_px']:9.2f} {of[m]['seconds']:5.1f} s" for m in METHODS]
        rms, low, high = first["jitter_level_px"]
        lines.append(
            f"{scan:{wide}}  {first['before_px']:6.2f}  " + "  ".join(f"{c:>17}" for c in cells)
            + f"  {rms:.2f} [{low:.2f}, {high:.2f}]"
        )  # fmt: skip
        if first["vertical_before_px"] > 0:
            cells = [f"{of[m]['vertical_after_px']:9.2f}" + " " * 8 for m in METHODS]
            lines.append(
                f"{'  along the axis':{wide}}  {first['vertical_before_px']:6.2f}  "
                + "  ".join(f"{c:>17}" for c in cells)
            )
    return "\n".join(lines)


def _draw(rows: list[dict[str, Any]], plot: Path) -> None:
    from matplotlib.figure import Figure

    scans = list(dict.fromkeys(r["scan"] for r in rows))
    figure = Figure(figsize=(9, 1.5 + 0.35 * len(scans)), layout="constrained")
    axes = figure.subplots()
    place = np.arange(len(scans))[::-1]
    before = [next(r["before_px"] for r in rows if r["scan"] == s) for s in scans]
    axes.plot(before, place, "k|", markersize=14, label="before")
    for method, mark in zip(METHODS, "os^", strict=True):
        after = [
            next(r["after_px"] for r in rows if r["scan"] == s and r["method"] == method)
            for s in scans
        ]
        axes.plot(after, place, mark, alpha=0.8, label=method.removeprefix("align_"))
    axes.axvline(0.5, color="grey", linewidth=0.8, linestyle=":")
    axes.set_xscale("symlog", linthresh=0.1)
    axes.set_xlim(left=0)
    axes.set_yticks(place, scans)
    axes.set_xlabel("shift error, px RMS (gauge removed)")
    axes.set_xlim(right=1.5 * max(before))
    axes.legend(loc="lower center", bbox_to_anchor=(0.5, 1.0), ncols=4, frameon=False)
    figure.savefig(plot, dpi=110)


if __name__ == "__main__":
    import sys

    run(plot=Path(sys.argv[1]) if len(sys.argv) > 1 else None)
