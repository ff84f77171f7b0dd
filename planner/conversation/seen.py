"""What was seen of a scan, kept while its file stays as it is."""

from __future__ import annotations

from collections import OrderedDict
from pathlib import Path
from typing import TYPE_CHECKING

from planner.inspection import Inspection, inspect_scan

if TYPE_CHECKING:
    from metadata import Scan

KEPT = 8
Key = tuple[Path, int, int]


class Seen:
    """Inspections by path, time of change and size, so that a follow-up need not look again.

    One is for one way of reading files (``reading`` of :func:`planner.service.plan`).
    """

    def __init__(self) -> None:
        self._known: OrderedDict[Key, Inspection] = OrderedDict()

    def __call__(self, scan: Scan) -> Inspection:
        """What a scan shows; looked at only where it was not, or has changed since."""
        key = self._key(scan.info.path)
        if key is None:
            return inspect_scan(scan)
        if key not in self._known:
            self._known[key] = inspect_scan(scan)
            while len(self._known) > KEPT:
                self._known.popitem(last=False)
        self._known.move_to_end(key)
        return self._known[key]

    def _key(self, path: Path) -> Key | None:
        try:
            told = path.stat()
        except OSError:
            return None
        # Of a folder of pictures the time says nothing of the pictures' own.
        return (path, told.st_mtime_ns, told.st_size) if path.is_file() else None
