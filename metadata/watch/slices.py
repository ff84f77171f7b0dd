"""Histories of several sources beside each other, cut at times."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

import numpy as np

from metadata.series import LoggedEvent, Samples, Times

MOST = 2_000_000  # samples that wait for the other metrics of a source
Entry = Samples | LoggedEvent


@dataclass
class Slice:
    """All that arrived up to a time; ``keys`` are the times by which samples are ordered: where a
    clock was set back, the latest time before it."""

    blocks: list[Samples] = field(default_factory=list)
    keys: list[Times] = field(default_factory=list)
    events: list[LoggedEvent] = field(default_factory=list)

    def __len__(self) -> int:
        return sum(map(len, self.blocks))


def slices(histories: Sequence[tuple[Iterator[Entry], int]]) -> Iterator[tuple[Slice, ...]]:
    """Cuts histories at common times; each yield holds a slice for each of them, in their order.

    A history is the blocks of a source and the number of metrics it is known to have. Blocks of
    several metrics come in rounds: when a metric comes again after another one, all have been
    given up to the least time that any of them reached in the round.

    >>> def blocks(name, *times):
    ...     return Samples.of(name, np.array(times), np.zeros(len(times)))
    >>> one = iter([blocks("a", 0.0, 1.0), blocks("b", 0.5), blocks("a", 2.0), blocks("b", 2.0)])
    >>> two = iter([blocks("c", 1.5, 3.0)])
    >>> for cut in slices([(one, 2), (two, 1)]):
    ...     [[b.times.tolist() for b in s.blocks] for s in cut]
    [[[0.0], [0.5]], []]
    [[[1.0, 2.0], [2.0]], [[1.5, 3.0]]]
    """
    streams = [_Stream(entries, metrics) for entries, metrics in histories]
    done = -np.inf
    while any(not s.ended for s in streams):
        min((s for s in streams if not s.ended), key=lambda s: s.frontier).pull()
        horizon = min((s.frontier for s in streams if not s.ended), default=np.inf)
        if horizon > done:
            done = horizon
            cut = tuple(s.until(horizon) for s in streams)
            if any(s.blocks or s.events for s in cut):
                yield cut


class _Stream:
    """One history that is read ahead as far as needed."""

    def __init__(self, entries: Iterator[Entry], metrics: int) -> None:
        self._entries, self._metrics = entries, metrics
        self._blocks: list[tuple[Samples, Times]] = []
        self._events: list[LoggedEvent] = []
        self._latest: dict[str, float] = {}
        self._round: dict[str, float] = {}
        self._last = ""
        self._waiting = 0
        self.frontier = -np.inf
        self.ended = False

    def pull(self) -> None:
        """Read one entry."""
        entry = next(self._entries, None)
        if entry is None:
            self.ended, self.frontier = True, np.inf
        elif isinstance(entry, LoggedEvent):
            self._events.append(entry)
        elif len(entry):
            self._take(entry)

    def _take(self, block: Samples) -> None:
        name = block.metric
        again = name in self._round and (name != self._last or self._metrics <= 1)
        if again or self._waiting > MOST:
            self.frontier = max(self.frontier, min(self._round.values(), default=-np.inf))
            self._round = {}
        before = self._latest.get(name, -np.inf)
        keys = np.maximum.accumulate(np.concatenate([[before], block.times]))[1:]
        self._latest[name] = self._round[name] = float(keys[-1])
        self._last = name
        self._waiting += len(block)
        self._blocks.append((block, keys))
        if self._metrics <= 1 and len(self._latest) == 1:
            self.frontier = max(self.frontier, self._latest[name])

    def until(self, horizon: float) -> Slice:
        """What is there up to a time, all of it gone from here."""
        found, rest = Slice(), []
        for block, keys in self._blocks:
            stop = int(np.searchsorted(keys, horizon, side="right"))
            if stop:
                found.blocks.append(block[:stop])
                found.keys.append(keys[:stop])
            if stop < len(block):
                rest.append((block[stop:], keys[stop:]))
        self._blocks = rest
        self._waiting = sum(len(block) for block, _ in rest)
        found.events = [e for e in self._events if e.time <= horizon]
        self._events = [e for e in self._events if e.time > horizon]
        joined(found)
        return found


def joined(found: Slice) -> None:
    """One block a metric, as the monitor gives its verdicts."""
    groups: dict[str, list[int]] = {}
    for index, block in enumerate(found.blocks):
        groups.setdefault(block.metric, []).append(index)
    blocks, keys = [], []
    for name, members in groups.items():
        parts = [found.blocks[i] for i in members]
        keys.append(np.concatenate([found.keys[i] for i in members]))
        blocks.append(parts[0] if len(parts) == 1 else Samples(
            name, np.concatenate([p.times for p in parts]),
            np.concatenate([p.values for p in parts]),
            np.concatenate([p.marks for p in parts]), parts[0].unit))  # fmt: skip
    found.blocks, found.keys = blocks, keys


def by_metric(infos: Sequence[Mapping[str, object]]) -> list[str]:
    """Metrics that more than one source has."""
    names = [name for one in infos for name in one]
    return sorted({name for name in names if names.count(name) > 1})
