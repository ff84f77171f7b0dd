"""Readings that arrive one by one from other threads, handed on in blocks."""

from __future__ import annotations

import queue
import threading
import time
from collections.abc import Iterator

import numpy as np

from metadata.series import Mark, Samples

EPICS_EPOCH = 631152000.0  # 1990: what a clock shows that was never set
AHEAD = 3600.0  # s by which a clock may be before ours
Update = tuple[str, float, float, Mark, str]


class Updates:
    """A queue of readings; ``every`` s what has come is handed on, a block a metric."""

    def __init__(self, every: float = 1.0) -> None:
        self.every = every
        self._queue: queue.SimpleQueue[Update] = queue.SimpleQueue()
        self._last: dict[str, float] = {}

    def put(self, metric: str, time: float, value: float, mark: Mark, unit: str = "") -> None:
        """Safe from any thread."""
        self._queue.put((metric, time, value, mark, unit))

    def read(self, metric: str, stamp: float, value: float, severity: int, unit: str = "") -> None:
        """A reading of an EPICS channel with its time stamp and severity."""
        now = time.time()
        wrong = stamp < EPICS_EPOCH + 86400 or stamp > now + AHEAD
        mark = Mark.GOOD
        if severity >= 3 or not np.isfinite(value):
            mark = Mark.INVALID
        elif wrong:
            mark = Mark.MISTIMED
        self._last[metric] = value
        self.put(metric, now if wrong else stamp, value, mark, unit)

    def lost(self, metric: str) -> None:
        """The connection is gone: the last value stands, and is no reading."""
        self.put(metric, time.time(), self._last.get(metric, np.nan), Mark.DISCONNECTED)

    def drain(self) -> list[Samples]:
        """All that has come since."""
        found: dict[str, list[Update]] = {}
        while True:
            try:
                update = self._queue.get_nowait()
            except queue.Empty:
                break
            found.setdefault(update[0], []).append(update)
        return [
            Samples(name, np.array([u[1] for u in updates]), np.array([u[2] for u in updates]),
                    np.array([u[3] for u in updates], np.uint8), updates[-1][4])
            for name, updates in found.items()
        ]  # fmt: skip

    def follow(self, stop: threading.Event) -> Iterator[Samples]:
        """Blocks until ``stop``."""
        while not stop.is_set():
            yield from self.drain()
            stop.wait(self.every)
        yield from self.drain()
