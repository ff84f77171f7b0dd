"""Small files that grow are read again when they have changed."""

from __future__ import annotations

import threading
from abc import ABC, abstractmethod
from collections.abc import Iterator, Mapping
from pathlib import Path

from metadata.series import Samples
from metadata.sources.source import Entry

POLL_SECONDS = 1.0


class RereadFile(ABC):
    """A file, or a folder of them, that is only open while it is read; what has come is told by
    the latest time of each metric. Heirs read it, and say its metrics."""

    live = False

    def __init__(self, path: str | Path) -> None:
        self.path = Path(path)
        self.name = str(path)
        self.warnings: list[str] = []
        self._known: dict[str, float] = {}

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        return self._noted(since or {})

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        seen = None
        while not stop.is_set():
            try:
                now = self.path.stat()
            except OSError:
                stop.wait(POLL_SECONDS)
                continue
            if (now.st_size, now.st_mtime_ns) != seen:
                seen = now.st_size, now.st_mtime_ns
                yield from self._noted(self._known)
            stop.wait(POLL_SECONDS)

    def close(self) -> None:  # noqa: B027 (there is nothing to do, for any heir)
        """The file is only open while it is read."""

    @abstractmethod
    def _read(self, since: Mapping[str, float]) -> Iterator[Entry]:
        """All that is later than ``since``."""

    def _noted(self, since: Mapping[str, float]) -> Iterator[Entry]:
        for entry in self._read(since):
            remember(entry, self._known)
            yield entry


def remember(entry: Entry, known: dict[str, float]) -> None:
    """Note the latest time of a metric."""
    if isinstance(entry, Samples) and len(entry):
        latest = float(entry.times.max())
        known[entry.metric] = max(latest, known.get(entry.metric, latest))
