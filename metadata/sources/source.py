"""What every source of series can do, and how its metrics are laid beside each other in time."""

from __future__ import annotations

import threading
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Protocol, runtime_checkable

import numpy as np

from metadata.series import LoggedEvent, MetricInfo, Samples

BLOCK = 65536  # samples at most in one block
WINDOW = 86400.0  # s that the blocks of several metrics go over before the next ones come
Entry = Samples | LoggedEvent


@runtime_checkable
class Source(Protocol):
    """Where series come from: a file, a folder, an archive, a running instrument.

    ``name``: what was opened, as people would say it. ``live``: it has no end of its own, so that
    one goes on with :meth:`follow` after its history. ``warnings``: what was repaired or left out
    so far, one sentence each.
    """

    @property
    def name(self) -> str: ...

    @property
    def live(self) -> bool: ...

    @property
    def warnings(self) -> Sequence[str]: ...

    def metrics(self) -> dict[str, MetricInfo]:
        """What is known of each metric; a source that goes on may come to know more of them."""
        ...

    def history(self, since: Mapping[str, float] | None = None) -> Iterator[Entry]:
        """What is there already: blocks of at most :data:`BLOCK` samples, those of several metrics
        beside each other in time. Of a metric in ``since`` only what is later than its time."""
        ...

    def follow(self, stop: threading.Event) -> Iterator[Entry]:
        """What comes from now on (after the history that was read, where one was), until ``stop``
        is set; ends by itself where nothing more can come."""
        ...

    def close(self) -> None:
        """Let go of files and connections."""
        ...


def later(samples: Samples, since: Mapping[str, float] | None) -> Samples:
    """The samples that are later than what is known of their metric already.

    >>> block = Samples.of("axis", np.array([1.0, 2.0, 3.0]), np.zeros(3))
    >>> later(block, {"axis": 2.0}).times.tolist()
    [3.0]
    """
    known = (since or {}).get(samples.metric)
    return samples if known is None else samples[samples.times > known]


def pieces(samples: Samples, size: int = BLOCK) -> Iterator[Samples]:
    """The same samples in blocks of at most ``size``; none where there are none."""
    for start in range(0, len(samples), size):
        yield samples[start : start + size]


def beside_each_other(
    streams: Sequence[Iterable[Samples]],
    events: Iterable[LoggedEvent] = (),
    window: float = WINDOW,
) -> Iterator[Entry]:
    """Streams of one metric each, cut into windows of time that all go through together; events
    come before the samples of their window. One stream alone is not cut.

    >>> def ten(name):
    ...     return [Samples.of(name, np.arange(10.0), np.zeros(10))]
    >>> [(b.metric, len(b)) for b in beside_each_other([ten("a"), ten("b")], window=6)]
    [('a', 6), ('b', 6), ('a', 4), ('b', 4)]
    """
    waiting = sorted(events, key=lambda e: e.time)
    readers = [_Reader(iter(stream)) for stream in streams]
    while readers := [reader for reader in readers if reader.fill()]:
        end = min(r.block.times[0] for r in readers) + window
        if len(readers) == 1:
            end = max(end, np.nextafter(readers[0].block.times.max(), np.inf))
        while waiting and waiting[0].time < end:
            yield waiting.pop(0)
        for reader in readers:
            for block in reader.until(end):
                yield from pieces(block)
    yield from waiting


class _Reader:
    """A stream of one metric that is read up to a time."""

    def __init__(self, blocks: Iterator[Samples]) -> None:
        self._blocks = blocks
        self.block = Samples.of("", np.empty(0), np.empty(0))

    def fill(self) -> bool:
        """Whether there is more."""
        while not len(self.block):
            found = next(self._blocks, None)
            if found is None:
                return False
            self.block = found
        return True

    def until(self, end: float) -> Iterator[Samples]:
        """What is earlier than ``end``: in the order of arrival, up to the first that is not."""
        while self.fill():
            over = self.block.times >= end
            stop = int(np.argmax(over)) if over.any() else len(self.block)
            if stop:
                yield self.block[:stop]
            self.block = self.block[stop:]
            if len(self.block):
                return
