"""Whether simulated scans could be told from real ones: statistics of both, side by side.

``python -m planner.benchmarks.believability`` (needs ``TOMOPLAN_DATA``) writes
``docs/believability.md`` and its picture. A statistic is a *tell* where the value of a real scan
lies outside what worlds drawn at random show; the simulator is improved where one is easy.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata import InputError, open_scan
from metadata.scan import Scan
from planner.preview import correct, read_block
from toolbox.kinds import DataKind, GreyState
from toolbox.registry import make_tool
from toolbox.values import Block, Center

Line = NDArray[np.floating[Any]]
REAL = {  # file → row looked at, known axis in px
    "projections/tooth_aps_dx.h5": (0, 296.0),
    "projections/i13_24737_nxtomo.nxs": (60, 85.75),
    "projections/tomobank_00076_rows01_dx.h5": (0, 1275.0),
    "sinograms/neutron_360.h5": (0, 245.25),
}
WORLDS = 120
SEED = 4_000_000  # worlds that nothing was tuned on
DOCS = Path(__file__).parents[2] / "docs"


@dataclass(frozen=True, eq=False)
class Look:
    """What is compared of one scan: numbers by name, and three curves for the picture.

    ``noise``: power of the difference of two flats by frequency (32 bins up to 0.5 cycles/px, mean
    1); ``stripes``: distribution of the stripes' heights in units of their spread; ``greys``:
    histogram of the slice inside the circle between its 1st and 99th percentile.
    """

    name: str
    numbers: dict[str, float]
    noise: Line | None
    stripes: Line
    greys: Line


def look(scan: Scan, row: int, axis: float, name: str) -> Look:
    """Statistics of one row of a scan; the axis in px."""
    raw = read_block(scan, np.array([row]), np.arange(scan.info.projections))
    _, attenuation = correct(raw)
    sinogram = attenuation.as_kind(DataKind.SINOGRAM)
    numbers: dict[str, float] = {}
    noise = None
    if raw.flats is not None and len(raw.flats) > 2:
        noise, of_flats = flat_noise(raw)
        numbers |= of_flats
    numbers |= of_views(sinogram)
    stripes, of_stripes = stripe_heights(sinogram)
    numbers |= of_stripes
    slice_ = make_tool("fbp", {})(sinogram=sinogram, center=Center(axis, axis, axis)).values[0]
    greys, of_greys = grey_levels(slice_)
    return Look(name, numbers | of_greys, noise, stripes, greys)


def flat_noise(raw: Block) -> tuple[Line, dict[str, float]]:
    """Power spectrum along the row of differences of flats that follow each other, its share at
    high frequencies, the correlation of neighbours, and how uneven the beam is."""
    flats = np.asarray(raw.flats, np.float64)[:, 0]
    dark = 0.0 if raw.darks is None or not len(raw.darks) else raw.darks.mean(axis=0)[0]
    flats = flats - dark
    mean = flats.mean(axis=0)
    lit = mean > 0.1 * np.median(mean)
    flats, mean = flats[:, lit], mean[lit]
    # Brightness and slow movements of the beam are no noise of the detector
    rest = np.diff(flats, axis=0) / np.sqrt(2 * np.abs(mean))
    rest = rest - _smooth(rest, 31)
    power = (np.abs(np.fft.rfft(rest * np.hanning(rest.shape[1]), axis=1)) ** 2).mean(axis=0)
    q = np.fft.rfftfreq(rest.shape[1])
    bins = np.linspace(0.03, 0.5, 33)
    curve = np.array([power[(q >= a) & (q < b)].mean() if ((q >= a) & (q < b)).any() else np.nan
                      for a, b in pairwise(bins)])  # fmt: skip
    curve = curve / np.nanmean(curve)
    beam = mean / _smooth(mean[None], max(31, len(mean) // 3 | 1))[0]
    brightness = flats.mean(axis=1)
    return curve, {
        "flats: noise power above 0.3 cycles/px over that below 0.15": float(
            power[q > 0.3].mean() / power[(q > 0.03) & (q < 0.15)].mean()
        ),
        "flats: noise relative to signal": float(
            (rest * np.sqrt(np.abs(mean))).std() / mean.mean()
        ),
        "flats: unevenness of the beam within a third of the field": float(beam.std()),
        "flats: change of brightness from flat to flat": float(
            np.abs(np.diff(brightness)).mean() / brightness.mean()
        ),
    }


def of_views(sinogram: Block) -> dict[str, float]:
    """Noise, zingers and unsteadiness of the views."""
    from toolbox.noise import noise_sigma

    values = sinogram.values[0]
    sigma = float(noise_sigma(values))
    change = np.diff(values, axis=0)
    total = values.sum(axis=1)
    jump = np.abs(np.diff(total - _smooth(total[None], 9)[0]))
    mean = np.abs(np.fft.rfft((values - values.mean(1, keepdims=True))
                              * np.hanning(values.shape[1]), axis=1)).mean(axis=0) ** 2  # fmt: skip
    q = np.fft.rfftfreq(values.shape[1])
    low, high = mean[(q > 0.01) & (q < 0.03)].mean(), mean[(q > 0.05) & (q < 0.15)].mean()
    kurtosis = float((change**4).mean() / max((change**2).mean() ** 2, 1e-30))
    return {
        "views: noise of −log": sigma,
        "views: fall of the power spectrum, 0.02 to 0.1 cycles/px (powers of ten)": float(
            np.log10(low / max(high, 1e-30))
        ),
        "views: heaviness of the tails of changes (kurtosis, log10)": float(np.log10(kurtosis)),
        "views: change of the total from view to view": float(
            np.median(jump) / max(np.median(np.abs(total)), 1e-9)
        ),
    }


def stripe_heights(sinogram: Block) -> tuple[Line, dict[str, float]]:
    """Heights of the columns' mean over a running median, in units of their robust spread."""
    mean = np.median(sinogram.values[0], axis=0)
    rest = (mean - _median(mean, 15)).astype(np.float64)
    rest = rest[8:-8]
    spread = 1.4826 * float(np.median(np.abs(rest - np.median(rest)))) + 1e-12
    scaled = rest / spread
    histogram = np.histogram(scaled, bins=np.linspace(-8, 8, 41), density=True)[0]
    neighbours = float((rest[1:] * rest[:-1]).mean() / max((rest**2).mean(), 1e-30))
    second = float((rest[2:] * rest[:-2]).mean() / max((rest**2).mean(), 1e-30))
    return histogram, {
        "stripes: usual height": spread,
        "stripes: share of columns beyond 4 spreads": float((np.abs(scaled) > 4).mean()),
        "stripes: likeness of neighbouring columns": neighbours,
        "stripes: likeness of columns two apart": second,
    }


