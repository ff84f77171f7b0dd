"""The picture of a history, drawn with matplotlib."""

from __future__ import annotations

import io
import math
from collections.abc import Iterator, Mapping, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.regimes import OPERATION, REGIMES
from metadata.drift.verdict import State
from metadata.drift.verdicts import GAP, STATES
from metadata.series import Limits, MetricInfo
from metadata.watch.course import Course
from metadata.watch.phrases import phrase
from metadata.watch.trace import Trace
from metadata.whole_file import whole_file

MOST_METRICS = 12  # in one picture
MOST_FANS = 8  # in one metric
AHEAD = 0.15  # of the time that was watched: as much of the forecasts is shown beyond its end
INCHES = (11.0, 1.9)  # width, and height of a metric
DPI = 110
STATE_COLOURS = {State.QUIET: "#d9ead3", State.MOVING: "#9fc5e8", State.WARNING: "#ffb347",
                 State.ALARM: "#d62728", State.GAP: "#ffffff"}  # fmt: skip
REGIME_COLOURS = {"refill": "#f4f1de", "closed": "#ececec", "energy_change": "#e3d9f2",
                  "recovery": "#dcefe4", "dump": "#f6d5d5", "maintenance": "#cfd8dc",
                  "shutdown": "#b0bec5", "away": "#ead7f0"}  # fmt: skip
CAUSE_COLOUR = "#7b3294"
CHINESE_FONTS = ("Noto Sans CJK SC", "Noto Sans CJK JP", "Source Han Sans SC",
                 "WenQuanYi Micro Hei", "WenQuanYi Zen Hei", "SimHei", "PingFang SC")  # fmt: skip
DATES = (1e8, 1e10)  # unix s that are shown as dates


def picture(
    path: Path, course: Course, infos: Mapping[str, MetricInfo], sources: Sequence[str],
    language: str = "en",
) -> None:  # fmt: skip
    """Draw the metrics that stood out most, at most :data:`MOST_METRICS`, into a PNG file."""
    names = by_trouble(course)
    shown = names[:MOST_METRICS]
    title = phrase("report.title", _lettered(language), sources=", ".join(sources))
    if len(names) > len(shown):
        title += f"  ({len(shown)} / {len(names)})"
    with whole_file(path) as draft:
        _draw(draft, course, infos, shown, title, language)


def metric_picture(course: Course, infos: Mapping[str, MetricInfo], name: str,
                   language: str = "en") -> bytes:  # fmt: skip
    """One metric as the bytes of a PNG file."""
    file = io.BytesIO()
    _draw(file, course, infos, [name], "", language)
    return file.getvalue()


def by_trouble(course: Course) -> list[str]:
    """The metrics, those first that were longest in alarm, then in warning, then drifting."""

    def bad(name: str) -> tuple[int, ...]:
        states = course.traces[name].states
        return tuple(-int((states == STATES.index(s)).sum())
                     for s in (State.ALARM, State.WARNING, State.MOVING))  # fmt: skip

    return sorted(course.traces, key=bad)


def _draw(target: Any, course: Course, infos: Mapping[str, MetricInfo], names: Sequence[str],
          title: str, language: str) -> None:  # fmt: skip
    from matplotlib import rc_context
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    width, height = INCHES
    rows = max(len(names), 1)
    with rc_context(_fonts(language)):  # type: ignore[arg-type]
        figure = Figure(figsize=(width, height * rows + 0.9), dpi=DPI, layout="constrained")
        FigureCanvasAgg(figure)
        axes = figure.subplots(rows, 1, sharex=True, squeeze=False)[:, 0]
        for axis, name in zip(axes, names, strict=False):
            _metric(axis, name, course, infos.get(name, MetricInfo(name)))
            _cause(axis, name, course, _lettered(language))
        _span(axes[-1], [course.traces[name] for name in names])
        if title:
            figure.suptitle(title, fontsize=10)
        _legend(figure, course, names, _lettered(language))
        figure.savefig(target, format="png")


def _metric(axis: Any, name: str, course: Course, info: MetricInfo) -> None:
    trace = course.traces[name]
    limits = info.limits or Limits()
    for start, stop, code in _runs(trace, trace.regimes):
        if code > OPERATION:
            axis.axvspan(start, stop, color=REGIME_COLOURS[REGIMES[code]], lw=0, zorder=0)
    used = trace.used
    times = [_when(t) for t in trace.times]
    read = trace.counts[:used] > 0
    low, high = (
        np.where(read, trace.least[:used], np.nan),
        np.where(read, trace.most[:used], np.nan),
    )
    axis.fill_between(times, low, high, color="#4c78a8", alpha=0.35, lw=0)
    axis.plot(times, trace.means, color="#1f3d5c", lw=0.8)
    for side in (limits.low, limits.high):
        if math.isfinite(side):
            axis.axhline(side, color="#d62728", lw=0.9, ls="--")
    notices = [n for n in course.notices if n["metric"] == name]
    for notice in _fans(notices):
        _fan(axis, notice)
    for notice in notices:
        if notice["kind"] in ("new", "worse"):
            colour = STATE_COLOURS[State(notice["state"])]
            axis.axvline(_when(notice["time"]), color=colour, lw=1.0, zorder=1)
    for start, stop, code in _runs(trace, trace.states):
        if code >= 0:
            axis.axvspan(start, stop, 0, 0.045, color=STATE_COLOURS[STATES[code]], lw=0, zorder=4)
    _frame(axis, low, high, limits, notices)
    axis.set_ylabel(f"{name}\n{trace.unit}".strip(), fontsize=7)
    axis.tick_params(labelsize=7)


