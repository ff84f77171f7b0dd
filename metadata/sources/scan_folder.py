"""A folder of scans: what their files say, what their frames show, and what is added to it."""

from __future__ import annotations

import math
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from metadata.errors import InputError, TomoplanError
from metadata.open import open_scan, read_info
from metadata.scan_info import Content, ScanInfo
from metadata.series import MetricInfo, Samples
from metadata.sources.reread import remember
from metadata.sources.scan_measures import ScanMeasures
from metadata.sources.scan_series import SAID, metric_of, said_by
from metadata.sources.source import Entry
from metadata.sources.timestamps import parse_time

SUFFIXES = (".h5", ".hdf5", ".hdf", ".nxs", ".nx", ".txrm")
POLL_SECONDS = 2.0


class ScanFolder:
    """Every scan in a folder (and in those below it) is one sample of each metric, at the time it
    began; of a file that does not say when, at the time it was written.

    ``measures``: measures the frames too (axis, flat field, noise, shifts): some seconds a scan.
    A file that is no scan, or is still being written, is passed over, the latter until it is whole.
    """

    def __init__(self, path: str | Path, *, measures: ScanMeasures | None = None) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.live = False
        self.warnings: list[str] = []
        self._measures = measures
        self._known: dict[str, float] = {}
        self._done: dict[Path, tuple[int, int]] = {}
        self._first: dict[tuple[int, int], Path] = {}
        self._columns = 0
        self._metrics: dict[str, MetricInfo] = {}
        for info, _ in sorted(self._scans(), key=lambda pair: pair[1]):
            self._note(info)
            for name in said_by(info):
                self._metric(name, SAID[name], info)
        if not self._first:
            raise InputError(
                f"{path} holds no scan that can be read. Expected NXtomo or Data Exchange files "
                f"({', '.join(SUFFIXES)}) in it; check the folder."
            )
        if measures is not None:
            for name, metric in measures.metrics().items():
                self._metrics[name] = metric

    def metrics(self) -> dict[str, MetricInfo]:
        return dict(self._metrics)

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        scans = sorted(self._scans(), key=lambda pair: pair[1])
        for info, time in scans:
            yield from self._samples(info, time, since or {})

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        if not self._done:
            self._done = {path: _stamp(path) for path in self._files()}
        waiting: dict[Path, tuple[int, int]] = {}
        while not stop.is_set():
            for path in self._files():
                stamp = _stamp(path)
                # A file that has not changed between two looks is taken for whole.
                if self._done.get(path) == stamp or waiting.get(path) != stamp:
                    waiting[path] = stamp
                    continue
                info = self._info(path)
                if info is not None:
                    self._note(info)
                    yield from self._samples(info, _began(info), self._known)
            stop.wait(POLL_SECONDS)

    def close(self) -> None:
        """Files are only open while they are read."""

    def _files(self) -> list[Path]:
        if self.path.is_file():
            return [self.path]
        return sorted(
            p for p in self.path.rglob("*")
            if p.suffix.lower() in SUFFIXES and not p.name.startswith(".") and p.is_file()
        )  # fmt: skip

    def _scans(self) -> Iterator[tuple[ScanInfo, float]]:
        for path in self._files():
            info = self._info(path)
            if info is not None:
                yield info, _began(info)

    def _info(self, path: Path) -> ScanInfo | None:
        """What a file says; None where it is no scan of projections."""
        self._done[path] = _stamp(path)
        try:
            info = read_info(path)
        except TomoplanError as error:
            self._say(f"{path.name} is passed over: {error}")
            return None
        if info.content is not Content.PROJECTIONS:
            return None
        if parse_time(info.start_time or "") is None:
            self._say(
                f"{path.name} does not say when it was taken: the time it was written is used."
            )
        return info

    def _note(self, info: ScanInfo) -> None:
        self._columns = self._columns or info.columns
        self._first.setdefault((info.rows, info.columns), info.path)

    def _samples(
        self, info: ScanInfo, time: float, since: Mapping[str, float]
    ) -> Iterator[Samples]:
        found = {self._metric(n, SAID[n], info): v for n, v in said_by(info).items()}
        if self._measures is not None and self._wanted(info, time, since):
            found |= self._measured(info)
        for name, value in found.items():
            if time > since.get(name, -math.inf):
                samples = Samples.of(name, np.array([time]), np.array([value]),
                                     self._metrics[name].unit)  # fmt: skip
                remember(samples, self._known)
                yield samples

    def _wanted(self, info: ScanInfo, time: float, since: Mapping[str, float]) -> bool:
        """Whether measuring can give anything that is not known: it takes seconds."""
        assert self._measures is not None
        names = [metric_of(n, m.unit, info.columns, self._columns)
                 for n, m in self._measures.metrics().items()]  # fmt: skip
        return any(time > since.get(name, -math.inf) for name in names if name in since) or not (
            any(name in since for name in names)
        )

    def _measured(self, info: ScanInfo) -> dict[str, float]:
        assert self._measures is not None
        said = self._measures.metrics()
        first = self._first[info.rows, info.columns]
        try:
            with open_scan(info.path) as scan:
                if first == info.path:
                    found = self._measures.measure(scan, scan)
                else:
                    with open_scan(first) as reference:
                        found = self._measures.measure(scan, reference)
        except (TomoplanError, OSError) as error:
            self._say(f"{info.path.name} could not be measured: {error}")
            return {}
        return {self._metric(n, said[n], info): float(v) for n, v in found.items()}

    def _metric(self, name: str, info: MetricInfo, scan: ScanInfo) -> str:
        metric = metric_of(name, info.unit, scan.columns, self._columns)
        self._metrics.setdefault(metric, MetricInfo(metric, info.unit, info.limits, info.about))
        return metric

    def _say(self, text: str) -> None:
        if text not in self.warnings:
            self.warnings.append(text)


def _stamp(path: Path) -> tuple[int, int]:
    try:
        found = path.stat()
    except OSError:
        return 0, 0
    return found.st_size, found.st_mtime_ns


def _began(info: ScanInfo) -> float:
    said = parse_time(info.start_time or "")
    return info.path.stat().st_mtime if said is None else said