def grey_levels(slice_: NDArray[np.float32]) -> tuple[Line, dict[str, float]]:
    """Histogram of the slice inside the circle and its shape."""
    from toolbox.metrics import circle_mask

    values = slice_[circle_mask(len(slice_), 0.9)].astype(np.float64)
    low, high = np.quantile(values, [0.01, 0.99])
    scaled = (values - low) / max(high - low, 1e-30)
    histogram = np.histogram(scaled, bins=40, range=(0, 1), density=True)[0]
    share = histogram[histogram > 0] / histogram.sum()
    centred = np.clip(scaled, 0, 1) - np.clip(scaled, 0, 1).mean()
    return histogram, {
        "slice: entropy of the grey levels (of 40, 1 is flat)": float(
            -(share * np.log(share)).sum() / np.log(40)
        ),
        "slice: skewness of the grey levels": float(
            (centred**3).mean() / max((centred**2).mean() ** 1.5, 1e-30)
        ),
    }


def _smooth(lines: Line, width: int) -> Line:
    from scipy.ndimage import uniform_filter1d

    return np.asarray(uniform_filter1d(lines, width, axis=-1, mode="nearest"))


def _median(line: Line, width: int) -> Line:
    from scipy.ndimage import median_filter

    return np.asarray(median_filter(line, width, mode="nearest"))


def real_looks(folder: Path) -> list[Look]:
    """The real scans; a sinogram that is transmission has no flats to compare."""
    found = []
    for file, (row, axis) in REAL.items():
        with open_scan(folder / file) as scan:
            found.append(look(scan, row, axis, Path(file).stem))
    return found


