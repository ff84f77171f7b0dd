"""The one SQLite file of tomoplan: opened, written by several processes, closed."""

from __future__ import annotations

import os
import sqlite3
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Self

from metadata.errors import WorkError

WAIT_SECONDS = 30.0
RETRY_SECONDS = 0.02
LOCKED = (sqlite3.SQLITE_BUSY, sqlite3.SQLITE_LOCKED)
UNKEPT = ":memory:"  # the path of a store that ends with the process


def default_store_path() -> Path:
    """``$TOMOPLAN_HOME/tomoplan.sqlite``, else below the user's data folder."""
    home = os.environ.get("TOMOPLAN_HOME")
    folder = Path(home) if home else Path.home() / ".local" / "share" / "tomoplan"
    return folder / "tomoplan.sqlite"


class StoreFile:
    """A connection to the store; what is in it is told by the ``schema`` of those who derive.

    A process that is killed leaves what it had committed and nothing of what it had not; several
    may write at once, each waits for the others. A connection belongs to one thread.
    """

    schema = ""

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
                f"Cannot open the store {self.path}: {error}. Set TOMOPLAN_HOME to a "
                f"folder where you may write."
            ) from error

    def _prepare(self, deadline: float) -> None:
        """Journal and tables; SQLite does not itself wait for a lock to change the journal."""
        while True:
            try:
                self._connection.execute("PRAGMA journal_mode=WAL")
                self._connection.execute("PRAGMA synchronous=NORMAL")
                self._connection.executescript(self.schema)
                return
            except sqlite3.OperationalError as error:
                if error.sqlite_errorcode & 0xFF not in LOCKED or time.monotonic() > deadline:
                    raise
                time.sleep(RETRY_SECONDS)

    @contextmanager
    def _writing(self) -> Iterator[sqlite3.Connection]:
        """All of what is done inside, or nothing; inside another one it is part of that."""
        if self._connection.in_transaction:
            yield self._connection
            return
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
                f"Writing to the store {self.path} failed: {error}. Set TOMOPLAN_HOME to "
                f"a folder on a disk with room."
            ) from error

    def close(self) -> None:
        self._connection.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
