"""The watch itself: sources in, the monitor's verdicts out, and everything kept as it goes."""

from __future__ import annotations

import logging
import queue
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.drift.settings import MonitorSettings
from metadata.series import LoggedEvent, MetricInfo, Samples
from metadata.sources.source import Source
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.bookmark import Bookmark, Entry
from metadata.watch.judged import Judged, Listener
from metadata.watch.ledger import Ledger, Step, frozen, thawed
from metadata.watch.limit_book import LimitBook
from metadata.watch.line_output import LineOutput, pieces
from metadata.watch.notice import Attention, Notice, NoticeKind
from metadata.watch.slices import Slice, joined, slices
from metadata.watch.voice import Voice

log = logging.getLogger("tomoplan.watch")
SHARE = 10.0  # a step is kept when the work since the last is so many times what keeping costs
IDLE_SECONDS = 30.0  # and at least so often while nothing is said
TICK_SECONDS = 0.5  # what arrives meanwhile is judged together


@dataclass
class Outlets:
    """Where words go: lines to ``out``, notices to ``log`` (a file, ``log_name``) and through
    ``notify`` (after they are kept)."""

    out: LineOutput | None = None
    log: LineOutput | None = None
    log_name: str = "log"
    notify: Callable[[Sequence[tuple[Notice, str]]], None] = lambda notices: None

    def sizes(self) -> dict[str, int]:
        """Bytes of those that are files, by name."""
        named = {"out": self.out, self.log_name: self.log}
        found = {name: one.size for name, one in named.items() if one is not None}
        return {name: size for name, size in found.items() if size is not None}


