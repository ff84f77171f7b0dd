"""What the tests of sources share: all that a source gives, by metric."""

from __future__ import annotations

import threading
import time
from collections.abc import Callable, Iterable, Iterator

import numpy as np

from metadata.series import LoggedEvent, Samples
from metadata.sources.source import BLOCK, Entry, Source


def joined(entries: Iterable[Entry]) -> dict[str, Samples]:
    """All samples of each metric; no block may be empty or too long."""
    blocks: dict[str, list[Samples]] = {}
    for entry in entries:
        if isinstance(entry, Samples):
            assert 0 < len(entry) <= BLOCK
            blocks.setdefault(entry.metric, []).append(entry)
    return {
        name: Samples(name, *(np.concatenate([getattr(p, k) for p in parts])
                              for k in ("times", "values", "marks")), parts[0].unit)
        for name, parts in blocks.items()
    }  # fmt: skip


def events(entries: Iterable[Entry]) -> list[LoggedEvent]:
    return [entry for entry in entries if isinstance(entry, LoggedEvent)]


class Following:
    """A source that is followed on a thread of its own."""

    def __init__(self, source: Source) -> None:
        self.stop = threading.Event()
        self.entries: list[Entry] = []
        self._thread = threading.Thread(target=self._run, args=(source.follow(self.stop),))
        self._thread.start()

    def _run(self, coming: Iterator[Entry]) -> None:
        for entry in coming:
            self.entries.append(entry)

    def until(self, done: Callable[[dict[str, Samples]], bool], seconds: float = 20.0) -> None:
        """Wait until what has come is enough."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if done(joined(list(self.entries))):
                return
            time.sleep(0.02)
        raise AssertionError(f"this came: {joined(list(self.entries))}")

    def __enter__(self) -> Following:
        return self

    def __exit__(self, *error: object) -> None:
        self.stop.set()
        self._thread.join(20)

    def finish(self) -> dict[str, Samples]:
        """Stop it, and all that has come."""
        self.stop.set()
        self._thread.join(20)
        assert not self._thread.is_alive()
        return joined(self.entries)
