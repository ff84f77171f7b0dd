"""NXlog groups of a NeXus file: a metric each, with times, values, limits and units."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import h5py
import numpy as np

from metadata import hdf5_file as h5
from metadata.errors import InputError
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples
from metadata.sources.order import in_order
from metadata.sources.source import BLOCK, Entry, beside_each_other, later
from metadata.sources.timestamps import parse_time
from metadata.units import factor

POLL_SECONDS = 1.0
SIDES = ("_low", "_high")


class NxLog:
    """Every NXlog of the file: ``time`` (in its ``units`` after its ``start``) and ``value``.

    Values that are missing where ``average_value`` is not are taken from there. Limits are the
    attributes ``low_limit`` and ``high_limit`` of ``value``, or NXlogs ``NAME_low`` and
    ``NAME_high`` beside it, whose last values hold. ``/entry/events`` (``time, kind, text``) is
    the log book.
    """

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.live = False
        self.warnings: list[str] = []
        self._read: dict[str, int] = {}
        with h5.open_hdf5(self.path) as file:
            self._logs = find_logs(file)
            if not self._logs:
                raise InputError(
                    f"{path} holds no NXlog with times and values. Expected groups of the class "
                    f"NXlog with the datasets time and value; check that it is the right file."
                )
            self._metrics = {name: _info(file[at], name) for name, at in self._logs.items()}
            for name, info in list(self._metrics.items()):
                sides = [self._logs.get(name + side) for side in SIDES]
                if any(sides):
                    low, high = (_last(file, at) for at in sides)
                    limits = Limits(
                        -np.inf if low is None else low, np.inf if high is None else high
                    )
                    self._metrics[name] = MetricInfo(name, info.unit, limits, info.about)
                    for side in SIDES:
                        self._metrics.pop(name + side, None)

    def metrics(self) -> dict[str, MetricInfo]:
        return dict(self._metrics)

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        with h5.open_hdf5(self.path) as file:
            streams = [self._stream(file, name, since) for name in self._metrics]
            yield from beside_each_other(streams, _events(file))

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        if not self._read:
            with h5.open_hdf5(self.path) as file:
                self._read = {n: _length(file[self._logs[n]]) for n in self._metrics}
        while not stop.is_set():
            try:
                file = h5py.File(self.path, "r")
            except OSError:  # being written just now
                stop.wait(POLL_SECONDS)
                continue
            with file:
                yield from beside_each_other([self._stream(file, n, None) for n in self._metrics])
            stop.wait(POLL_SECONDS)

    def close(self) -> None:
        """The file is only open while it is read."""

    def _stream(
        self, file: h5py.File, name: str, since: Mapping[str, float] | None
    ) -> Iterator[Samples]:
        log = file[self._logs[name]]
        start, unit = _start(log["time"])
        values = _values(log)
        length = _length(log)
        at = self._read.get(name, 0) if since is None else _skip(log, start, unit, since.get(name))
        while at < length:
            end = min(at + BLOCK, length)
            times = start + np.asarray(log["time"][at:end], float) * unit
            block = Samples.of(name, times, np.asarray(values[at:end], float).reshape(end - at),
                               self._metrics[name].unit)  # fmt: skip
            at = self._read[name] = end
            block = later(in_order(block), since)
            if len(block):
                yield block


def find_logs(file: h5py.File) -> dict[str, str]:
    """Path of each NXlog by the name of its metric: that of the group, or its whole path where
    several groups have the same."""
    found: dict[str, list[str]] = {}
    for group in h5.groups(file):
        if h5.attribute(group, "NX_class") != "NXlog" or h5.dataset(group, "time") is None:
            continue
        if h5.dataset(group, "value", "average_value") is not None:
            found.setdefault(str(group.name).rpartition("/")[2], []).append(str(group.name))
    return {
        name if len(paths) == 1 else path.strip("/"): path
        for name, paths in found.items()
        for path in paths
    }


def _values(log: h5py.Group) -> h5py.Dataset:
    found = h5.dataset(log, "value", "average_value")
    assert found is not None  # find_logs has seen it
    return found


def _length(log: h5py.Group) -> int:
    return int(min(log["time"].size, _values(log).size))


def _start(time: h5py.Dataset) -> tuple[float, float]:
    """What the times count from (unix s) and in which unit (s)."""
    start = parse_time(h5.attribute(time, "start") or "")
    return start or 0.0, factor("time", h5.attribute(time, "units")) or 1.0


def _skip(log: h5py.Group, start: float, unit: float, known: float | None) -> int:
    """How many samples surely are known: up to the last cue before that time."""
    cues, index = (h5.numbers(h5.dataset(log, n)) for n in ("cue_timestamp_zero", "cue_index"))
    if known is None or cues is None or index is None or len(cues) != len(index):
        return 0
    zero, step = _start(log["cue_timestamp_zero"])
    before = np.flatnonzero(zero + cues * step <= known)
    return int(index[before[-1]]) if len(before) else 0


def _info(log: h5py.Group, name: str) -> MetricInfo:
    value = _values(log)
    sides = [h5.as_number(h5.attribute(value, side)) for side in ("low_limit", "high_limit")]
    low, high = sides
    limits = None
    if low is not None or high is not None:
        limits = Limits(-np.inf if low is None else low, np.inf if high is None else high)
    about = h5.text(log, "description") or h5.attribute(log, "description") or ""
    return MetricInfo(name, h5.attribute(value, "units") or "", limits, about)


def _last(file: h5py.File, path: str | None) -> float | None:
    values = None if path is None else h5.numbers(_values(file[path]))
    return float(values[-1]) if values is not None and len(values) else None


def _events(file: h5py.File) -> list[LoggedEvent]:
    for group in h5.groups(file):
        times, kinds = h5.dataset(group, "time"), h5.dataset(group, "kind")
        if times is None or kinds is None or times.shape != kinds.shape:
            continue
        start, unit = _start(times)
        texts = h5.dataset(group, "text")
        said = [""] * len(times) if texts is None else [h5.as_text(t) for t in texts[:]]
        return [
            LoggedEvent(float(start + t * unit), h5.as_text(kind), text)
            for t, kind, text in zip(times[:], kinds[:], said, strict=True)
        ]
    return []