def simulated_looks(count: int = WORLDS) -> list[Look]:
    """Worlds drawn at random."""
    from simulators import simulate
    from simulators.sampling import draw_world

    found = []
    for index in range(count):
        world = draw_world(np.random.default_rng([SEED, index]))
        scan = simulate(world)
        if scan.info.state is GreyState.COUNTS:
            found.append(look(scan, world.rows // 2, scan.truth_center, world.specimen))
    return found


def tells(real: list[Look], simulated: list[Look]) -> list[dict[str, Any]]:
    """For each statistic its range over the worlds, and each real scan's value and rank in it."""
    rows = []
    for name in dict.fromkeys(n for r in real for n in r.numbers):
        drawn = np.array([s.numbers[name] for s in simulated if name in s.numbers])
        low, middle, high = np.quantile(drawn, [0.02, 0.5, 0.98])
        for one in real:
            if name in one.numbers:
                value = one.numbers[name]
                rows.append({
                    "statistic": name, "scan": one.name, "real": value, "low": float(low),
                    "median": float(middle), "high": float(high),
                    "rank": float((drawn < value).mean()), "tell": not low <= value <= high,
                })  # fmt: skip
    return rows


def run(output: Path | None = None) -> dict[str, Any]:
    """Compare, print, and write the page and the picture."""
    folder = os.environ.get("TOMOPLAN_DATA")
    if not folder:
        raise InputError("Comparing with real scans needs them: set TOMOPLAN_DATA to their folder.")
    real, simulated = real_looks(Path(folder)), simulated_looks()
    rows = tells(real, simulated)
    print(page(rows, len(simulated)))
    where = DOCS if output is None else output
    (where / "believability.md").write_text(page(rows, len(simulated)), encoding="utf-8")
    (where / "images").mkdir(exist_ok=True)
    draw(real, simulated, where / "images" / "believability.png")
    return {"rows": rows, "worlds": len(simulated)}


def page(rows: list[dict[str, Any]], worlds: int) -> str:
    """The comparison as Markdown."""
    inside = sum(not r["tell"] for r in rows)
    lines = [
        "# Could a simulated scan be told from a real one?\n",
        "Written by `python -m planner.benchmarks.believability`. Statistics of one row of real "
        f"scans, beside those of {worlds} worlds drawn by `simulators.sampling.draw_world` (2nd to "
        "98th percentile). A real value outside that range is a tell.\n",
        f"**{inside} of {len(rows)} values lie inside.**\n",
        "![Noise spectrum, stripe heights and grey levels](images/believability.png)\n",
        "| statistic | scan | real | worlds, median | worlds, range | tell |",
        "|---|---|---:|---:|---:|---|",
    ]
    for row in rows:
        lines.append(
            f"| {row['statistic']} | {row['scan']} | {row['real']:.3g} | {row['median']:.3g} | "
            f"{row['low']:.3g} … {row['high']:.3g} | {'**yes**' if row['tell'] else ''} |"
        )
    return "\n".join(lines) + "\n"


def draw(real: list[Look], simulated: list[Look], path: Path) -> None:
    """Curves of the real scans over the band of the simulated ones."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(12, 3.6), layout="constrained")
    FigureCanvasAgg(figure)
    places = {
        "noise": (np.linspace(0.03, 0.5, 32), "cycles/px", "noise power of flats (mean 1)"),
        "stripes": (np.linspace(-8, 8, 40), "spreads", "heights of stripes"),
        "greys": (np.linspace(0, 1, 40), "1st to 99th percentile", "grey levels of the slice"),
    }
    for axes, (name, (x, unit, title)) in zip(figure.subplots(1, 3), places.items(), strict=True):
        drawn = np.stack([v for s in simulated if (v := getattr(s, name)) is not None])
        low, middle, high = np.nanquantile(drawn, [0.02, 0.5, 0.98], axis=0)
        axes.fill_between(x, low, high, color="0.85", label="worlds, 2–98 %")
        axes.plot(x, middle, color="0.5", label="worlds, median")
        for one in real:
            if getattr(one, name) is not None:
                axes.plot(x, getattr(one, name), linewidth=1.2, label=one.name)
        axes.set_xlabel(unit)
        axes.set_title(title, fontsize=10)
        axes.set_yscale("log" if name == "stripes" else "linear")
    figure.axes[0].legend(fontsize=7)
    figure.savefig(path, dpi=90)


if __name__ == "__main__":
    run()
