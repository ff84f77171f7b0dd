"""Public collections of series with marked anomalies, found by their form in a folder.

They are for measuring alone. Two forms are read: a folder with ``labels/*windows*.json`` (series
→ windows of times) beside ``data/`` (CSV with ``timestamp,value``), and CSV files of several
channels with a column ``changepoint``.
"""

from __future__ import annotations

import csv
import json
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.series import Samples

Values = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Windowed:
    """One series and the windows of its anomalies, as first and last row."""

    name: str
    samples: Samples
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True, eq=False)
class Rig:
    """Channels recorded together, and the unix s at which something changed."""

    name: str
    channels: dict[str, Samples]
    changes: Values


def windowed(folder: Path) -> Iterator[Windowed]:
    """The series with windows; of several files of windows in a place the one with the most."""
    for labels in sorted(folder.rglob("labels")):
        listed = [json.loads(path.read_text()) for path in sorted(labels.glob("*windows*.json"))]
        if not listed or not (labels.parent / "data").is_dir():
            continue
        for name, windows in max(listed, key=len).items():
            with (labels.parent / "data" / name).open(encoding="utf-8", newline="") as file:
                rows = list(csv.DictReader(file))
            times = [_unix(row["timestamp"]) for row in rows]
            values = np.array([float(row["value"]) for row in rows])
            spans = tuple((times.index(_unix(a)), times.index(_unix(b))) for a, b in windows)
            yield Windowed(name, Samples.of(Path(name).stem, np.array(times), values), spans)


def rigs(folder: Path) -> Iterator[Rig]:
    """The recordings of several channels with marked changes."""
    for path in sorted(folder.rglob("*.csv")):
        with path.open(encoding="utf-8", newline="") as file:
            head = file.readline()
            mark = ";" if ";" in head else ","
            columns = head.strip().split(mark)
            if "changepoint" not in columns:
                continue
            rows = list(csv.reader(file, delimiter=mark))
        times = np.array([_unix(row[0]) for row in rows])
        table = np.array([[float(v) for v in row[1:]] for row in rows])
        about = dict(zip(columns[1:], table.T, strict=True))
        changes = times[about.pop("changepoint") > 0]
        about.pop("anomaly", None)
        channels = {name: Samples.of(name, times, values) for name, values in about.items()}
        yield Rig(str(path.relative_to(folder)), channels, changes)


def _unix(text: str) -> float:
    return datetime.fromisoformat(text.strip()).replace(tzinfo=UTC).timestamp()
