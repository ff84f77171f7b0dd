"""What a watch knows and has said, in the one store: written together or not at all."""

from __future__ import annotations

import io
import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from metadata.drift.saving import pack, unpack
from metadata.series import Samples
from metadata.series_store import SCHEMA, SeriesStore
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.notice import Notice
from metadata.watch.problem import Problem

TABLES = """
CREATE TABLE IF NOT EXISTS watches (
    key TEXT PRIMARY KEY,
    sources TEXT NOT NULL,
    positions TEXT NOT NULL,
    monitor BLOB NOT NULL,
    outputs TEXT NOT NULL,
    seen REAL,
    finished INTEGER NOT NULL
);
CREATE TABLE IF NOT EXISTS watch_changes (
    key TEXT NOT NULL,
    metric TEXT NOT NULL,
    time REAL NOT NULL,
    state TEXT NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (key, metric, time, state)
) WITHOUT ROWID;
CREATE INDEX IF NOT EXISTS watch_changes_by_time ON watch_changes (metric, time);
CREATE TABLE IF NOT EXISTS watch_standing (
    key TEXT NOT NULL,
    metric TEXT NOT NULL,
    document TEXT NOT NULL,
    latest TEXT NOT NULL,
    PRIMARY KEY (key, metric)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS watch_notices (
    key TEXT NOT NULL,
    id TEXT NOT NULL,
    document TEXT NOT NULL,
    sent INTEGER NOT NULL DEFAULT 0,
    PRIMARY KEY (key, id)
);
CREATE TABLE IF NOT EXISTS watch_words (key TEXT PRIMARY KEY, words TEXT NOT NULL);
CREATE TABLE IF NOT EXISTS watch_said (key TEXT PRIMARY KEY, said INTEGER NOT NULL);
CREATE TABLE IF NOT EXISTS watch_acknowledgements (
    metric TEXT NOT NULL,
    since REAL NOT NULL,
    document TEXT NOT NULL,
    PRIMARY KEY (metric, since)
);
"""

TABLES_OF_A_WATCH = ("watches", "watch_changes", "watch_standing", "watch_notices", "watch_words",
                     "watch_said")  # fmt: skip


def frozen(state: Any) -> bytes:
    """Nested dicts, lists, numbers, texts and arrays as bytes, without pickle."""
    file = io.BytesIO()
    np.savez(file, **pack(state))  # type: ignore[arg-type]
    return file.getvalue()


def thawed(data: bytes) -> Any:
    """What :func:`frozen` was given.

    >>> thawed(frozen({"a": np.arange(3.0), "b": [1, None]}))
    {'a': array([0., 1., 2.]), 'b': [1, None]}
    """
    with np.load(io.BytesIO(data), allow_pickle=False) as file:
        return unpack({name: file[name] for name in file.files})


@dataclass(frozen=True)
class Kept:
    """What a watch left behind: ``positions`` is the last time of each metric that was judged (unix
    s), ``monitor`` what it knows (bytes of :func:`frozen`; empty: it had only begun), ``outputs``
    the sizes of the files with its words, ``seen`` the latest time of all; ``finished``: it came to
    the end of what there was."""

    positions: dict[str, float]
    monitor: bytes
    problems: dict[str, Problem]
    outputs: dict[str, int]
    seen: float | None
    finished: bool


@dataclass(frozen=True)
class Standing:
    """A problem that stands; ``latest``: the document of the metric's last verdict (None: of a
    watch that has given none since it went on); ``seen``: up to when its watch has judged."""

    problem: Problem
    latest: Mapping[str, Any] | None
    seen: float | None


@dataclass(frozen=True)
class Step:
    """What is written at once: where the watch stands after some samples, and what it said of them.

    ``latest``: the document of the last verdict of each metric that has a problem; ``changes``:
    those of the verdicts with which a state changed.
    """

    positions: Mapping[str, float]
    monitor: bytes
    problems: Mapping[str, Problem]
    latest: Mapping[str, Mapping[str, Any]]
    changes: Sequence[Mapping[str, Any]] = ()
    notices: Sequence[tuple[Notice, str]] = ()  # with their words
    samples: Sequence[Samples] = ()  # to be kept as series
    words: str = ""  # for a reader that cannot be asked afterwards what it got
    said: int = 0  # characters of them that are put out when the step is kept
    seen: float | None = None


