"""What the watches have said of the instrument at the time of a scan."""

from __future__ import annotations

import json
import sqlite3
import time
from collections.abc import Mapping
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from metadata.drift.verdict import State
from metadata.scan_info import ScanInfo
from metadata.sources.timestamps import parse_time
from metadata.store_file import default_store_path

TRUSTED = 86400.0  # s before a scan at which a watch may have ended and still be believed
SEVERITY = (State.GAP, State.QUIET, State.MOVING, State.WARNING, State.ALARM)
LAST = """
SELECT c.document FROM watch_changes c JOIN watches w USING (key)
WHERE w.seen >= ?1 - ?3 AND c.time <= ?2 AND (c.time >= ?1 OR c.time = (
    SELECT MAX(b.time) FROM watch_changes b
    WHERE b.key = c.key AND b.metric = c.metric AND b.time <= ?1))
ORDER BY c.time
"""


@dataclass(frozen=True)
class Remark:
    """The worst that was said of a metric during a scan: the change of state, ``since`` when (unix
    s), with the value and the limit in the metric's own unit and the seconds to the limit then."""

    metric: str
    state: State
    since: float
    value: float | None
    limit: float | None
    seconds_to_limit: float | None

    @classmethod
    def from_json(cls, verdict: Mapping[str, Any]) -> Remark:
        left = verdict["seconds_to_limit"]
        return cls(verdict["metric"], State(verdict["state"]), verdict["time"], verdict["value"],
                   verdict["limit"], left["value"] if left else None)  # fmt: skip


def remarks_during(start: float, stop: float, store: Path | None = None) -> tuple[Remark, ...]:
    """The worst state of each metric between two times (unix s), the worst metrics first; quiet
    ones and gaps left out.

    Nothing where no store is there, no watch has run, or none had judged up to within a day before
    ``start``: nothing is made or changed by asking.
    """
    path = store if store is not None else default_store_path()
    if not path.is_file():
        return ()
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            rows = connection.execute(LAST, (start, max(start, stop), TRUSTED)).fetchall()
    except sqlite3.Error:  # no table: nothing was ever watched
        return ()
    worst: dict[str, Remark] = {}
    for (document,) in rows:
        remark = Remark.from_json(json.loads(document))
        before = worst.get(remark.metric)
        if before is None or _rank(remark) >= _rank(before):
            worst[remark.metric] = remark
    told = [r for r in worst.values() if _rank(r) >= SEVERITY.index(State.MOVING)]
    return tuple(sorted(told, key=lambda r: (-_rank(r), r.metric)))


def remarks_on(info: ScanInfo, store: Path | None = None) -> tuple[Remark, ...]:
    """What was said during a scan; of a scan that has no time, what is said now."""
    start = parse_time(info.start_time) if info.start_time else None
    if start is None:
        now = time.time()
        return remarks_during(now, now, store)
    stop = parse_time(info.end_time) if info.end_time else None
    return remarks_during(start, stop if stop is not None else start, store)


def _rank(remark: Remark) -> int:
    return SEVERITY.index(remark.state)
