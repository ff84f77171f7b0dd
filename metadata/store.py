"""Runs in the one store of tomoplan."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from metadata.store_file import UNKEPT, StoreFile, default_store_path

__all__ = ["SCHEMA", "UNKEPT", "Store", "default_store_path"]

SCHEMA = """
CREATE TABLE IF NOT EXISTS runs (
    id TEXT PRIMARY KEY,
    time TEXT NOT NULL,
    pipeline TEXT NOT NULL,
    document TEXT NOT NULL
);
CREATE INDEX IF NOT EXISTS runs_by_time ON runs (time);
CREATE TABLE IF NOT EXISTS appearances (
    run TEXT NOT NULL,
    model TEXT NOT NULL,
    vector BLOB NOT NULL,
    PRIMARY KEY (run, model)
);
"""


class Store(StoreFile):
    """Runs as JSON documents, kept across sessions; several processes may write at once.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Store(f"{folder}/s.sqlite") as store:
    ...     store.add_run({"id": "r1", "time": "2026-01-01T00:00:00Z", "pipeline": {}})
    ...     [run["id"] for run in store.runs()]
    ['r1']
    """

    schema = SCHEMA  # a store of more tables adds to it

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
            raise InputError(
                f"{which} the id {id!r} in {self.path}. Give the id that `tomoplan run` told at "
                f"its end, or the file that it wrote."
            )
        return _document(rows[0])

    def runs(self, limit: int | None = None, since: str | None = None) -> list[dict[str, Any]]:
        """Runs, the latest first; ``since``: an ISO-8601 time."""
        rows = self._connection.execute(
            "SELECT document FROM runs WHERE time >= ? ORDER BY time DESC, rowid DESC LIMIT ?",
            (since or "", -1 if limit is None else limit),
        )
        return [_document(row) for row in rows]

    def add_appearance(self, run: str, model: str, vector: NDArray[np.floating[Any]]) -> None:
        """Keep what the scan of a run looks like to a model: a vector of any length."""
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO appearances (run, model, vector) VALUES (?, ?, ?)",
                (run, model, np.asarray(vector, "<f2").tobytes()),
            )

    def appearances(self, model: str) -> dict[str, NDArray[np.float32]]:
        """The vectors of one model by the ids of the runs that are kept."""
        rows = self._connection.execute(
            "SELECT run, vector FROM appearances JOIN runs ON runs.id = run WHERE model = ?",
            (model,),
        )
        return {run: np.frombuffer(blob, "<f2").astype(np.float32) for run, blob in rows}


def _document(row: tuple[str]) -> dict[str, Any]:
    return json.loads(row[0])
