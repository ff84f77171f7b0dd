"""The picture of real and simulated series."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from simulators.histories.compare.statistics import refills

Values = NDArray[np.float64]
COLOURS = {"real": "#c2410c", "simulated": "#1d4ed8"}


def draw(
    path: Path,
    beam: dict[str, Values],
    made: dict[str, Values],
    scans: dict[str, Values],
    weather: dict[str, Values],
    flats: list[Values],
) -> None:
    """Six panels into a PNG: ring current, one refill, chamber, barometer, stripes, increments."""
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(10, 6.2), dpi=80, layout="constrained")
    FigureCanvasAgg(figure)
    axes = figure.subplots(2, 3).ravel()
    both = (("real", beam["current"], beam["chamber"]),
            ("simulated", made["ring_current"], made["ion_chamber_1"]))  # fmt: skip
    minutes = (beam["time"] - beam["time"][0]) / 60
    for kind, current, counts in both:
        _dots(axes[0], minutes, current, kind, (24, 75))
        since = minutes * 60 - _a_refill(minutes * 60, current)
        _dots(axes[1], since, current, kind, (-8, 16), line=True)
        share = counts / current
        inside = (minutes > 31.8) & (minutes < 33.4)
        middle = np.median(share[inside])
        offset = 0 if kind == "real" else -0.006
        _dots(axes[2], minutes * 60, share / middle - 1 + offset, kind, (1909, 2000), line=True)
    axes[0].set(title="ring current, P09", xlabel="min", ylabel="mA", ylim=(99.9, 101.1))
    axes[1].set(title="one refill", xlabel="s", ylim=(99.9, 101.1))
    axes[2].set(title="ion chamber / current (shifted)", xlabel="s", ylim=(-0.009, 0.003))
    hours = (scans["time"] - scans["time"][0]) / 3600
    for kind, values in (("real", scans["barometer"]), ("simulated", weather["barometer"])):
        _dots(axes[3], hours, values - values.mean(), kind, (0, hours[-1]), line=True)
    axes[3].set(title="barometer, 33-ID, a value a scan", xlabel="h", ylabel="hPa from mean")
    for number, shift in enumerate(flats):
        axes[4].plot(np.arange(len(shift)) / 60, shift + 55 * number, lw=0.8,
                     color=COLOURS["simulated"])  # fmt: skip
    axes[4].set(title="stripes of the flats, simulated (shifted)", xlabel="h", ylabel="px")
    edges = np.linspace(-0.02, 0.01, 61)
    for kind, current, _ in both:
        steps = np.diff(current)[np.diff(beam["time"]) < 3]
        axes[5].hist(steps, edges, histtype="step", color=COLOURS[kind], label=kind, density=True)
    axes[5].set(title="ring current, point to point", xlabel="mA")
    axes[5].legend(frameon=False)
    figure.savefig(path)


def _a_refill(times: Values, current: Values) -> float:
    """When the most densely watched refill began, s."""
    when, _ = refills(times, current)
    around = [np.abs(times - t) < 10 for t in when]
    return float(when[np.argmax([a.sum() for a in around])])


def _dots(
    axis: Any, times: Values, values: Values, kind: str, span: tuple[float, float],
    line: bool = False,
) -> None:  # fmt: skip
    inside = (times >= span[0]) & (times <= span[1])
    axis.plot(times[inside], values[inside], marker=".", ms=3, lw=0.7 if line else 0,
              color=COLOURS[kind], label=kind)  # fmt: skip
