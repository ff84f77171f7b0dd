"""Small files that grow are read again when they have changed."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from metadata.series import Samples
from metadata.sources.source import Entry

POLL_SECONDS = 1.0


def follow_file(
    path: Path,
    read: Callable[[Mapping[str, float]], Iterator[Entry]],
    known: dict[str, float],
    stop: threading.Event,
) -> Iterator[Entry]:
    """What ``read(known)`` gives each time the file has changed; ``known`` is kept up to date."""
    seen = None
    while not stop.is_set():
        try:
            now = path.stat()
        except OSError:
            stop.wait(POLL_SECONDS)
            continue
        if (now.st_size, now.st_mtime_ns) != seen:
            seen = now.st_size, now.st_mtime_ns
            for entry in read(known):
                remember(entry, known)
                yield entry
        stop.wait(POLL_SECONDS)


def remember(entry: Entry, known: dict[str, float]) -> None:
    """Note the latest time of a metric."""
    if isinstance(entry, Samples) and len(entry):
        latest = float(entry.times.max())
        known[entry.metric] = max(latest, known.get(entry.metric, latest))