class Ledger(SeriesStore):
    """The tables of the watch in the one store.

    A step is a transaction: what was said (``say`` is called within it, last), what the monitor
    knows and how far each source was read. Killed before its end, nothing of it was, and the same
    samples give the same step again.
    """

    schema = SCHEMA + TABLES

    def kept(self, key: str) -> Kept | None:
        """What the watch of this key left behind."""
        row = self._connection.execute(
            "SELECT positions, monitor, outputs, seen, finished FROM watches WHERE key = ?", (key,)
        ).fetchone()
        if row is None:
            return None
        return Kept(json.loads(row[0]), row[1], self._problems(key), json.loads(row[2]), row[3],
                    bool(row[4]))  # fmt: skip

    def begin(
        self, key: str, sources: Sequence[str] = (), outputs: Mapping[str, int] | None = None
    ) -> None:
        """Forget what the watch of this key left behind, and keep that it begins."""
        with self._writing() as connection:
            for table in TABLES_OF_A_WATCH:
                connection.execute(f"DELETE FROM {table} WHERE key = ?", (key,))
            connection.execute(
                "INSERT INTO watches VALUES (?, ?, '{}', ?, ?, NULL, 0)",
                (key, json.dumps(list(sources)), b"", json.dumps(dict(outputs or {}))),
            )

    def write(
        self,
        key: str,
        sources: Sequence[str],
        step: Step,
        say: Callable[[], Mapping[str, int]] = dict,
    ) -> None:
        """Keep a step; ``say`` puts out its words just before the transaction ends, and gives the
        sizes of the files that they went to (:class:`metadata.watch.line_output.LineOutput`)."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO watches VALUES (?, ?, ?, ?, '{}', ?, 0)",
                (key, json.dumps(list(sources)), json.dumps(dict(step.positions)), step.monitor,
                 step.seen),
            )  # fmt: skip
            connection.executemany(
                "INSERT OR IGNORE INTO watch_changes VALUES (?, ?, ?, ?, ?)",
                [(key, c["metric"], c["time"], c["state"], json.dumps(c)) for c in step.changes],
            )
            connection.executemany(
                "INSERT OR IGNORE INTO watch_notices (key, id, document) VALUES (?, ?, ?)",
                [(key, n.id, json.dumps(n.to_json() | {"message": said}, ensure_ascii=False))
                 for n, said in step.notices],
            )  # fmt: skip
            for block in step.samples:
                self.append(block)
            connection.execute("DELETE FROM watch_standing WHERE key = ?", (key,))
            connection.executemany(
                "INSERT INTO watch_standing VALUES (?, ?, ?, ?)",
                [
                    (key, n, json.dumps(p.to_json()), json.dumps(step.latest.get(n)))
                    for n, p in step.problems.items()
                ],
            )
            if step.words:
                connection.execute("INSERT OR REPLACE INTO watch_words VALUES (?, ?)",
                                   (key, step.words))  # fmt: skip
                self.say(key, step.said)
            sizes = json.dumps(dict(say()))
            connection.execute("UPDATE watches SET outputs = ? WHERE key = ?", (sizes, key))

    def say(self, key: str, said: int) -> None:
        """So many characters of the words of the last step are being put out."""
        with self._writing() as connection:
            connection.execute("INSERT OR REPLACE INTO watch_said VALUES (?, ?)", (key, said))

    def unsaid(self, key: str) -> tuple[str, int]:
        """The words of the last step that had any, and how many characters of them were put out."""
        row = self._connection.execute(
            "SELECT words, said FROM watch_words JOIN watch_said USING (key) WHERE key = ?", (key,)
        ).fetchone()
        return row if row is not None else ("", 0)

    def finish(self, key: str) -> None:
        """The watch of this key came to the end of what there was."""
        with self._writing() as connection:
            connection.execute("UPDATE watches SET finished = 1 WHERE key = ?", (key,))

    # ---- what others ask -------------------------------------------------------------------------

    def changes(self, start: float, stop: float, metric: str | None = None) -> list[dict[str, Any]]:
        """The changes of state from ``start`` to ``stop`` (unix s, inclusive), in order of time."""
        rows = self._connection.execute(
            "SELECT document FROM watch_changes WHERE time BETWEEN ? AND ? AND "
            "(? IS NULL OR metric = ?) ORDER BY time",
            (start, stop, metric, metric),
        )
        return [json.loads(row[0]) for row in rows]

    def states(self, time: float) -> dict[str, dict[str, Any]]:
        """The last change of each metric up to ``time``, with ``seen``, the latest time that its
        watch has judged; of several watches of one metric the one that changed last."""
        rows = self._connection.execute(
            "SELECT c.metric, c.document, w.seen FROM watch_changes c JOIN watches w USING (key) "
            "JOIN (SELECT key, metric, MAX(time) AS time FROM watch_changes WHERE time <= ? "
            "GROUP BY key, metric) last USING (key, metric, time) ORDER BY c.time",
            (time,),
        )
        return {metric: json.loads(text) | {"seen": seen} for metric, text, seen in rows}

    def standing(self) -> list[Standing]:
        """Everything that stands, of all watches."""
        rows = self._connection.execute(
            "SELECT p.document, p.latest, w.seen FROM watch_standing p JOIN watches w USING (key) "
            "ORDER BY p.metric, w.seen"
        )
        return [
            Standing(Problem.from_json(json.loads(d)), json.loads(v), seen) for d, v, seen in rows
        ]

    def _problems(self, key: str) -> dict[str, Problem]:
        rows = self._connection.execute(
            "SELECT document FROM watch_standing WHERE key = ? ORDER BY metric", (key,)
        )
        found = [Problem.from_json(json.loads(row[0])) for row in rows]
        return {problem.metric: problem for problem in found}

    # ---- acknowledgements ------------------------------------------------------------------------

    def acknowledge(self, given: Iterable[Acknowledgement]) -> None:
        """Keep what a person said; the last word on a problem counts."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR REPLACE INTO watch_acknowledgements VALUES (?, ?, ?)",
                [(a.metric, a.since, json.dumps(a.to_json())) for a in given],
            )

    def acknowledgements(self) -> list[Acknowledgement]:
        """All that were given."""
        rows = self._connection.execute("SELECT document FROM watch_acknowledgements")
        return [Acknowledgement.from_json(json.loads(row[0])) for row in rows]

    # ---- what is to be sent ----------------------------------------------------------------------

    def unsent(self, key: str) -> list[dict[str, Any]]:
        """Documents of notices that no webhook has taken yet, in the order they were made."""
        rows = self._connection.execute(
            "SELECT document FROM watch_notices WHERE key = ? AND NOT sent ORDER BY rowid", (key,)
        )
        return [json.loads(row[0]) for row in rows]

    def sent(self, key: str, ids: Iterable[str]) -> None:
        """The webhook has taken these."""
        with self._writing() as connection:
            connection.executemany(
                "UPDATE watch_notices SET sent = 1 WHERE key = ? AND id = ?",
                [(key, id) for id in ids],
            )
