"""The pictures of ``tomoplan bench drift``."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np

from metadata.drift.regimes import STEADY
from metadata.drift.verdicts import Verdicts
from planner.benchmarks.drift.case import DAY, Case
from planner.benchmarks.drift.simulated import OURS, Simulated
from planner.benchmarks.drift.tuning import Tuned
from planner.benchmarks.drift.watched import warned

FLOOR = 0.02
COLOURS = ("#4477aa", "#ee6677", "#228833", "#ccbb44", "#66ccee", "#aa3377")


def overview(found: Simulated, path: Path) -> None:
    """Trade-off, life left against life, and forecasts against the truth."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, axes = plt.subplots(1, 3, figsize=(15, 4.6), layout="constrained")
    _trade_off(axes[0], found)
    _lives(axes[1], found)
    _forecasts(axes[2], found)
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _trade_off(axis: Any, found: Simulated) -> None:
    baselines = [name for name in found.curves if name != OURS]
    for name, colour in zip(baselines, COLOURS, strict=False):
        curve = np.array(sorted(found.curves[name]))
        # The most life at a false rate or less: what somebody who tunes would take.
        axis.step(np.maximum(curve[:, 0], FLOOR), 100 * np.maximum.accumulate(curve[:, 2]),
                  color=colour, where="post", label=name)  # fmt: skip
    ours = np.array(sorted(found.curves[OURS]))
    axis.plot(np.maximum(ours[:, 0], FLOOR), 100 * ours[:, 2], "ko-", label="tomoplan", zorder=5)
    axis.axvline(0.3, color="0.6", ls=":", lw=1)
    axis.axhline(62, color="0.6", ls=":", lw=1)
    axis.set(
        xscale="log",
        xlim=(FLOOR * 0.9, 30),
        ylim=(0, 100),
        title="Earlier, or less false",
        xlabel="false warnings per metric in 30 days",
        ylabel="life left at the warning, %",
    )
    axis.legend(fontsize=8, loc="lower right")


def _lives(axis: Any, found: Simulated) -> None:
    drifts = [o for o in found.outcomes[OURS] if o.left is not None and o.life_days is not None]
    shapes = sorted({o.shape for o in drifts})
    for shape, colour in zip(shapes, COLOURS, strict=False):
        some = [o for o in drifts if o.shape == shape]
        axis.plot([o.life_days for o in some], [100 * (o.left or 0) for o in some], "o", ms=4,
                  color=colour, alpha=0.8, label=shape.replace("_", " then "))  # fmt: skip
    axis.set(xscale="log", ylim=(-3, 103), title="Each drift", xlabel="life, days",
             ylabel="life left at the first warning, %")  # fmt: skip
    axis.legend(fontsize=8, loc="lower right")


def _forecasts(axis: Any, found: Simulated) -> None:
    for forecast in found.forecasts[OURS]:
        colour = "#4477aa" if forecast.covered else "#ee6677"
        low, high = max(forecast.low, 0.05), forecast.high
        axis.plot([forecast.true_days] * 2, [low, high], color=colour, lw=1, alpha=0.6)
        axis.plot([forecast.true_days], [max(forecast.value, 0.05)], "o", ms=3, color=colour)
    ends = np.array([0.8, 25.0])
    axis.plot(ends, ends, "k-", lw=1)
    axis.fill_between(ends, 0.7 * ends, 1.3 * ends, color="0.85", zorder=0, label="within 30 %")
    axis.set(
        xscale="log",
        yscale="log",
        xlim=ends,
        ylim=(0.2, 80),
        xlabel="days truly left",
        ylabel="days said, 90 % interval",
        title="Time to the limit at half of the life",
    )
    axis.legend(fontsize=8, loc="upper left")


def example(case: Case, said: Verdicts, tuned: list[Tuned], path: Path) -> None:
    """One history: values, regimes, forecasts as they were made, and who warned when."""
    import matplotlib

    matplotlib.use("Agg")
    import matplotlib.pyplot as plt

    figure, (top, middle, low) = plt.subplots(
        3, 1, figsize=(12, 8), sharex=True, layout="constrained", height_ratios=[3, 2, 2]
    )
    day = (said.times - case.start) / DAY
    top.plot(day, said.values, ".", ms=1.5, color="0.45")
    for limit in (case.limits.low, case.limits.high):
        top.axhline(limit, color="#aa3377", lw=1.2)
    for axis in (top, middle, low):
        _shade(axis, day, ~np.isin(said.regimes, STEADY))
        for moment, style in ((case.onset, "--"), (case.crossing, "-")):
            if moment is not None:
                axis.axvline((moment - case.start) / DAY, color="k", lw=1, ls=style)
    top.set(ylabel=f"{case.metric}, {case.target.unit}",
            title=f"{case.metric}: drift ({case.shape.replace('_', ' then ')}) from the dashed line"
                  f" to the full one; shaded: not judged")  # fmt: skip
    there = np.isfinite(said.seconds)
    fan = [np.where(there, side, np.nan) / DAY for side in (said.lows, said.highs)]
    middle.fill_between(day, *fan, color="#4477aa", alpha=0.25)
    middle.plot(day, np.where(there, said.seconds, np.nan) / DAY, color="#4477aa", lw=1)
    if case.crossing is not None and case.onset is not None:
        span = np.array([case.onset, case.crossing])
        middle.plot((span - case.start) / DAY, (case.crossing - span) / DAY, "k-", lw=1)
    middle.set(yscale="log", ylim=(0.05, 80), ylabel="days to the limit")
    rows = [("tomoplan", said.times, warned(said))]
    for one in tuned:
        times, scores = one.baseline.score(case, one.variant)
        rows.append((one.baseline.name, times, scores >= one.threshold))
    for height, (_, times, on) in enumerate(reversed(rows)):
        low.plot((times[on] - case.start) / DAY, np.full(int(on.sum()), height), "|", ms=11,
                 color="#228833" if height == len(rows) - 1 else "#ccbb44")  # fmt: skip
    low.set(yticks=range(len(rows)), yticklabels=[name for name, *_ in reversed(rows)],
            ylim=(-0.6, len(rows) - 0.4), xlabel="days", title="Who warns when")  # fmt: skip
    figure.savefig(path, dpi=110)
    plt.close(figure)


def _shade(axis: Any, day: np.ndarray, off: np.ndarray) -> None:
    edges = np.flatnonzero(np.diff(np.pad(off.astype(np.int8), 1)))
    for a, b in zip(edges[::2], edges[1::2], strict=True):
        axis.axvspan(day[a], day[min(b, len(day) - 1)], color="0.9", zorder=0)
