"""tomoplan's own runs: where they found the axis, what they moved, and what was left over."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np

from metadata.series import MetricInfo, Samples
from metadata.sources.reread import remember
from metadata.sources.scan_series import metric_of
from metadata.sources.source import Entry, beside_each_other, later
from metadata.sources.timestamps import parse_time
from metadata.store import Store

POLL_SECONDS = 2.0
INFOS = {
    info.name: info
    for info in (
        MetricInfo("axis_position", "px", about="rotation axis found by the run"),
        MetricInfo("axis_tilt", "deg", about="lean of the axis found by the run"),
        MetricInfo("overlap", "px", about="of the tiles, found by the run"),
        MetricInfo("shift_rms", "px", about="RMS of the sideways shifts that the run took out"),
        MetricInfo("shift_largest", "px", about="largest sideways shift that the run took out"),
        MetricInfo("reprojection_residual", "", about="what slices do not explain of the views"),
        MetricInfo("noise_of_contrast", "", about="noise of the slices over their contrast"),
        MetricInfo("rings_of_contrast", "", about="rings of the slices over their contrast"),
    )
}
MEASURED = ("reprojection_residual", "noise_of_contrast", "rings_of_contrast")


class OwnRuns:
    """``runs:`` (the store) or ``runs:FILE``: one sample a run and metric, at the time its scan
    began, or at that of the run where the scan does not say. Of several runs of a scan the first
    counts."""

    def __init__(self, path: str | Path | None = None) -> None:
        with Store(path) as store:
            self._path = store.path
        self.name = f"runs of {self._path}"
        self.live = False
        self.warnings: list[str] = []
        self._known: dict[str, float] = {}
        self._seen: str | None = None

    def metrics(self) -> dict[str, MetricInfo]:
        names = {block.metric for block in self._blocks()}
        return {name: _info(name) for name in sorted(names)}

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        blocks = [later(block, since) for block in self._blocks()]
        for entry in beside_each_other([[block] for block in blocks if len(block)]):
            remember(entry, self._known)
            yield entry

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        while not stop.is_set():
            newest = self._runs(limit=1)
            if newest and newest[0]["id"] != self._seen:
                self._seen = newest[0]["id"]
                yield from self.history(dict(self._known))
            stop.wait(POLL_SECONDS)

    def close(self) -> None:
        """The store is only open while it is read: whoever follows may be another thread."""

    def _runs(self, limit: int | None = None) -> list[dict[str, Any]]:
        with Store(self._path) as store:
            return store.runs(limit)

    def _blocks(self) -> list[Samples]:
        earliest_first = reversed(self._runs())
        runs = sorted(((_began(run), run) for run in earliest_first), key=lambda pair: pair[0])
        usual = next((c for _, run in runs if (c := _columns(run))), 0)
        found: dict[str, dict[float, float]] = {}
        for time, run in runs:
            for name, value in _said_by(run).items():
                if math.isfinite(value):
                    metric = metric_of(name, INFOS[name].unit, _columns(run), usual)
                    found.setdefault(metric, {}).setdefault(time, value)
        return [
            Samples.of(name, np.array(list(at)), np.array(list(at.values())), _info(name).unit)
            for name, at in found.items()
        ]


def _said_by(run: Mapping[str, Any]) -> dict[str, float]:
    """The metrics of one run's document."""
    quality, shifts = run.get("quality") or {}, run.get("shifts_px") or {}
    said = {
        "axis_position": (run.get("center_px") or {}).get("value"),
        "axis_tilt": run.get("tilt_deg"),
        "overlap": run.get("overlap_px"),
        "shift_rms": shifts.get("rms"),
        "shift_largest": shifts.get("largest"),
        **{name: quality.get(name) for name in MEASURED},
    }
    return {name: float(value) for name, value in said.items() if value is not None}


def _scan(run: Mapping[str, Any]) -> Mapping[str, Any]:
    scans = run.get("scans") or [{}]
    return scans[0].get("info") or {}


def _columns(run: Mapping[str, Any]) -> int:
    return int(_scan(run).get("columns") or 0)


def _began(run: Mapping[str, Any]) -> float:
    said = parse_time(_scan(run).get("start_time") or "")
    return parse_time(str(run["time"])) or 0.0 if said is None else said


def _info(metric: str) -> MetricInfo:
    name = metric if metric in INFOS else metric.rpartition("_")[0]
    return MetricInfo(metric, INFOS[name].unit, None, INFOS[name].about)
