"""A table of text: a column of times and a column for each metric."""

from __future__ import annotations

import csv
import threading
from collections.abc import Iterator, Mapping
from pathlib import Path

import numpy as np

from metadata.errors import InputError
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples, Times
from metadata.sources.order import in_order
from metadata.sources.source import BLOCK, WINDOW, Entry, later
from metadata.sources.table_text import EMPTY, Layout, layout_of, numbers
from metadata.sources.timestamps import parse_time

CHUNK = 1 << 21  # bytes read at once
HEAD = 1 << 16  # bytes that tell whether a table is written newest first
POLL_SECONDS = 0.5


class CsvFile:
    """``time`` and a column a metric, with a header or without (then ``value``, or ``column_1`` …).

    Times are ISO-8601 or unix s, ms, µs or ns; commas, semicolons, tabs or spaces between; a unit
    may stand in brackets behind a name. A cell that is no number is a reading that failed, an
    empty one too where there is one metric only; of several metrics it says nothing. Limits are
    A table that is written newest first is read from its end. Limits are
    read from ``FILE.limits.yaml`` (``NAME: {low, high}``) and the log book from
    ``FILE.events.csv`` (``time,kind,text``) where they lie beside it.
    """

    def __init__(self, path: str | Path, *, time: str | None = None) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.live = False
        self.warnings: list[str] = []
        self._layout = read_layout(self.path, time)
        if self._layout.words:
            names = ", ".join(self._layout.names[i] for i in self._layout.words)
            self.warnings.append(f"{names} of {self.path} hold words and no numbers: left out.")
        self._position = 0
        self._strange = 0
        self._limits = limits_beside(self.path)

    def metrics(self) -> dict[str, MetricInfo]:
        layout = self._layout
        return {
            layout.names[i]: MetricInfo(
                layout.names[i], layout.units[i], self._limits.get(layout.names[i])
            )
            for i in layout.columns
        }

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        waiting = events_beside(self.path)
        self._position = _body(self.path, self._layout)
        if backwards := self._backwards():
            self.warnings.append(f"{self.path} is written newest first: read from its end.")
        read = self._from_end(since) if backwards else self._read(since, ended=True)
        for block in read:
            while waiting and waiting[0].time <= block.times[-1]:
                yield waiting.pop(0)
            yield block
        yield from waiting
        if self._strange:
            self.warnings.append(
                f"{self._strange} lines of {self.path} could not be understood: left out."
            )
            self._strange = 0

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        if not self._position:
            self._position = self.path.stat().st_size
        while not stop.is_set():
            if self.path.stat().st_size < self._position:  # begun anew
                self._position = _body(self.path, self._layout)
            yield from self._read(None, ended=False)
            stop.wait(POLL_SECONDS)

    def close(self) -> None:
        """The file is only open while it is read."""

    def _read(self, since: Mapping[str, float] | None, *, ended: bool) -> Iterator[Samples]:
        """From where it was left to the last whole line; where the file has ended, the last line
        may lack its end."""
        known = self._known(since)
        with self.path.open("rb") as file:
            file.seek(self._position)
            left = b""
            while chunk := file.read(CHUNK):
                whole, mark, left = (left + chunk).rpartition(b"\n")
                if mark:
                    self._position += len(whole) + 1
                    yield from self._blocks(whole + mark, since, known)
            if left and ended:
                self._position += len(left)
                yield from self._blocks(left, since, known)

    def _backwards(self) -> bool:
        """Whether the times of the first lines fall."""
        with self.path.open("rb") as file:
            file.seek(self._position)
            lines = file.read(HEAD)
        times, _, _ = numbers(lines[: lines.rfind(b"\n") + 1], self._layout)
        steps = np.diff(times[np.isfinite(times)])
        return bool(np.sum(steps < 0) > 2 + 9 * np.sum(steps > 0))

    def _from_end(self, since: Mapping[str, float] | None) -> Iterator[Samples]:
        """All lines, the last ones first."""
        known = self._known(since)
        first, self._position = self._position, self.path.stat().st_size
        end, left = self._position, b""
        with self.path.open("rb") as file:
            while end > first:
                start = max(first, end - CHUNK)
                file.seek(start)
                text, end = file.read(end - start) + left, start
                left = b""
                if start > first:
                    left, _, text = text.partition(b"\n")  # the end of a line before
                lines = text.splitlines()
                yield from self._blocks(b"\n".join([*reversed(lines), b""]), since, known)

    def _known(self, since: Mapping[str, float] | None) -> float:
        """The time up to which all metrics are known already."""
        return min(since.values()) if since and set(since) >= set(self.metrics()) else -np.inf

    def _blocks(
        self, lines: bytes, since: Mapping[str, float] | None, known: float
    ) -> Iterator[Samples]:
        layout = self._layout
        times, values, strange = numbers(lines, layout)
        self._strange += strange
        if len(times) and times.max() <= known:
            return
        single = len(layout.columns) == 1
        for start, end in _windows(times, np.inf if single else WINDOW):
            for column, i in enumerate(layout.columns):
                block, at = values[start:end, column], times[start:end]
                empty = block == EMPTY
                if empty.any():
                    block = np.where(empty, np.nan, block)
                    if not single:
                        block, at = block[~empty], at[~empty]
                samples = Samples.of(layout.names[i], at, block, layout.units[i])
                samples = later(in_order(samples), since)
                if len(samples):
                    yield samples


