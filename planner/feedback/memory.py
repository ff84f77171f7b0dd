"""What a beamline said, and the prompt that was tuned from it, in the one store."""

from __future__ import annotations

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

import numpy as np

from metadata.errors import InputError
from metadata.store import SCHEMA, Store
from planner.feedback.aspects import ASPECTS, MORE_IS_BETTER, Numbers, aspects_of_run
from planner.feedback.head import Head, trained

TABLES = """
CREATE TABLE IF NOT EXISTS judgements (
    id INTEGER PRIMARY KEY,
    time TEXT NOT NULL,
    beamline TEXT NOT NULL,
    run TEXT NOT NULL,
    worse TEXT,
    rating INTEGER
);
CREATE UNIQUE INDEX IF NOT EXISTS one_rating ON judgements (beamline, run) WHERE worse IS NULL;
CREATE TABLE IF NOT EXISTS prompts (
    beamline TEXT PRIMARY KEY,
    time TEXT NOT NULL,
    document TEXT NOT NULL
);
"""
OWN = "here"  # the beamline of a store in which none is named
KEPT = 0.3  # what a run that was tried after another on the same scan counts beside a choice
RATED = 0.5  # what two ratings of different scans count
PER_SCAN = [ASPECTS.index(n) for n in ("seconds", "memory")]  # no measure across scans


@dataclass(frozen=True, eq=False)
class Evidence:
    """Pairs of outcomes, the better first: aspects (axes ``pair, ASPECTS``), how much each counts,
    and how many of them (the first) a person said."""

    better: Numbers
    worse: Numbers
    weights: Numbers
    said: int


@dataclass(frozen=True, eq=False)
class Taste:
    """A beamline's prompt, of how many choices it is, and in how many of them the outcome with
    more (or, where less is better, less) of each aspect was taken."""

    beamline: str
    prompt: Numbers
    choices: int
    better: dict[str, int]


def beamline_name(given: str | None = None) -> str:
    """The beamline that is meant: the one given, else ``$TOMOPLAN_BEAMLINE``, else "here"."""
    return given or os.environ.get("TOMOPLAN_BEAMLINE") or OWN


class Memory(Store):
    """The store with judgements and prompts beside the runs.

    >>> import tempfile
    >>> with tempfile.TemporaryDirectory() as folder, Memory(f"{folder}/s.sqlite") as memory:
    ...     memory.taste("here") is None
    True
    """

    schema = SCHEMA + TABLES

    def judge(self, run: str, better_than: str | None, rating: int | None, beamline: str) -> Taste:
        """A choice or a rating, whichever is given."""
        if better_than is not None and rating is None:
            return self.prefer(run, better_than, beamline)
        if rating is not None and better_than is None:
            return self.rate(run, rating, beamline)
        raise InputError("Expected one of --better-than RUN and --rating 1 to 5.")

    def prefer(self, better: str, worse: str, beamline: str) -> Taste:
        """Keep that one run was liked better than another, and tune the beamline's prompt."""
        first, second = self.run(better), self.run(worse)
        if first["id"] == second["id"]:
            raise InputError(
                f"{better} and {worse} are one run. Name two runs of the same scan, the better "
                "first."
            )
        if _scan(first) != _scan(second):
            raise InputError(
                f"{better} and {worse} are runs of different scans, of which neither is better. "
                "Name two runs of the same scan, or rate each (--rating 1 to 5)."
            )
        self._keep(beamline, first["id"], second["id"], None)
        return self.tune(beamline)

    def rate(self, run: str, rating: int, beamline: str) -> Taste:
        """Keep how a run was rated, from 1 to 5 (the last word counts), and tune the prompt."""
        if not 1 <= rating <= 5:
            raise InputError(f"A rating of {rating} was given; expected 1 (bad) to 5 (good).")
        self._keep(beamline, self.run(run)["id"], None, rating)
        return self.tune(beamline)

    def tune(self, beamline: str, head: Head | None = None) -> Taste:
        """The beamline's prompt anew from all that it said and did; it is kept."""
        head = head or trained()
        found = self.evidence(beamline)
        prompt = head.tuned(found.better, found.worse, found.weights)
        better = {}
        for at, name in enumerate(ASPECTS):
            more = (found.better - found.worse)[: found.said, at]
            better[name] = int((more > 0 if MORE_IS_BETTER[name] else more < 0).sum())
        taste = Taste(beamline, prompt, found.said, better)
        self.keep(taste)
        return taste

    def keep(self, taste: Taste) -> None:
        """Keep a taste, instead of the one that its beamline had."""
        document = {"prompt": taste.prompt.tolist(), "choices": taste.choices,
                    "better": taste.better}  # fmt: skip
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO prompts (beamline, time, document) VALUES (?, ?, ?)",
                (taste.beamline, _now(), json.dumps(document)),
            )

    def taste(self, beamline: str) -> Taste | None:
        """The prompt kept for a beamline; None where it never said anything."""
        row = self._connection.execute(
            "SELECT document FROM prompts WHERE beamline = ?", (beamline,)
        ).fetchone()
        if row is None:
            return None
        kept = json.loads(row[0])
        return Taste(beamline, np.array(kept["prompt"]), kept["choices"], kept["better"])

    def evidence(self, beamline: str) -> Evidence:
        """What a beamline said (choices, then pairs of ratings that differ), then what it did: of
        several runs of one scan the last is taken to have been kept, where nothing was said."""
        rows = self._connection.execute(
            "SELECT run, worse, rating FROM judgements WHERE beamline = ? ORDER BY id", (beamline,)
        ).fetchall()
        runs = {r["id"]: r for r in self.runs()}
        pairs = [(runs[b], runs[w], 1.0) for b, w, _ in rows if w in runs and b in runs]
        rated = [(runs[r], v) for r, w, v in rows if w is None and r in runs]
        pairs += _rated(rated)
        said = len(pairs)
        if beamline == beamline_name():
            spoken = {(_scan(b)) for b, _, _ in pairs}
            others = {r for (r,) in self._connection.execute(
                "SELECT run FROM judgements WHERE beamline != ?", (beamline,))}  # fmt: skip
            own = [r for r in runs.values() if r["id"] not in others and _scan(r) not in spoken]
            pairs += _kept(own)
        return _evidence(pairs, said)

    def _keep(self, beamline: str, run: str, worse: str | None, rating: int | None) -> None:
        with self._writing() as connection:
            connection.execute(
                "INSERT OR REPLACE INTO judgements (time, beamline, run, worse, rating) "
                "VALUES (?, ?, ?, ?, ?)",
                (_now(), beamline, run, worse, rating),
            )


