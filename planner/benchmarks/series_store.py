"""How small and how quick the store of series is: ``python -m planner.benchmarks.series_store``.

Seconds of processor time; beside it a table with a row a sample.
"""

from __future__ import annotations

import argparse
import sqlite3
import tempfile
import time
from collections.abc import Callable, Iterator, Sized
from pathlib import Path

import numpy as np

from metadata.series import Samples
from metadata.series_store import FULL, SeriesStore

START = 1.7e9
ROW_TABLE = (
    "CREATE TABLE samples (series INTEGER, time REAL, value REAL, mark INTEGER, "
    "PRIMARY KEY (series, time)) WITHOUT ROWID"
)


def blocks(days: float, digits: int | None) -> Iterator[Samples]:
    """A value a second: a daily swing of 1 and noise of 0.03, rounded or not."""
    rng = np.random.default_rng(0)
    count = int(days * 86400)
    for first in range(0, count, FULL):
        times = START + np.arange(first, min(first + FULL, count), dtype=np.float64)
        values = 5 + np.sin(2 * np.pi * times / 86400) + 0.03 * rng.normal(size=len(times))
        yield Samples.of("axis", times, values if digits is None else values.round(digits), "px")


def measure(name: str, work: Callable[[], Sized]) -> None:
    """Print how long something takes."""
    began = time.process_time()
    count = len(work())
    print(f"  {name:<28} {count:>9} rows {1e3 * (time.process_time() - began):9.1f} ms")


def in_blocks(days: float, digits: int | None, folder: Path) -> None:
    """The store of series."""
    path = folder / f"blocks-{digits}.sqlite"
    with SeriesStore(path) as store:
        taken, count = 0.0, 0
        for block in blocks(days, digits):
            began = time.process_time()
            count += store.append(block)
            taken += time.process_time() - began
        size = path.stat().st_size
        print(f"{'rounded' if digits else 'every bit of'} values, {days:g} days: written in "
              f"{taken:.1f} s, {size / 1e6:.1f} MB, {size / count:.2f} bytes a sample")  # fmt: skip
        middle = START + days / 2 * 86400
        measure("all by day", lambda: store.summary("axis", resolution=86400.0))
        measure("all by hour", lambda: store.summary("axis", resolution=3600.0))
        measure("all by ten minutes", lambda: store.summary("axis", resolution=600.0))
        measure("a day by minute", lambda: store.summary("axis", middle, middle + 86400, 60.0))
        measure("a day, each sample", lambda: store.read("axis", middle, middle + 86400))
        measure("gaps", lambda: store.gaps("axis"))
        measure("each sample", lambda: store.read("axis"))


def in_rows(days: float, folder: Path) -> None:
    """A row a sample, for comparison."""
    path = folder / "rows.sqlite"
    connection = sqlite3.connect(path)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.execute(ROW_TABLE)
    began, count = time.process_time(), 0
    for block in blocks(days, 3):
        rows = zip(block.times.tolist(), block.values.tolist(), strict=True)
        connection.executemany("INSERT INTO samples VALUES (1, ?, ?, 0)", rows)
        connection.commit()
        count += len(block)
    taken = time.process_time() - began
    connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    size = path.stat().st_size
    print(f"a row a sample, {days:g} days: written in {taken:.1f} s, {size / 1e6:.1f} MB, "
          f"{size / count:.2f} bytes a sample")  # fmt: skip
    by_hour = "SELECT CAST(time / 3600 AS INT) AS hour, COUNT(*), MIN(value), AVG(value), "
    by_hour += "MAX(value) FROM samples WHERE series = 1 GROUP BY hour"
    measure("all by hour", lambda: connection.execute(by_hour).fetchall())
    connection.close()


def single_samples(metrics: int, folder: Path) -> None:
    """What comes live: few samples of many metrics in one transaction."""
    with SeriesStore(folder / "live.sqlite") as store:
        for each in (1, 10, 60):
            began, rounds = time.process_time(), 10
            for turn in range(rounds):
                times = START + each * 1e5 + turn * each + np.arange(each, dtype=np.float64)
                with store.transaction():
                    for i in range(metrics):
                        store.append(Samples.of(f"{i} by {each}", times, np.sqrt(times + i)))
            taken = (time.process_time() - began) / (rounds * metrics * each)
            print(f"{each} samples of each of {metrics} metrics at a time: {taken * 1e6:.0f} us a "
                  f"sample")  # fmt: skip


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--days", type=float, default=365.0)
    parser.add_argument("--row-days", type=float, default=12.0)
    parser.add_argument("--metrics", type=int, default=500)
    given = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        in_blocks(given.days, 3, Path(folder))
        in_blocks(given.days, None, Path(folder))
        in_rows(given.row_days, Path(folder))
        single_samples(given.metrics, Path(folder))


if __name__ == "__main__":
    main()
