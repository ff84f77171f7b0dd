"""Watches the resident memory of this process."""

from __future__ import annotations

import threading
from typing import Self

MEMORY_SHARE = 0.6  # of what is available, where no budget is given


class ResidentMemory:
    """The highest resident memory between entering and leaving, looked at 50 times a second."""

    def __init__(self) -> None:
        self.base = self.peak = resident_bytes()
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._watch, name="resident", daemon=True)

    def _watch(self) -> None:
        while not self._stop.wait(0.02):
            self.peak = max(self.peak, resident_bytes())

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._stop.set()
        self._thread.join()
        self.peak = max(self.peak, resident_bytes())


def resident_bytes() -> int:
    """Resident memory of this process now."""
    import psutil

    return int(psutil.Process().memory_info().rss)


def spare_bytes() -> float:
    """What this process may take beside what it holds, where no budget is given."""
    import psutil

    return MEMORY_SHARE * float(psutil.virtual_memory().available)
