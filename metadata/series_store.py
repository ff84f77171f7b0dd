"""Series in the one store of tomoplan: years of samples, and what was known when they ended."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from metadata.sample_codec import decode, encode
from metadata.series import Limits, LoggedEvent, Mark, MetricInfo, Samples, Times, Values
from metadata.series_gap import Gap, gaps_in, marked_in, usual_spacing
from metadata.series_summary import (
    Bins,
    Summary,
    bins_of,
    pack_bins,
    summary_of,
    unpack_bins,
    widened,
)  # fmt: skip
from metadata.sources.marking import LEAP, PATIENCE, Marker
from metadata.store_file import StoreFile

SCHEMA = """
CREATE TABLE IF NOT EXISTS series (
    id INTEGER PRIMARY KEY,
    source TEXT NOT NULL,
    name TEXT NOT NULL,
    unit TEXT NOT NULL DEFAULT '',
    low REAL,
    high REAL,
    about TEXT NOT NULL DEFAULT '',
    UNIQUE (source, name)
);
CREATE TABLE IF NOT EXISTS series_blocks (
    series INTEGER NOT NULL,
    start REAL NOT NULL,
    stop REAL NOT NULL,
    count INTEGER NOT NULL,
    hours BLOB,
    minutes BLOB,
    data BLOB NOT NULL
);
CREATE INDEX IF NOT EXISTS series_blocks_by_time
    ON series_blocks (series, start, stop, count);