def _windows(times: Times, window: float) -> Iterator[tuple[int, int]]:
    """Rows that go through together: at most BLOCK of them and at most ``window`` s."""
    start = 0
    while start < len(times):
        over = times[start : start + BLOCK] >= times[start] + window
        end = start + int(np.argmax(over)) if over.any() else min(start + BLOCK, len(times))
        yield start, end
        start = end


def _body(path: Path, layout: Layout) -> int:
    """Where the lines below the header begin, in bytes."""
    with path.open("rb") as file:
        while layout.headed and (line := file.readline()):
            if line.strip() and not line.startswith(b"#"):
                return file.tell()
    return 0


def read_layout(path: Path, time: str | None = None) -> Layout:
    """How the table in a file is written, or an error that says what was expected."""
    layout = sniff(path, time)
    if layout is None:
        raise InputError(
            f"{path} holds no table of times and values that can be told. Expected a header such "
            f"as time,value and below it a time (ISO-8601 or unix seconds) and a number in each "
            f"line; or name the column of times with ?time=NAME behind the file."
        )
    return layout


def sniff(path: Path, time: str | None = None) -> Layout | None:
    """The layout, or None where the file is no such table."""
    try:
        with path.open("rb") as file:
            head = file.read(1 << 16)
            whole = len(head) < 1 << 16
    except OSError as error:
        raise InputError(
            f"{path} cannot be read ({error.strerror or error}). Expected a file that you may "
            f"read; check its name and ask for the right to it."
        ) from error
    if b"\0" in head:
        return None
    text = head.decode("utf-8-sig", "replace")
    lines = text.splitlines() if whole else text.splitlines()[:-1]
    return layout_of(lines[:40], time)


def limits_beside(path: Path) -> dict[str, Limits]:
    """Limits from ``FILE.limits.yaml``; none where there is no such file."""
    beside = path.with_name(path.name + ".limits.yaml")
    if not beside.is_file():
        return {}
    import yaml

    try:
        said = yaml.safe_load(beside.read_text("utf-8")) or {}
        return {
            str(name): Limits(float(given.get("low", -np.inf)), float(given.get("high", np.inf)))
            for name, given in said.items()
        }
    except (yaml.YAMLError, AttributeError, TypeError, ValueError) as error:
        raise InputError(
            f"{beside} cannot be understood ({error}). Expected a line NAME: {{low: A, high: B}} "
            f"for each metric; mend it or take it away."
        ) from error


def events_beside(path: Path) -> list[LoggedEvent]:
    """The log book from ``FILE.events.csv``, in order; empty where there is none."""
    beside = path.with_name(path.name + ".events.csv")
    if not beside.is_file():
        return []
    found = []
    with beside.open(newline="", encoding="utf-8") as file:
        for row in csv.DictReader(file):
            time = parse_time(row.get("time") or "")
            if time is not None:
                found.append(LoggedEvent(time, row.get("kind") or "", row.get("text") or ""))
    return sorted(found, key=lambda e: e.time)
