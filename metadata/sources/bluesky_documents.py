"""Bluesky runs as a source: from files, from a pipe, or as a callback of a running RunEngine."""

from __future__ import annotations

import json
import queue
import sys
import threading
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import IO, Any

import numpy as np

from metadata.errors import InputError
from metadata.series import MetricInfo, Samples
from metadata.sources.bluesky_reader import BlueskyReader
from metadata.sources.order import in_order
from metadata.sources.reread import RereadFile
from metadata.sources.source import Entry, beside_each_other, later

NAMES = ("start", "descriptor", "event", "event_page", "bulk_events", "stop", "resource", "datum",
         "datum_page", "stream_resource", "stream_datum")  # fmt: skip
POLL_SECONDS = 0.2
Document = tuple[str, Mapping[str, Any]]


class BlueskyFile(RereadFile):
    """Runs in a file, or in all ``.json`` and ``.jsonl`` files of a folder: a ``[name, doc]`` a
    line, or one list of them."""

    def __init__(self, path: str | Path) -> None:
        super().__init__(path)
        reader = BlueskyReader()
        for name, document in self._documents():
            if name in ("start", "descriptor"):
                reader.take(name, document)
        if not reader.metrics:
            raise InputError(
                f"{path} holds no Bluesky descriptor with numbers. Expected documents "
                f'["start", {{…}}], ["descriptor", {{…}}], ["event", {{…}}] …, one in each line.'
            )
        self._metrics = reader.metrics

    def metrics(self) -> dict[str, MetricInfo]:
        return dict(self._metrics)

    def _read(self, since: Mapping[str, float]) -> Iterator[Entry]:
        reader = BlueskyReader()
        found: dict[str, list[Samples]] = {}
        for name, document in self._documents():
            for samples in reader.take(name, document):
                found.setdefault(samples.metric, []).append(samples)
        self._metrics.update(reader.metrics)
        if reader.unknown:
            self.warnings.append(
                f"{reader.unknown} events of {self.path} belong to no descriptor: left out."
            )
        blocks = [later(in_order(together(parts)), since) for parts in found.values()]
        yield from beside_each_other([[block] for block in blocks if len(block)])

    def _documents(self) -> Iterator[Document]:
        """Of a folder in the order in which its runs began."""
        if self.path.is_dir():
            files = [f for end in ("json", "jsonl") for f in self.path.glob(f"*.{end}")]
            runs = [list(documents_of(file)) for file in files]
            for run in sorted(runs, key=lambda r: r[0][1].get("time", 0.0) if r else 0.0):
                yield from run
        else:
            yield from documents_of(self.path)


class BlueskyStream:
    """A callback for a RunEngine, and the source of what it was called with::

    stream = BlueskyStream()
    RE.subscribe(stream)
    """

    live = True

    def __init__(self, name: str = "Bluesky documents") -> None:
        self.name = name
        self.warnings: list[str] = []
        self._reader = BlueskyReader()
        self._waiting: queue.SimpleQueue[Samples | None] = queue.SimpleQueue()

    def __call__(self, name: str, document: Mapping[str, Any]) -> None:
        for samples in self._reader.take(name, document):
            self._waiting.put(samples)

    def end(self) -> None:
        """Nothing more will come."""
        self._waiting.put(None)

    def metrics(self) -> dict[str, MetricInfo]:
        return dict(self._reader.metrics)

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        """What has come so far."""
        found: dict[str, list[Samples]] = {}
        ended = False
        while not self._waiting.empty():
            samples = self._waiting.get()
            if samples is None:
                ended = True
                break
            found.setdefault(samples.metric, []).append(samples)
        if ended:
            self._waiting.put(None)
        for parts in found.values():
            block = later(together(parts), since)
            if len(block):
                yield block

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        while not stop.is_set():
            try:
                samples = self._waiting.get(timeout=POLL_SECONDS)
            except queue.Empty:
                continue
            if samples is None:
                return
            yield samples

    def close(self) -> None:
        """Nothing is open."""


class BlueskyPipe(BlueskyStream):
    """Documents that come in on a pipe (standard input), a ``[name, doc]`` a line."""

    def __init__(self, lines: IO[str] | None = None) -> None:
        super().__init__("Bluesky documents on standard input")
        self._lines = sys.stdin if lines is None else lines
        self._started = False

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        if not self._started:
            self._started = True
            threading.Thread(target=self._listen, daemon=True).start()
        yield from super().follow(stop)

    def _listen(self) -> None:
        try:
            for line in self._lines:
                if line.strip():
                    self(*document_of(line, self.name))
        except (InputError, KeyError, TypeError) as error:
            self.warnings.append(str(error))
        finally:
            self.end()


def document_of(line: str, place: str) -> Document:
    """One ``[name, doc]``, or ``{"name": …, "doc": …}``."""
    try:
        found = json.loads(line)
        name, document = (found["name"], found["doc"]) if isinstance(found, dict) else found
    except (ValueError, KeyError, TypeError) as error:
        raise InputError(
            f'{place} has a line that is no Bluesky document: {line[:60]!r}. Expected ["start", '
            f"{{…}}] or the like in each line."
        ) from error
    return name, document


def documents_of(path: Path) -> Iterator[Document]:
    """The documents of a file, a line at a time, or all at once where they are one list; a last
    line that is being written is left."""
    with path.open(encoding="utf-8") as file:
        first = file.readline()
        try:
            whole = json.loads(first)
        except ValueError:
            whole = None
        if not (isinstance(whole, list) and whole and whole[0] in NAMES) and not isinstance(
            whole, dict
        ):
            try:
                pairs = json.loads(first + file.read())
            except ValueError as error:
                raise InputError(
                    f"{path} holds no Bluesky documents ({error}). Expected a line "
                    f'["start", {{…}}] or the like for each document.'
                ) from error
            yield from ((name, document) for name, document in pairs)
            return
        line = first
        while line:
            if line.strip() and line.endswith(("]", "}", "\n")):
                yield document_of(line, str(path))
            line = file.readline()


def is_bluesky(head: str) -> bool:
    """Whether the beginning of a file is that of Bluesky documents."""
    text = "".join(head.split())[:40]
    return any(
        text.startswith((f'["{name}",{{', f'[["{name}",{{', f'{{"name":"{name}"')) for name in NAMES
    )


def together(parts: Iterable[Samples]) -> Samples:
    """Pieces of one metric as one block."""
    parts = list(parts)
    return Samples(
        parts[0].metric,
        np.concatenate([p.times for p in parts]),
        np.concatenate([p.values for p in parts]),
        np.concatenate([p.marks for p in parts]),
        parts[0].unit,
    )