class Watch:
    """Judges the history of its sources and, if asked, what comes after it.

    ``key`` names it in the ledger. What the monitor knows, how far each source was read, and the
    words that were said are one transaction of the ledger; a watch of the same key that is made
    after a kill goes on as if nothing had happened (``fresh``: it does not).

    Raises InputError where the limits do not fit the metrics.
    """

    def __init__(
        self, sources: Sequence[Source], ledger: Ledger, key: str, *,
        limits: LimitBook | None = None, settings: MonitorSettings | None = None,
        voice: Voice | None = None, outlets: Outlets | None = None,
        listeners: Mapping[str, Listener] | None = None, keep_samples: bool = False,
        fresh: bool = False,
    ) -> None:  # fmt: skip
        self.sources, self.ledger, self.key = list(sources), ledger, key
        self.voice, self.outlets = voice or Voice(), outlets or Outlets()
        self.listeners, self.keep_samples = dict(listeners or {}), keep_samples
        self._limits = limits or LimitBook()
        self._names = _names_apart(self.sources)
        live = any(source.live for source in self.sources)
        self.infos = self._limits.applied(self._all_metrics(), more_to_come=live)
        self.monitor = Monitor(self.infos, settings)
        self.attention = Attention()
        self.bookmarks = [Bookmark() for _ in self.sources]
        self.samples, self.seen = 0, -np.inf
        self._latest: dict[str, dict[str, Any]] = {}
        self.kept_sizes: dict[str, int] = {}
        self.resumed = not fresh and self._resume()
        self.ended = False
        self._pending = _Pending()

    def run(self, *, follow: bool = False, stop: threading.Event | None = None) -> None:
        """Judge the history, then (``follow``) what comes, until ``stop`` is set."""
        stop = stop or threading.Event()
        if not self.resumed:
            names = [source.name for source in self.sources]
            self.ledger.begin(self.key, names, self.outlets.sizes())
        else:
            self._utter_rest()
        for cut in self._history():
            self._judge(cut)
            self._keep_when_due()
            if stop.is_set():
                break
        if follow and not stop.is_set():
            self._keep()
            self._follow(stop)
        self._keep()
        self.ended = not follow and not stop.is_set()

    def finish(self) -> None:
        """The last call, after all that is made of a history: where it came to its end, the same
        watch begins anew next time instead of going on."""
        if self.ended:
            self.ledger.finish(self.key)

    # ---- samples ---------------------------------------------------------------------------------

    def _history(self) -> Iterator[tuple[Slice, ...]]:
        return slices(
            [(self._renamed(i, self.bookmarks[i].rest_of(source)), len(source.metrics()))
             for i, source in enumerate(self.sources)]
        )  # fmt: skip

    def _follow(self, stop: threading.Event) -> None:
        arrived: queue.Queue[tuple[int, Entry | Exception | None]] = queue.Queue(maxsize=10000)
        readers = [
            threading.Thread(target=_pump, args=(i, source, stop, arrived), daemon=True,
                             name=f"follow {source.name}")
            for i, source in enumerate(self.sources)
        ]  # fmt: skip
        for reader in readers:
            reader.start()
        running = len(readers)
        try:
            while running and not stop.is_set():
                cuts = [Slice() for _ in self.sources]
                for i, entry in _drained(arrived):
                    if isinstance(entry, Exception):
                        raise entry
                    if entry is None:
                        running -= 1
                        continue
                    for renamed in self._renamed(i, iter([entry])):
                        _put(cuts[i], renamed)
                for cut in cuts:
                    joined(cut)
                self._judge(tuple(cuts))
                self._keep_when_due(live=True)
        finally:
            stop.set()

    def _renamed(self, index: int, entries: Iterator[Entry]) -> Iterator[Entry]:
        names = self._names[index]
        for entry in entries:
            if isinstance(entry, Samples) and entry.metric in names:
                entry = replace(entry, metric=names[entry.metric])
            yield entry

    def _all_metrics(self) -> dict[str, MetricInfo]:
        found = {}
        for source, names in zip(self.sources, self._names, strict=True):
            for name, info in source.metrics().items():
                told = names.get(name, name)
                found[told] = replace(info, name=told, source=source.name)
        return found

    # ---- verdicts --------------------------------------------------------------------------------

    def _judge(self, cuts: tuple[Slice, ...]) -> None:
        for cut, bookmark in zip(cuts, self.bookmarks, strict=True):
            for event in cut.events:
                bookmark.took(event)
            for block in cut.blocks:
                bookmark.took(block)
        blocks = [block for cut in cuts for block in cut.blocks]
        events = sorted((e for cut in cuts for e in cut.events), key=lambda e: e.time)
        if not blocks and not events:
            return
        for block in blocks:
            self._know(block)
        verdicts = list(self.monitor.update(blocks, events))
        ordered = {b.metric: key for cut in cuts
                   for b, key in zip(cut.blocks, cut.keys, strict=True)}  # fmt: skip
        keys = [ordered[told.metric] for told in verdicts]
        said = [notice for block in verdicts for notice in self.attention.notices(block)]
        said.sort(key=lambda n: n.verdict.time)
        judged = Judged(verdicts, keys, events, self._unhidden(said))
        for told in verdicts:
            if told.metric in self.attention.problems:
                self._latest[told.metric] = told.one(len(told) - 1).to_json()
        self.samples += sum(map(len, blocks))
        self.seen = max([self.seen, *(float(key[-1]) for key in keys if len(key))])
        for listener in self.listeners.values():
            listener.take(judged)
        self._pending.add(judged, self.voice, blocks if self.keep_samples else ())

    def _know(self, block: Samples) -> None:
        """A metric that a live source brings gets its limits when it first comes."""
        if block.metric in self.infos:
            return
        own = self._all_metrics().get(block.metric, MetricInfo(block.metric, block.unit))
        self._introduce(replace(own, limits=self._limits.limits_of(block.metric, own.limits)))

    def _introduce(self, info: MetricInfo) -> None:
        self.infos[info.name] = info
        self.monitor.add(info)

    def _unhidden(self, notices: Sequence[Notice]) -> list[Notice]:
        """Without the reminders of problems that a person knows of."""
        if not any(n.kind is NoticeKind.STANDING for n in notices):
            return list(notices)
        given, now = self.ledger.acknowledgements(), time.time()
        return [n for n in notices
                if n.kind is not NoticeKind.STANDING or not _covered(n, given, now)]  # fmt: skip

    # ---- keeping ---------------------------------------------------------------------------------

    def _resume(self) -> bool:
        kept = self.ledger.kept(self.key)
        if kept is None or kept.finished:
            return False
        self.kept_sizes = kept.outputs
        if not kept.monitor:  # killed before its first step
            return True
        state = thawed(kept.monitor)
        self.monitor = Monitor.from_state(state["monitor"])
        for name, info in list(self.infos.items()):  # a live source may have brought more
            if name not in self.monitor.followers:
                self._introduce(info)
        self.attention = Attention(kept.problems)
        self.bookmarks = [Bookmark.from_json(one) for one in state["bookmarks"]]
        self.samples, self._latest = state["samples"], state["latest"]
        self.seen = kept.seen if kept.seen is not None else -np.inf
        for name, listener in self.listeners.items():
            listener.resume(state["listeners"][name])
        return True

    def _keep_when_due(self, *, live: bool = False) -> None:
        waited = time.monotonic() - self._pending.since
        if self._pending.lines or self._pending.notices or self._pending.changes or not live:
            if waited > SHARE * self._pending.cost:
                self._keep()
        elif self._pending.touched and waited > max(IDLE_SECONDS, SHARE * self._pending.cost):
            self._keep()

    def _keep(self) -> None:
        began = time.monotonic()
        pending, out = self._pending, self.outlets.out
        state = {
            "monitor": self.monitor.to_state(),
            "bookmarks": [b.to_json() for b in self.bookmarks],
            "samples": self.samples,
            "latest": {n: self._latest[n] for n in self.attention.problems if n in self._latest},
            "listeners": {name: one.to_state() for name, one in self.listeners.items()},
        }
        step = Step(
            positions={n: t for b in self.bookmarks for n, t in b.times.items()},
            monitor=frozen(state), problems=self.attention.problems, latest=self._latest,
            changes=pending.changes, notices=pending.notices, samples=pending.samples,
            seen=self.seen if np.isfinite(self.seen) else None,
        )  # fmt: skip
        lines = "".join(pending.lines)
        told = list(pieces(lines)) if out is not None and not out.remembers else []
        if told and out is not None:
            out.wait()  # a reader that does not read must not keep others from the store
            step = replace(step, words=lines, said=len(told[0]))

        def say() -> dict[str, int]:
            if out is not None and lines and not told:
                out.put(lines)
            if self.outlets.log is not None:
                self.outlets.log.put("".join(pending.logged))
            return self.outlets.sizes()

        self.ledger.write(self.key, [s.name for s in self.sources], step, say)
        self._utter(told)
        notices = pending.notices
        self._pending = _Pending(cost=time.monotonic() - began)
        if notices:
            self.outlets.notify(notices)

    def _utter(self, told: Sequence[str], said: int = 0) -> None:
        """Put out pieces of words, the first of which is kept as said."""
        out = self.outlets.out
        for number, piece in enumerate(told if out is not None else ()):
            assert out is not None
            if number:
                out.wait()
                self.ledger.say(self.key, said + len(piece))
            out.put(piece)
            said += len(piece)

    def _utter_rest(self) -> None:
        """What a watch that was killed had not yet put out."""
        words, said = self.ledger.unsaid(self.key)
        out = self.outlets.out
        if said < len(words) and out is not None and not out.remembers:
            rest = list(pieces(words[said:]))
            out.wait()
            self.ledger.say(self.key, said + len(rest[0]))
            self._utter(rest, said)


