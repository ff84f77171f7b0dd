"""What the monitor says of a history, fed day by day as it would arrive."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import fields, replace
from functools import partial
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.monitor import Monitor
from metadata.drift.settings import MonitorSettings
from metadata.drift.verdicts import ALARM, GAP, WARNING, Verdicts
from metadata.series import LoggedEvent, Samples
from planner.benchmarks.drift.case import DAY, Case, last_before


def watch(
    case: Case,
    *,
    log_book: bool = True,
    settings: MonitorSettings | None = None,
    moment: float = np.inf,
    look: Callable[[Monitor], None] | None = None,
) -> dict[str, Verdicts]:
    """Everything said of each metric, with the log book's entries as they were made; ``look`` is
    handed the monitor as it is at a ``moment`` (unix s)."""
    monitor = Monitor(case.metrics, settings or MonitorSettings())
    said: dict[str, list[Verdicts]] = {name: [] for name in case.samples}
    reached = None if look is None else partial(look, monitor)
    book = case.events if log_book else ()
    for blocks, events in days(case.samples, book, moment=moment, reached=reached):
        for verdicts in monitor.update(blocks, events):
            said[verdicts.metric].append(verdicts)
    return {name: joined(parts) for name, parts in said.items() if parts}


def days(
    samples: Mapping[str, Samples],
    events: Sequence[LoggedEvent],
    step: float = DAY,
    moment: float = np.inf,
    reached: Callable[[], None] | None = None,
) -> Iterator[tuple[list[Samples], list[LoggedEvent]]]:
    """The records in steps of so many seconds, each with what the log book said until its end;
    ``reached`` is called once all before a ``moment`` (unix s) was worked on."""
    # A clock that jumps back does not reorder what arrives.
    when = {name: np.maximum.accumulate(record.times) for name, record in samples.items()}
    held = {name: times for name, times in when.items() if len(times)}
    if not held:
        return
    first = min(float(times[0]) for times in held.values())
    last = max(float(times[-1]) for times in held.values())
    told = 0
    book = sorted(events, key=lambda event: event.time)
    edges = first + step * np.arange(int((last - first) // step) + 2)
    if first < moment < last:
        edges = np.union1d(edges, [moment])
    for start, stop in pairwise(edges):
        blocks = []
        for name, times in held.items():
            low, high = np.searchsorted(times, [start, stop])
            if high > low:
                blocks.append(samples[name][int(low) : int(high)])
        until = told
        while until < len(book) and book[until].time < stop:
            until += 1
        yield blocks, book[told:until]
        told = until
        if stop == moment and reached is not None:
            reached()  # what was yielded has been worked on


def joined(parts: Sequence[Verdicts]) -> Verdicts:
    """Verdicts of one metric, one block after the other."""
    if len(parts) == 1:
        return parts[0]
    offsets = np.cumsum([0, *(len(part.causes) for part in parts[:-1])])
    arrays: dict[str, Any] = {
        f.name: np.concatenate([getattr(part, f.name) for part in parts])
        for f in fields(Verdicts)
        if f.name not in ("metric", "causes", "unit", "cause_rows")
    }
    rows = np.concatenate([
        np.where(part.cause_rows >= 0, part.cause_rows + offset, -1)
        for part, offset in zip(parts, offsets, strict=True)
    ])  # fmt: skip
    causes = tuple(cause for part in parts for cause in part.causes)
    return replace(parts[0], cause_rows=rows, causes=causes, **arrays)


def warned(verdicts: Verdicts) -> NDArray[np.bool_]:
    """Whether a warning (or the alarm) stood at each sample."""
    return (verdicts.codes == WARNING) | (verdicts.codes == ALARM)


def place(verdicts: Verdicts, moment: float) -> int | None:
    """The row of the last verdict on a reading at or before a moment."""
    read = np.flatnonzero(verdicts.codes != GAP)
    at = last_before(verdicts.times[read], moment)
    return None if at is None else int(read[at])


def days_left(verdicts: Verdicts, row: int) -> tuple[float, float, float] | None:
    """Days to the limit said in a row, with the interval."""
    if not np.isfinite(verdicts.seconds[row]):
        return None
    value, low, high = (float(v[row]) / DAY for v in (verdicts.seconds, verdicts.lows,
                                                      verdicts.highs))  # fmt: skip
    return value, low, high
