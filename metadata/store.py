"""The one store of tomoplan: runs (and series) in an embedded SQLite file."""

from __future__ import annotations

import json
import os
import sqlite3
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from metadata.errors import InputError, WorkError

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY,
    time TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (time);
"""
WAIT_SECONDS = 30.0
RETRY_SECONDS = 0.02
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
UNKEPT = ":memory:"  # the path of a store that ends with the process


def default_store_path() -> Path:
    """``$TOMOPLAN_HOME/tomoplan.sqlite``, else below the user's data folder."""
    home = os.environ.get("TOMOPLAN_HOME")
    folder = Path(home) if home else Path.home() / ".local" / "share" / "tomoplan"
    return folder / "tomoplan.sqlite"


class Store:
    """Runs as JSON documents, kept across sessions; several processes may write at once.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store(Path(folder) / "s.sqlite") as store:
    ...     store.add_run({"id": "r1", "time": "2026-01-01T00:00:00Z", "pipeline": {}})
    ...     [run["id"] for run in store.runs()]
    ['r1']
    """

    def __init__(self, path: str | Path | None = None) -> None:
        self.path = Path(path) if path is not None else default_store_path()
        try:
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self._connection = sqlite3.connect(
                self.path, timeout=WAIT_SECONDS, isolation_level=None
            )
            self._prepare(deadline=time.monotonic() + WAIT_SECONDS)
        except (OSError, sqlite3.Error) as error:
            raise WorkError(
                f"Cannot open the store of runs {self.path}: {error}. Set TOMOPLAN_HOME to a "
                f"folder where you may write."
            ) from error

    def _prepare(self, deadline: float) -> None:
        """Journal and tables; SQLite does not itself wait for a lock to change the journal."""
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=NORMAL")
                self._connection.executescript(SCHEMA)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in LOCKED or time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)

    def add_run(self, document: Mapping[str, Any]) -> None:
        """Keep a run (replacing one of the same id); it needs ``id`` and ``time``."""
        pipeline = json.dumps(document.get("pipeline"), sort_keys=True)
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO runs (id, time, pipeline, document) VALUES (?, ?, ?, ?)",
                (document["id"], document["time"], pipeline, json.dumps(document)),
            )

    def run(self, id: str) -> dict[str, Any]:
        """The run of this id, or of the only id that begins so."""
        rows = self._connection.execute(
            "SELECT document FROM runs WHERE substr(id, 1, length(?)) = ? ORDER BY id = ? DESC "
            "LIMIT 2",
            (id, id, id),
        ).fetchall()
        exact = [d for d in map(_document, rows) if d["id"] == id]
        if exact:
            return exact[0]
        if len(rows) != 1 or not id:
            which = "No run has" if not rows else "Several runs have ids that begin with"
            raise InputError(f"{which} the id {id!r} in {self.path}. Give one that it lists.")
        return _document(rows[0])

    def runs(self, limit: int | None = None, since: str | None = None) -> list[dict[str, Any]]:
        """Runs, the latest first; ``since``: an ISO-8601 time."""
        rows = self._connection.execute(
            "SELECT document FROM runs WHERE time >= ? ORDER BY time DESC, rowid DESC LIMIT ?",
            (since or "", -1 if limit is None else limit),
        )
        return [_document(row) for row in rows]

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        try:
            self._connection.execute("BEGIN IMMEDIATE")
            try:
                yield self._connection
            except BaseException:
                self._connection.execute("ROLLBACK")
                raise
            self._connection.execute("COMMIT")
        except sqlite3.Error as error:
            raise WorkError(
                f"Writing to the store of runs {self.path} failed: {error}. Set TOMOPLAN_HOME to "
                f"a folder on a disk with room."
            ) from error

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        at: TracebackType | None,
    ) -> None:
        self.close()


def _document(row: tuple[str]) -> dict[str, Any]:
    return json.loads(row[0])