class _Pending:
    """What was judged since the last step."""

    def __init__(self, cost: float = 0.0) -> None:
        self.cost, self.since = cost, time.monotonic()
        self.lines: list[str] = []
        self.logged: list[str] = []
        self.changes: list[dict[str, object]] = []
        self.notices: list[tuple[Notice, str]] = []
        self.samples: list[Samples] = []
        self.touched = False

    def add(self, judged: Judged, voice: Voice, samples: Iterable[Samples]) -> None:
        self.touched = True
        self.samples += samples
        text = voice.text(judged)
        if text:
            self.lines.append(text)
        for block in judged.blocks:
            if block.changed.any():
                self.changes += [v.to_json() for v in block.changes()]
        self.notices += [(n, voice.notice(n)) for n in judged.notices]
        self.logged += [voice.log_line(n) for n in judged.notices]


def _covered(notice: Notice, given: Sequence[Acknowledgement], now: float) -> bool:
    return any(one.covers(notice.problem, now) for one in given)


def _put(cut: Slice, entry: Entry) -> None:
    if isinstance(entry, LoggedEvent):
        cut.events.append(entry)
    elif len(entry):
        cut.blocks.append(entry)
        cut.keys.append(np.maximum.accumulate(entry.times))


def _pump(index: int, source: Source, stop: threading.Event,
          arrived: queue.Queue[tuple[int, Entry | Exception | None]]) -> None:  # fmt: skip
    try:
        for entry in source.follow(stop):
            arrived.put((index, entry))
        arrived.put((index, None))
    except Exception as error:  # told by the thread that watches
        arrived.put((index, error))


def _drained(
    arrived: queue.Queue[tuple[int, Entry | Exception | None]],
) -> Iterator[tuple[int, Entry | Exception | None]]:
    """What arrives within a tick; at once when something is there after a wait."""
    deadline = time.monotonic() + TICK_SECONDS
    while (left := deadline - time.monotonic()) > 0:
        try:
            yield arrived.get(timeout=left)
        except queue.Empty:
            return


def _names_apart(sources: Sequence[Source]) -> list[dict[str, str]]:
    """What metrics are called that several sources have: with their source before them."""
    every = [name for source in sources for name in source.metrics()]
    twice = {name for name in every if every.count(name) > 1}
    return [{n: f"{source.name}:{n}" for n in source.metrics() if n in twice}
            for source in sources]  # fmt: skip
