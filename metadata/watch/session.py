"""A watch from what a person wished: sources opened, words put out, and all of it kept."""

from __future__ import annotations

import contextlib
import logging
import os
import signal
import sys
import tempfile
import threading
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from metadata.drift.settings import MonitorSettings
from metadata.errors import InputError, WorkError
from metadata.file_lock import held
from metadata.sources import open_source
from metadata.sources.scan_measures import ScanMeasures
from metadata.sources.source import Source
from metadata.store_file import default_store_path
from metadata.watch.duration import parse_duration
from metadata.watch.json_lines import Tell
from metadata.watch.judged import Listener
from metadata.watch.ledger import Ledger
from metadata.watch.limit_book import LimitBook
from metadata.watch.line_output import LineOutput
from metadata.watch.notice import Notice
from metadata.watch.phrases import LANGUAGES, clock, counted, phrase
from metadata.watch.voice import Voice
from metadata.watch.watch import Watch
from metadata.watch.watch_key import watch_key
from metadata.watch.webhook import Webhook, left_unsent

log = logging.getLogger("tomoplan.watch")
STANDARD_OUTPUT = 1


@dataclass(frozen=True)
class Wishes:
    """What was asked for; the names are those of the options of ``tomoplan watch``."""

    sources: tuple[str, ...]
    limit: tuple[str, ...] = ()
    limits: Path | None = None
    events: bool = False
    follow: bool = False
    stop_after: str | None = None
    report: Path | None = None
    false_alarm_days: float | None = None
    log: Path | None = None
    webhook: str | None = None
    keep: bool = False
    fresh: bool = False
    language: str = "en"
    as_json: bool = False
    measures: ScanMeasures | None = None  # of the frames of scans

    @property
    def settings(self) -> MonitorSettings:
        """Those of the monitor."""
        if self.false_alarm_days is None:
            return MonitorSettings()
        return MonitorSettings(false_alarm_days=self.false_alarm_days)


def watch_all(wishes: Wishes, tell: Tell = str) -> None:
    """Watch the sources to their end, or until the process is told to stop (SIGINT, SIGTERM).

    ``tell`` puts a sentence into the language asked for. Raises InputError for what cannot be
    used, before anything is read.
    """
    require_language(wishes.language)
    if wishes.report is not None:
        from metadata.watch.report import require_report

        require_report(wishes.report)
    seconds = parse_duration(wishes.stop_after) if wishes.stop_after else None
    book = LimitBook.given(wishes.limit, wishes.limits)
    with ExitStack() as stack:
        sources = [stack.enter_context(contextlib.closing(open_source(s, measures=wishes.measures)))
                   for s in wishes.sources]  # fmt: skip
        follow = wishes.follow or any(source.live for source in sources)
        key, store = stack.enter_context(_place(sources, book, wishes, tell))
        ledger = stack.enter_context(Ledger(store))
        watch = _made(wishes, sources, book, ledger, key, tell)
        if watch.resumed and np.isfinite(watch.seen):
            told = clock(watch.seen)
            _tell_person(f"This watch was stopped before its end; it goes on after {told}.", tell)
        stop = stack.enter_context(_stopped_by_signals(seconds))
        _speak(stack, watch, wishes, store, tell, follow)
        watch.run(follow=follow, stop=stop)
        for source in sources:
            for warning in source.warnings:
                _tell_person(warning, tell)
        _conclude(watch, wishes, tell)
        watch.finish()


def _made(
    wishes: Wishes, sources: Sequence[Source], book: LimitBook, ledger: Ledger, key: str, tell: Tell
) -> Watch:
    voice = Voice("json" if wishes.as_json else "plain", wishes.events, wishes.language, tell)
    listeners: dict[str, Listener] = {}
    if wishes.report is not None:
        from metadata.watch.course import Course

        listeners["course"] = Course()
    keep = wishes.keep or any(source.live for source in sources)
    return Watch(sources, ledger, key, limits=book, settings=wishes.settings, voice=voice,
                 listeners=listeners, keep_samples=keep, fresh=wishes.fresh)  # fmt: skip