Pair = tuple[dict[str, Any], dict[str, Any], float]


def _rated(rated: Sequence[tuple[dict[str, Any], int]]) -> list[Pair]:
    """Pairs of runs with the same goals whose ratings differ."""
    found: list[Pair] = []
    for at, (one, high) in enumerate(rated):
        for other, low in rated[:at]:
            if high == low or _goals(one) != _goals(other):
                continue
            better, worse = (one, other) if high > low else (other, one)
            found.append((better, worse, 1.0 if _scan(one) == _scan(other) else RATED))
    return found


def _kept(runs: Sequence[dict[str, Any]]) -> list[Pair]:
    """The last run of each scan over those before it with another pipeline."""
    by_scan: dict[str, list[dict[str, Any]]] = {}
    for run in sorted(runs, key=lambda r: str(r["time"])):
        if not (run.get("task") or {}).get("calibration", False):
            by_scan.setdefault(_scan(run), []).append(run)
    return [
        (several[-1], earlier, KEPT)
        for several in by_scan.values()
        for earlier in several[:-1]
        if earlier["pipeline"] != several[-1]["pipeline"] and _goals(earlier) == _goals(several[-1])
    ]


def _evidence(pairs: Sequence[Pair], said: int) -> Evidence:
    better = np.array([aspects_of_run(b) for b, _, _ in pairs]).reshape(-1, len(ASPECTS))
    worse = np.array([aspects_of_run(w) for _, w, _ in pairs]).reshape(-1, len(ASPECTS))
    unknown = ~(np.isfinite(better) & np.isfinite(worse))
    for at, (one, other, _) in enumerate(pairs):
        if _scan(one) != _scan(other):
            unknown[at, PER_SCAN] = True
    # What was measured of one alone tells nothing of both
    better[unknown] = worse[unknown] = np.nan
    return Evidence(better, worse, np.array([w for _, _, w in pairs]), said)


def _scan(run: dict[str, Any]) -> str:
    """What tells the scans of a run from others."""
    return json.dumps([s.get("fingerprint") or s.get("path") for s in run["scans"]])


def _goals(run: dict[str, Any]) -> tuple[str, ...]:
    return tuple((run.get("task") or {}).get("goals", ()))


def _now() -> str:
    return datetime.now(UTC).isoformat()
