"""Scans of a SPEC file: names and values as the control program ``spec`` writes them.

Reference: spec's own manual of the standard data file format (Certified Scientific Software).
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from itertools import chain

import numpy as np

from metadata.series import Times, Values
from metadata.sources.timestamps import parse_time

QUARTER = 900.0  # s; time zones are whole quarters of an hour
LOCAL_TIMES = ("epoch",)
COUNT_TIMES = ("seconds", "second", "sec", "time")


@dataclass
class SpecScan:
    """``start`` in unix s (``#D``); ``settings``: value of each motor (``#O`` and ``#P``) and of
    each quantity of the beamline (``#H`` and ``#V``) when it began; ``rows``: the data below the
    ``labels`` (``#L``)."""

    number: str
    command: str
    start: float
    epoch: float = 0.0
    count_time: float = 0.0
    settings: dict[str, float] = field(default_factory=dict)
    motors: frozenset[str] = frozenset()
    labels: tuple[str, ...] = ()
    rows: list[list[float]] = field(default_factory=list)

    def columns(self) -> tuple[Times, dict[str, Values]]:
        """Times of the rows (unix s) and the columns that are no motors, no time and no axis.

        Without a column ``Epoch`` the counting times are added up from the beginning on: moving
        the motors takes longer, so these times are early.
        """
        width = len(self.labels)
        table = np.array([row for row in self.rows if len(row) == width], float).reshape(-1, width)
        named = {label.lower(): table[:, i] for i, label in enumerate(self.labels)}
        times = named.get("epoch")
        if times is not None:
            # Seconds after #E, or since 1970 where a macro writes them whole
            times = times + (self.epoch if len(times) and times[0] < self.epoch / 2 else 0.0)
        else:
            each = next((named[n] for n in COUNT_TIMES if n in named), None)
            each = np.full(len(table), self.count_time) if each is None else np.abs(each)
            times = self.start + np.cumsum(each)
        return times, {
            label: table[:, i]
            for i, label in enumerate(self.labels)
            if i > 0
            and label not in self.motors
            and label.lower() not in (*LOCAL_TIMES, *COUNT_TIMES)
        }


def read_spec(lines: Iterable[str]) -> Iterator[SpecScan]:
    """The scans of a file, each when it is complete.

    >>> [scan] = read_spec(["#E 1000", "#O0 mono", "#H0 ring", "#S 1 ascan th 0 1 1 1", "#P0 5",
    ...                     "#V0 100.5", "#L th  Epoch  det", "0 1 50", "1 2 60"])
    >>> scan.settings, scan.columns()[0].tolist(), scan.columns()[1]["det"].tolist()
    ({'mono': 5.0, 'ring': 100.5}, [1001.0, 1002.0], [50.0, 60.0])
    """
    head = _Head()
    scan: SpecScan | None = None
    spectrum = False  # of a multi-channel analyser, over several lines
    for line in lines:
        line = line.rstrip("\r\n")
        if spectrum or line.startswith("@"):
            spectrum = line.endswith("\\")
            continue
        if not line.strip():
            continue
        if line[0] != "#":
            if scan is not None and scan.labels:
                scan.rows.append(_numbers(line))
            continue
        key, _, rest = line[1:].partition(" ")
        rest = rest.strip()
        if key in ("F", "S", "E") and scan is not None:
            yield scan
            scan = None
        if key == "S":
            number, _, command = rest.partition(" ")
            scan = SpecScan(number, command.strip(), head.start, head.epoch)
            scan.motors = frozenset(chain.from_iterable(head.motors.values()))
        elif scan is None:
            head.take(key, rest)
        elif key == "D":
            scan.start = head.unix(rest)
        elif key == "T":
            scan.count_time = next(iter(_numbers(rest.partition("(")[0])), 0.0)
        elif key == "L":
            scan.labels = _names(rest)
        elif key[:1] in "PV" and key[1:].isdigit():
            names = (head.motors if key[0] == "P" else head.quantities).get(int(key[1:]), ())
            values = _numbers(rest)
            if len(values) == len(names):
                scan.settings.update(zip(names, values, strict=True))
    if scan is not None:
        yield scan


class _Head:
    """What holds for all scans that follow."""

    def __init__(self) -> None:
        self.epoch = self.start = self.zone = 0.0
        self.motors: dict[int, tuple[str, ...]] = {}
        self.quantities: dict[int, tuple[str, ...]] = {}

    def take(self, key: str, rest: str) -> None:
        if key == "F":
            self.motors, self.quantities = {}, {}
        elif key == "E":
            self.epoch = next(iter(_numbers(rest)), 0.0)
            self.start = self.epoch
        elif key == "D":
            # Dates are local and do not say where; #E says what the same moment is in UTC.
            said = parse_time(rest)
            if said is not None and self.epoch:
                self.zone = round((said - self.epoch) / QUARTER) * QUARTER
        elif key[:1] in "OH" and key[1:].isdigit():
            (self.motors if key[0] == "O" else self.quantities)[int(key[1:])] = _names(rest)

    def unix(self, date: str) -> float:
        said = parse_time(date)
        return self.start if said is None else said - self.zone


def _names(rest: str) -> tuple[str, ...]:
    """Names stand two blanks apart, as they may hold one."""
    return tuple(name.strip() for name in rest.split("  ") if name.strip())


def _numbers(rest: str) -> list[float]:
    found = []
    for word in rest.split():
        try:
            found.append(float(word))
        except ValueError:
            found.append(np.nan)
    return found
