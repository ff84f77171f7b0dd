"""The live terminal: every metric with its state, the time that is left, and the last words."""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from types import TracebackType
from typing import Any, Self

import numpy as np

from metadata.drift.verdict import State, Verdict
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.duration import duration_text
from metadata.watch.judged import Judged
from metadata.watch.ledger import Ledger
from metadata.watch.notice import Notice
from metadata.watch.phrases import clock, number, phrase, state_word
from metadata.watch.problem import Problem
from metadata.watch.standing import standing_note
from metadata.watch.voice import Voice

COLOURS = {State.QUIET: "green", State.MOVING: "cyan", State.WARNING: "yellow",
           State.ALARM: "bold red", State.GAP: "dim"}  # fmt: skip
ORDER = (State.ALARM, State.WARNING, State.MOVING, State.GAP, State.QUIET)
BARS = "▁▂▃▄▅▆▇█"
WIDTH = 24  # values in the small course of a metric
ROWS = 30
WORDS = 6  # notices below the table
REFRESH_SECONDS = 0.5
ASK_SECONDS = 2.0  # between looks at who acknowledged what


def can_draw() -> bool:
    """Whether rich is installed; plain lines are printed without it."""
    return find_spec("rich") is not None


class Dashboard:
    """Listens to a watch and draws while it is entered."""

    def __init__(self, sources: Sequence[str], store: Path, voice: Voice) -> None:
        from rich.console import Console
        from rich.live import Live

        self._sources, self._store, self._voice = sources, store, voice
        self._latest: dict[str, tuple[Verdict, str]] = {}
        self._courses: dict[str, deque[float]] = {}
        self._problems: dict[str, Problem] = {}
        self._words: deque[tuple[Notice, str]] = deque(maxlen=WORDS)
        self._given: list[Acknowledgement] = []
        self._asked = -np.inf
        self._seen = -np.inf
        self._live = Live(console=Console(), get_renderable=self.draw,
                          refresh_per_second=1 / REFRESH_SECONDS)  # fmt: skip

    def take(self, judged: Judged) -> None:
        for block, keys in zip(judged.blocks, judged.keys, strict=True):
            if not len(block):
                continue
            self._latest[block.metric] = (block.one(len(block) - 1), block.unit)
            course = self._courses.setdefault(block.metric, deque(maxlen=WIDTH))
            course.extend(block.values[-WIDTH:].tolist())
            self._seen = max(self._seen, float(keys[-1]))
        for notice in judged.notices:
            self._words.append((notice, self._voice.notice(notice)))
            self._problems[notice.problem.metric] = notice.problem
        if time.monotonic() - self._asked > ASK_SECONDS:
            self._asked = time.monotonic()
            with Ledger(self._store) as ledger:
                self._given = ledger.acknowledgements()

    def to_state(self) -> dict[str, Any]:
        return {}

    def resume(self, state: dict[str, Any]) -> None:
        """It draws what comes."""

    def draw(self) -> Any:
        """The table of metrics, the worst first, and the last notices."""
        from rich.console import Group
        from rich.markup import escape
        from rich.table import Table
        from rich.text import Text

        lang = self._voice.language
        names = ("metric", "state", "value", "limit", "to_limit", "cause", "trace")
        table = Table(*(phrase(f"table.{n}", lang) for n in names), box=None, padding=(0, 1),
                      title=escape(", ".join(self._sources)))  # fmt: skip
        now = time.time()
        latest = list(self._latest.values())  # the watch goes on meanwhile
        shown = sorted(latest, key=lambda v: ORDER.index(v[0].state))
        for verdict, unit in shown[:ROWS]:
            cells = self._cells(verdict, unit, now)
            table.add_row(*(Text(cell, COLOURS[verdict.state] if i == 1 else "")
                            for i, cell in enumerate(cells)))  # fmt: skip
        more = len(shown) - ROWS
        below = [Text(f"{clock(n.verdict.time)}  {said}", COLOURS[n.verdict.state])
                 for n, said in list(self._words)]  # fmt: skip
        if more > 0:
            below.insert(0, Text(f"… +{more}"))
        return Group(table, Text(clock(self._seen) if np.isfinite(self._seen) else "…"), *below)

    def _cells(self, verdict: Verdict, unit: str, now: float) -> tuple[str, ...]:
        lang, left = self._voice.language, verdict.seconds_to_limit
        note = self._note(verdict, now)
        return (
            verdict.metric,
            state_word(verdict.state, lang) + (f" ({note})" if note else ""),
            number(verdict.value, unit),
            number(verdict.limit, unit) if verdict.limit is not None else "",
            ""
            if left is None or verdict.state is State.QUIET
            else f"{duration_text(left.value, lang)} "
            f"({duration_text(left.low, lang)} … {duration_text(left.high, lang)})",
            ", ".join(c.metric for c in (verdict.cause or ())[:2]),
            sparkline(list(self._courses[verdict.metric])),
        )

    def _note(self, verdict: Verdict, now: float) -> str:
        problem = self._problems.get(verdict.metric)
        if problem is None or verdict.state not in (State.WARNING, State.ALARM):
            return ""
        given = next((a for a in self._given if a.covers(problem, now)), None)
        return standing_note(given, self._voice.language)

    def __enter__(self) -> Self:
        self._live.__enter__()
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 at: TracebackType | None) -> None:  # fmt: skip
        self._live.__exit__(kind, error, at)


def sparkline(values: Sequence[float]) -> str:
    """Values as a line of bars from their least to their greatest; a space where none was read.

    >>> sparkline([0.0, 1.0, float("nan"), 2.0])
    '▁▄ █'
    """
    row = np.asarray(values, float)
    read = np.isfinite(row)
    if not read.any():
        return " " * len(row)
    low, high = row[read].min(), row[read].max()
    size = (row - low) / (high - low if high > low else 1.0) * (len(BARS) - 1)
    return "".join(BARS[int(s)] if ok else " " for s, ok in zip(np.nan_to_num(size), read,
                                                               strict=True))  # fmt: skip