def _speak(
    stack: ExitStack, watch: Watch, wishes: Wishes, store: Path, tell: Tell, follow: bool
) -> None:
    """Open the ways that words go."""
    if wishes.log is not None:
        name = f"log {wishes.log.resolve()}"
        opened = LineOutput.appending(wishes.log, kept=watch.kept_sizes.get(name))
        watch.outlets.log = stack.enter_context(contextlib.closing(opened))
        watch.outlets.log_name = name
    hook = Webhook(wishes.webhook, watch.key, store) if wishes.webhook else None
    if hook is not None:
        stack.callback(_close_hook, hook, watch, tell)
    dashboard = None
    if follow and not wishes.as_json and sys.stdout.isatty():
        from metadata.watch.dashboard import Dashboard, can_draw

        if can_draw():
            dashboard = Dashboard([s.name for s in watch.sources], store, watch.voice)
            watch.listeners["dashboard"] = stack.enter_context(dashboard)
    if dashboard is None:
        sys.stdout.flush()
        watch.outlets.out = LineOutput(STANDARD_OUTPUT, kept=watch.kept_sizes.get("out"))

    def notify(notices: Sequence[tuple[Notice, str]]) -> None:
        if hook is not None:
            hook.wake()
        if wishes.as_json:
            for _, said in notices:
                log.warning("%s", said)

    watch.outlets.notify = notify


def _close_hook(hook: Webhook, watch: Watch, tell: Tell) -> None:
    if not hook.close():
        _tell_person(left_unsent(watch.ledger.unsent(watch.key)), tell)


def _conclude(watch: Watch, wishes: Wishes, tell: Tell) -> None:
    if wishes.report is not None:
        from metadata.watch.course import Course
        from metadata.watch.report import write_report

        course = watch.listeners["course"]
        assert isinstance(course, Course)
        write_report(wishes.report, course, watch.infos, [s.name for s in watch.sources],
                     wishes.language, tell)  # fmt: skip
    if not watch.samples:
        _tell_person(phrase("seen.none", wishes.language))
        return
    samples = counted("samples", watch.samples, wishes.language)
    metrics = counted("metrics", len(watch.infos), wishes.language)
    _tell_person(phrase("seen", wishes.language, samples=samples, metrics=metrics,
                        until=clock(watch.seen)))  # fmt: skip


@contextmanager
def _place(
    sources: Sequence[Source], book: LimitBook, wishes: Wishes, tell: Tell
) -> Iterator[tuple[str, Path]]:
    """The watch's key and the store it is kept in: a passing one where the store of tomoplan may
    not be written, or the same watch runs already."""
    infos = {n: i for source in sources for n, i in source.metrics().items()}
    said = {"json": wishes.as_json, "events": wishes.events, "report": wishes.report is not None,
            "frames": wishes.measures is not None, "follow": wishes.follow,
            "false_alarm_days": wishes.false_alarm_days,
            "limits": str(book)}  # fmt: skip
    key = watch_key(sources, infos, said)
    path = default_store_path()
    try:
        with Ledger(path):
            pass
        lock = held(path.parent / f"watch-{key}.lock")
    except (OSError, WorkError) as error:
        _tell_person(f"What is learned is not kept: {error}", tell)
        lock = None
    else:
        if lock is None:
            _tell_person("The same watch runs already: what this one learns is not kept.", tell)
    if lock is None:
        with tempfile.TemporaryDirectory(prefix="tomoplan-watch-") as folder:
            yield key, Path(folder) / path.name
        return
    try:
        yield key, path
    finally:
        os.close(lock)


@contextmanager
def _stopped_by_signals(seconds: float | None) -> Iterator[threading.Event]:
    """An event that SIGINT, SIGTERM or the end of a time set; what is being judged is kept."""
    stop = threading.Event()
    before = {}
    if threading.current_thread() is threading.main_thread():
        for which in (signal.SIGINT, signal.SIGTERM):
            before[which] = signal.signal(which, lambda *_: stop.set())
    timer = threading.Timer(seconds, stop.set) if seconds is not None else None
    if timer is not None:
        timer.daemon = True
        timer.start()
    try:
        yield stop
    finally:
        if timer is not None:
            timer.cancel()
        for which, handler in before.items():
            signal.signal(which, handler)


def require_language(language: str) -> None:
    """Raise for a language that nothing is told in."""
    if language not in LANGUAGES:
        raise InputError(
            f"The language {language!r} is not spoken here; expected one of {', '.join(LANGUAGES)}."
        )


def _tell_person(sentence: str, tell: Tell = str) -> None:
    print(tell(sentence), file=sys.stderr)
