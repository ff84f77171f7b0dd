"""What a run has done so far, line by line, so that a killed one goes on where it was."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from toolbox.execution.result import sync

SYNC_SECONDS = 5.0


@dataclass
class Journal:
    """JSON lines appended to a file; safe from threads.

    A line outlives the process at once. It outlives the machine after the next :meth:`settle`,
    which first brings the written values to disk; after a restart of the machine, lines about
    slabs after the last settling do not count.
    """

    path: Path
    lines: list[dict[str, Any]] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)
    _settled: float = field(default_factory=time.monotonic)

    @classmethod
    def load(cls, path: Path) -> Journal:
        """The lines that count."""
        lines: list[dict[str, Any]] = []
        whole = 0
        for text in path.read_bytes().splitlines(keepends=True):
            try:
                lines.append(json.loads(text))
            except ValueError:
                break  # the line in work when the run was killed
            if not text.endswith(b"\n"):
                lines.pop()
                break
            whole += len(text)
        with path.open("r+b") as file:
            file.truncate(whole)
        return cls(path, _surviving(lines))

    def add(self, what: str, **fields: Any) -> None:
        """Note a line; it reaches the disk with the next :meth:`settle`."""
        line = {"what": what, **fields}
        with self._lock:
            self.lines.append(line)
            with self.path.open("ab") as file:
                file.write(json.dumps(line).encode() + b"\n")

    def find(self, what: str) -> list[dict[str, Any]]:
        """All lines of one kind, in order."""
        with self._lock:
            return [line for line in self.lines if line["what"] == what]

    def settle(self, written: Iterable[Path], now: bool = False) -> None:
        """Bring values and lines to disk, unless that was done a moment ago."""
        with self._lock:
            if not now and time.monotonic() - self._settled < SYNC_SECONDS:
                return
            self._settled = time.monotonic()
        count = len(self.lines)
        for path in set(written):
            if path.exists():
                sync(path)
        self.add("settled", lines=count, boot=boot())
        sync(self.path)


def boot() -> str:
    """Changes when the machine restarts."""
    try:
        return Path("/proc/sys/kernel/random/boot_id").read_text().strip()
    except OSError:
        return "unknown"


def _surviving(lines: list[dict[str, Any]]) -> list[dict[str, Any]]:
    begun = [line["boot"] for line in lines if line["what"] in ("begin", "settled")]
    if not begun or begun[-1] == boot():
        return lines
    safe = max((line["lines"] for line in lines if line["what"] == "settled"), default=0)
    return [line for at, line in enumerate(lines) if at < safe or line["what"] != "slab"]