CREATE TABLE IF NOT EXISTS series_events (
    source TEXT NOT NULL,
    time REAL NOT NULL,
    kind TEXT NOT NULL,
    text TEXT NOT NULL,
    PRIMARY KEY (source, time, kind, text)
) WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS series_states (key TEXT PRIMARY KEY, value BLOB NOT NULL);
"""
FULL = 65536  # samples in a block that grows no more
SUMMED = 4096  # samples from which on a block carries its own bins
MINUTE, HOUR = 60.0, 3600.0
SEED = 512  # samples that a marker has seen when it begins


class Row(NamedTuple):
    """A block without its bytes."""

    id: int
    start: float
    stop: float
    size: int


Part = tuple[Times, Values, NDArray[np.uint8]]


class SeriesStore(StoreFile):
    """Blocks of samples, compressed, with bins of a minute and of an hour beside them.

    What is in the store stays as it is: a sample of a time that is there already is passed over.
    Each method is a transaction, or part of the one that :meth:`transaction` opens. ``source``
    keeps metrics of the same name apart. Times are unix s.

    >>> import tempfile
    >>> block = Samples.of("axis", np.arange(100.0), np.arange(100.0), "px")
    >>> with tempfile.TemporaryDirectory() as folder, SeriesStore(f"{folder}/s.sqlite") as store:
    ...     store.append(block), store.append(block), len(store.read("axis", 10.0, 20.0))
    (100, 0, 11)
    """

    schema = SCHEMA

    def __init__(self, path: str | Path | None = None) -> None:
        super().__init__(path)
        self._markers: dict[int, Marker] = {}

    def transaction(self) -> AbstractContextManager[Any]:
        """All that is done inside is kept, or nothing of it::

        with store.transaction():
            store.append(samples)
            store.set_state("monitor", what_it_knows)
        """
        return self._writing()

    # ---- samples ---------------------------------------------------------------------------------

    def append(self, samples: Samples, source: str = "") -> int:
        """Keep samples; how many of them are new."""
        return len(self.add(samples, source))

    def add(self, samples: Samples, source: str = "") -> Samples:
        """Keep samples; those that are new, in the order given, with the marks that they are kept
        with (:class:`metadata.sources.marking.Marker`)."""
        samples = samples[np.isfinite(samples.times)]
        with self._writing():
            series = self._series(samples.metric, source, samples.unit)
            if not len(samples):
                return samples
            start, stop = float(samples.times.min()), float(samples.times.max())
            old = self._overlapping(series, start, stop)
            parts = [self._data(row) for row in old]
            new = np.zeros(len(samples), dtype=bool)
            new[np.unique(samples.times, return_index=True)[1]] = True
            if parts:
                new &= ~np.isin(samples.times, np.concatenate([part[0] for part in parts]))
            if not new.any():
                return samples[new]
            fresh = samples[new]
            fresh = self._marker(series, fresh, parts).mark(fresh)
            order = np.argsort(fresh.times, kind="stable")
            parts.append((fresh.times[order], fresh.values[order], fresh.marks[order]))
            # Small blocks are joined as in a binary counter: each sample is written anew only
            # log2(FULL) times, and a series has no more than about as many small blocks.
            total, begin = sum(len(part[0]) for part in parts), min(part[0][0] for part in parts)
            while (tail := self._before(series, float(begin))) is not None:
                if tail.size > 2 * total or tail.size + total > FULL or begin > tail.stop + LEAP:
                    break
                old, parts = [*old, tail], [self._data(tail), *parts]
                total, begin = total + tail.size, tail.start
            self._replace(series, old, parts)
        return fresh

    def read(
        self,
        metric: str,
        start: float = -np.inf,
        stop: float = np.inf,
        resolution: float | None = None,
        source: str = "",
    ) -> Samples:
        """The samples from ``start`` to ``stop`` (both inclusive), in order of time; with a
        ``resolution`` (s) the means of :meth:`summary`."""
        if resolution is not None:
            return self.summary(metric, start, stop, resolution, source).samples()
        parts = list(self.blocks(metric, start, stop, source))
        unit = self._unit(metric, source)
        if not parts:
            return Samples.of(metric, np.empty(0), np.empty(0), unit)
        return Samples(
            metric,
            np.concatenate([part.times for part in parts]),
            np.concatenate([part.values for part in parts]),
            np.concatenate([part.marks for part in parts]),
            unit,
        )

    def blocks(
        self, metric: str, start: float = -np.inf, stop: float = np.inf, source: str = ""
    ) -> Iterator[Samples]:
        """What :meth:`read` gives, piece by piece."""
        unit, end = self._unit(metric, source), np.nextafter(stop, np.inf)
        for row in self._rows(metric, start, stop, source):
            times, values, marks = self._data(row)
            chosen = slice(*np.searchsorted(times, [start, end]))
            yield Samples(metric, times[chosen], values[chosen], marks[chosen], unit)

    def summary(
        self,
        metric: str,
        start: float = -np.inf,
        stop: float = np.inf,
        resolution: float = HOUR,
        source: str = "",
    ) -> Summary:
        """Bins of at least ``resolution`` s (from a minute or an hour on a whole number of these)
        that hold samples from ``start`` to ``stop``; those at the ends are whole."""
        width = MINUTE if resolution >= MINUTE else resolution
        width = HOUR if resolution >= HOUR else width
        times = int(np.ceil(resolution / width - 1e-9))
        parts = []
        for row in self._rows(metric, start, stop, source):
            bins = self._bins(row, width)
            begins = bins["bin"] * width
            parts.append(bins[(begins > start - width) & (begins <= stop)])
        joined = widened(parts, times)
        return summary_of(metric, joined, width * times, self._unit(metric, source))

    def gaps(
        self,
        metric: str,
        start: float = -np.inf,
        stop: float = np.inf,
        least: float | None = None,
        source: str = "",
    ) -> list[Gap]:
        """Where nothing was read: no samples for more than ``least`` s (five times the usual
        spacing, but a minute at least), or only such as are marked. In order of time."""
        rows = list(self._rows(metric, start, stop, source))
        if not rows:
            return []
        if least is None:
            least = max(5 * usual_spacing(self._data(max(rows, key=lambda r: r.size))[0]), MINUTE)
        width = HOUR if least >= HOUR else MINUTE
        found: list[Gap] = []
        bins: list[Bins] = []
        end = -np.inf  # of the block before
        for row in rows:
            part = self._bins(row, width) if least >= MINUTE else None
            if part is None or (part["good"] < part["count"]).any():
                times, values, marks = self._data(row)
                runs = list(marked_in(Samples(metric, times, values, marks)))
                # One that reached the end of the block before may go on in this one.
                if runs and found and (found[-1].stop, found[-1].kind, times[0]) == (
                    end, runs[0].kind, runs[0].start,
                ):  # fmt: skip
                    runs[0] = Gap(found.pop().start, runs[0].stop, runs[0].kind)
                found += runs
                part = bins_of(times, values, marks, least) if part is None else part
            bins.append(part)
            end = row.stop
        joined = np.concatenate(bins)
        found += gaps_in(joined["last"], joined["first"], least)
        within = [gap for gap in found if gap.stop >= start and gap.start <= stop]
        return sorted(within, key=lambda gap: gap.start)

    # ---- metrics, events, states -----------------------------------------------------------------

    def describe(self, infos: Iterable[MetricInfo], source: str = "") -> None:
        """Keep what is known of metrics; what was said last holds."""
        with self._writing() as connection:
            for info in infos:
                low, high = (info.limits.low, info.limits.high) if info.limits else (None, None)
                connection.execute(
                    "INSERT INTO series (source, name, unit, low, high, about) "
                    "VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT (source, name) DO UPDATE SET "
                    "unit = excluded.unit, low = excluded.low, high = excluded.high, "
                    "about = excluded.about",
                    (source, info.name, info.unit, low, high, info.about),
                )

    def metrics(self, source: str = "") -> dict[str, MetricInfo]:
        """The metrics of a source by name."""
        rows = self._connection.execute(
            "SELECT name, unit, low, high, about FROM series WHERE source = ? ORDER BY id",
            (source,),
        )
        return {
            name: MetricInfo(name, unit, None if low is None else Limits(low, high), about)
            for name, unit, low, high, about in rows
        }

    def sources(self) -> list[str]:
        """Every source that something is kept of."""
        return [row[0] for row in self._connection.execute("SELECT DISTINCT source FROM series")]

    def last(self, source: str = "") -> dict[str, float]:
        """The time of the latest sample of each metric whose time is believed: what a source takes
        as ``since``."""
        found = {}
        for id, name in self._connection.execute(
            "SELECT id, name FROM series WHERE source = ?", (source,)
        ).fetchall():
            for row in self._latest(id):
                times, _, marks = self._data(row)
                believed = times[marks != Mark.MISTIMED]
                if len(believed):
                    found[name] = float(believed[-1])
                    break
        return found

    def add_events(self, events: Iterable[LoggedEvent], source: str = "") -> None:
        """Keep entries of the log book; one that is there already is passed over."""
        with self._writing() as connection:
            connection.executemany(
                "INSERT OR IGNORE INTO series_events VALUES (?, ?, ?, ?)",
                [(source, e.time, e.kind, e.text) for e in events],
            )

    def events(
        self, start: float = -np.inf, stop: float = np.inf, source: str = ""
    ) -> list[LoggedEvent]:
        """The log book from ``start`` to ``stop``, in order."""
        rows = self._connection.execute(
            "SELECT time, kind, text FROM series_events WHERE source = ? AND time BETWEEN ? AND ? "
            "ORDER BY time",
            (source, start, stop),
        )
        return [LoggedEvent(*row) for row in rows]

    def state(self, key: str) -> bytes | None:
        """What was kept under a key last."""
        row = self._connection.execute(
            "SELECT value FROM series_states WHERE key = ?", (key,)
        ).fetchone()
        return None if row is None else bytes(row[0])

    def set_state(self, key: str, value: bytes | None) -> None:
        """Keep some bytes under a key, or nothing more; see :meth:`transaction`."""
        with self._writing() as connection:
            if value is None:
                connection.execute("DELETE FROM series_states WHERE key = ?", (key,))
            else:
                connection.execute(
                    "INSERT OR REPLACE INTO series_states VALUES (?, ?)", (key, value)
                )

    # ---- blocks ----------------------------------------------------------------------------------

    def _series(self, metric: str, source: str, unit: str) -> int:
        found = self._connection.execute(
            "SELECT id FROM series WHERE source = ? AND name = ?", (source, metric)
        ).fetchone()
        if found is None:
            found = self._connection.execute(
                "INSERT INTO series (source, name, unit) VALUES (?, ?, ?) RETURNING id",
                (source, metric, unit),
            ).fetchone()
        return int(found[0])

    def _unit(self, metric: str, source: str) -> str:
        found = self._connection.execute(
            "SELECT unit FROM series WHERE source = ? AND name = ?", (source, metric)
        ).fetchone()
        return "" if found is None else str(found[0])

    def _rows(self, metric: str, start: float, stop: float, source: str) -> list[Row]:
        found = self._connection.execute(
            "SELECT b.rowid, b.start, b.stop, b.count FROM series s JOIN series_blocks b "
            "ON b.series = s.id WHERE s.source = ? AND s.name = ? AND b.start <= ? AND b.stop >= ? "
            "ORDER BY b.start",
            (source, metric, stop, start),
        )
        return [Row(*row) for row in found]

    def _latest(self, series: int, start: float = np.inf) -> Iterator[Row]:
        """Blocks that begin up to a time, the last first."""
        found = self._connection.execute(
            "SELECT rowid, start, stop, count FROM series_blocks WHERE series = ? AND start <= ? "
            "ORDER BY start DESC",
            (series, start),
        )
        yield from map(Row._make, found)

    def _overlapping(self, series: int, start: float, stop: float) -> list[Row]:
        found = []
        for row in self._latest(series, stop):  # blocks do not overlap: these are neighbours
            if row.stop < start:
                break
            found.append(row)
        return found[::-1]

    def _before(self, series: int, start: float) -> Row | None:
        return next((row for row in self._latest(series, start) if row.start < start), None)

    def _data(self, row: Row) -> Part:
        found = self._connection.execute(
            "SELECT data FROM series_blocks WHERE rowid = ?", (row.id,)
        ).fetchone()
        return decode(found[0])

    def _bins(self, row: Row, width: float) -> Bins:
        column = {MINUTE: "minutes", HOUR: "hours"}.get(width)
        if column is not None and row.size >= SUMMED:
            found = self._connection.execute(
                f"SELECT {column} FROM series_blocks WHERE rowid = ?", (row.id,)
            ).fetchone()
            return unpack_bins(found[0])
        return bins_of(*self._data(row), width)

    def _replace(self, series: int, old: list[Row], parts: list[Part]) -> None:
        """Write blocks anew, with the new samples in their places."""
        self._connection.executemany(
            "DELETE FROM series_blocks WHERE rowid = ?", [(row.id,) for row in old]
        )
        times, values, marks = (np.concatenate(column) for column in zip(*parts, strict=True))
        if len(parts) > 1:
            order = np.argsort(times, kind="stable")
            times, values, marks = times[order], values[order], marks[order]
        # A time that is far off has a block of its own, so that no other reaches that far.
        for piece in np.split(np.arange(len(times)), np.flatnonzero(np.diff(times) > LEAP) + 1):
            for chosen in np.array_split(piece, -(-len(piece) // FULL)):
                part = (times[chosen], values[chosen], marks[chosen])
                summed = len(chosen) >= SUMMED
                self._connection.execute(
                    "INSERT INTO series_blocks VALUES (?, ?, ?, ?, ?, ?, ?)",
                    (series, part[0][0], part[0][-1], len(chosen),
                     pack_bins(bins_of(*part, HOUR)) if summed else None,
                     pack_bins(bins_of(*part, MINUTE)) if summed else None,
                     encode(*part)),
                )  # fmt: skip

    # ---- marks -----------------------------------------------------------------------------------

    def _marker(self, series: int, fresh: Samples, kept: list[Part]) -> Marker:
        """The marker of a series, or one of its own for a stretch of the past that is filled in:
        ten samples and more with none between them that was there."""
        start, stop = float(fresh.times.min()), float(fresh.times.max())
        marker = self._markers.get(series)
        filled = len(fresh) >= PATIENCE and not any(
            ((times > start) & (times < stop)).any() for times, _, _ in kept
        )
        if marker is not None and (stop > marker.latest or not filled):
            return marker
        new, seen = Marker(), 0
        seed: list[Part] = []
        for row in self._latest(series, start):
            seed.insert(0, self._data(row))
            seen += row.size
            if seen >= SEED:
                break
        for times, values, marks in seed:
            before = (times < start) & (marks == Mark.GOOD)
            new.mark(Samples("", times[before], values[before], marks[before]))
        if marker is None:
            self._markers[series] = new
        return new