def _cause(axis: Any, name: str, course: Course, language: str) -> None:
    """The likeliest cause of the last drift, as its own readings are, with its scale at the right:
    what moved before the metric or with it."""
    told = [n["cause"][0] for n in course.notices if n["metric"] == name and n["cause"]]
    told = [cause for cause in told if cause["metric"] in course.traces]
    if not told:
        return
    cause, trace = told[-1], course.traces[told[-1]["metric"]]
    beside = axis.twinx()
    beside.plot([_when(t) for t in trace.times], trace.means, color=CAUSE_COLOUR, lw=0.7, alpha=0.8)
    words = phrase("report.cause", language, metric=cause["metric"],
                   percent=f"{100 * cause['score']:.0f}")  # fmt: skip
    beside.set_ylabel(f"{words}\n{trace.unit}".strip(), fontsize=6, color=CAUSE_COLOUR)
    beside.tick_params(labelsize=6, colors=CAUSE_COLOUR)


def _span(axis: Any, traces: Sequence[Trace]) -> None:
    begins = [t.start for t in traces if t.used]
    ends = [t.start + t.width * t.used for t in traces if t.used]
    if begins:
        begin, end = min(begins), max(ends)
        axis.set_xlim(_when(begin), _when(end + AHEAD * (end - begin)))


def _fans(notices: Sequence[Mapping[str, Any]]) -> list[Mapping[str, Any]]:
    """The forecasts that were said, thinned out evenly where they are many."""
    told = [n for n in notices if n["seconds_to_limit"] and n["limit"] is not None
            and n["value"] is not None and n["state"] == "warning"]  # fmt: skip
    if len(told) <= MOST_FANS:
        return told
    return [told[int(i)] for i in np.linspace(0, len(told) - 1, MOST_FANS)]


def _fan(axis: Any, notice: Mapping[str, Any]) -> None:
    """From what was read to the limit: the 90 % interval as a triangle, the forecast as a line."""
    start, value, limit = notice["time"], notice["value"], notice["limit"]
    left = notice["seconds_to_limit"]
    early, late = start + left["low"], start + left["high"]
    axis.fill([_when(start), _when(early), _when(late)], [value, limit, limit],
              color="#ffb347", alpha=0.18, lw=0, zorder=2)  # fmt: skip
    axis.plot([_when(start), _when(start + left["value"])], [value, limit], color="#c46a00",
              lw=0.9, ls=":", zorder=3)  # fmt: skip


def _frame(axis: Any, low: NDArray[np.float64], high: NDArray[np.float64], limits: Limits,
           notices: Sequence[Mapping[str, Any]]) -> None:  # fmt: skip
    """The readings fill the picture; a limit is in it where it is near or was spoken of."""
    if not np.isfinite(low).any():
        return
    bottom, top = float(np.nanpercentile(low, 0.5)), float(np.nanpercentile(high, 99.5))
    spoken = {n["limit"] for n in notices}
    size = max(top - bottom, 1e-12 * (1 + abs(top)))
    for side in (limits.low, limits.high):
        if math.isfinite(side) and (side in spoken or bottom - 2 * size <= side <= top + 2 * size):
            bottom, top = min(bottom, side), max(top, side)
    room = 0.08 * max(top - bottom, size)
    axis.set_ylim(bottom - 1.5 * room, top + room)


def _runs(trace: Trace, codes: NDArray[np.int8]) -> Iterator[tuple[Any, Any, int]]:
    """Stretches of one code, with their begin and end."""
    row = codes[: trace.used]
    if not len(row):
        return
    # A bin between two of the same says nothing of its own where few samples were taken.
    filled = row.copy()
    empty = trace.states[: trace.used] < 0
    last = np.maximum.accumulate(np.where(empty, 0, np.arange(len(row))))
    filled = row[last]
    edges = np.flatnonzero(np.diff(filled)) + 1
    for start, stop in zip([0, *edges], [*edges, len(row)], strict=True):
        yield (_when(trace.start + trace.width * start), _when(trace.start + trace.width * stop),
               int(filled[start]))  # fmt: skip


def _when(time: float) -> Any:
    """A date where the time is one of our era; else the number. matplotlib takes naive dates."""
    if DATES[0] <= time <= DATES[1]:
        return np.datetime64(datetime.fromtimestamp(time, UTC).replace(tzinfo=None), "ms")
    return time


def _legend(figure: Any, course: Course, names: Sequence[str], language: str) -> None:
    from matplotlib.patches import Patch

    traces = [course.traces[name] for name in names]
    states = {int(c) for t in traces for c in np.unique(t.states)} - {-1, GAP}
    regimes = {int(c) for t in traces for c in np.unique(t.regimes)} - {-1, OPERATION}
    handles = [Patch(color=STATE_COLOURS[STATES[c]], label=phrase(f"state.{STATES[c]}", language))
               for c in sorted(states)]  # fmt: skip
    handles += [Patch(color=REGIME_COLOURS[REGIMES[c]], label=REGIMES[c].replace("_", " "))
                for c in sorted(regimes)]  # fmt: skip
    if handles:
        figure.legend(handles=handles, loc="outside lower center", ncols=len(handles), fontsize=7,
                      frameon=False)  # fmt: skip


def _lettered(language: str) -> str:
    """The language that the letters at hand can write in a picture."""
    return language if language == "en" or _chinese_font() else "en"


def _fonts(language: str) -> dict[str, Any]:
    font = _chinese_font() if language != "en" else None
    return {"font.family": [font, "DejaVu Sans"]} if font else {}


def _chinese_font() -> str | None:
    from matplotlib.font_manager import fontManager

    there = {font.name for font in fontManager.ttflist}
    return next((name for name in CHINESE_FONTS if name in there), None)
