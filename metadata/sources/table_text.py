"""Lines of a table as numbers: quickly where every cell is a number, cell by cell where not."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.series import Times
from metadata.sources.timestamps import parse_time, parse_times, unix_seconds

DELIMITERS = ",;\t| "
WORDS = {"true": 1.0, "on": 1.0, "yes": 1.0, "false": 0.0, "off": 0.0, "no": 0.0}
SECONDS_2001 = 978_307_200.0
EMPTY = -8.5e307  # stands for an empty cell until it is known what that means
UNIT = re.compile(r"^(.*?)\s*[(\[]\s*([^()\[\]]*?)\s*[)\]]$")
TIME_NAMES = re.compile(
    r"^((start|end|begin|stop|acquired|acquisition|measured|recorded|logged|created)[_ ]?)?"
    r"(unix|epoch|date|datetime|time|timestamp|t|secs?|seconds)"
    r"([_ ]?(time|stamp|utc|unix|date|seconds|secs?|s|ms|us|ns))*$",
    re.IGNORECASE,
)


@dataclass(frozen=True)
class Layout:
    """How a table is written: ``names`` and ``units`` of its columns, which one is the time, and
    the row of an archiver (``secs,val,severity,status,nanos``) where it is one."""

    delimiter: str
    names: tuple[str, ...]
    units: tuple[str, ...]
    time: int
    headed: bool
    words: tuple[int, ...] = ()  # columns in which no number stands

    @property
    def columns(self) -> tuple[int, ...]:
        """Those that are not the time and hold numbers."""
        return tuple(i for i in range(len(self.names)) if i != self.time and i not in self.words)


def layout_of(lines: list[str], time: str | None = None) -> Layout | None:
    """What the first lines of a file say of the table below; None where they hold no table of a
    time and numbers. ``time``: the name of its column, where that is not plain.

    >>> layout_of(["time,axis [px]", "2026-01-01T00:00:00Z,5.5"]).units
    ('', 'px')
    """
    lines = [line for line in lines if line.strip() and not line.startswith("#")]
    if not lines:
        return None
    delimiter = _delimiter(lines[:5])
    first = cells(lines[0], delimiter)
    if len(first) < 2:
        return None
    headed = not any(_is_number(cell) or parse_time(cell) is not None for cell in first)
    named = [UNIT.match(cell) for cell in first]
    if headed:
        names = [m[1] if m else cell for m, cell in zip(named, first, strict=True)]
        units = [m[2] if m else "" for m in named]
    else:
        names = ["time", *(f"column_{i}" for i in range(1, len(first)))]
        names = names if len(first) > 2 else ["time", "value"]
        units = [""] * len(first)
    fitting = [i for i, name in enumerate(names) if TIME_NAMES.match(name.strip())]
    if time is not None:
        if time not in names:
            return None
        at = names.index(time)
    else:
        at = fitting[0] if fitting else 0
    row = cells(lines[1 if headed else 0], delimiter) if len(lines) > headed else None
    if row is not None and (len(row) <= at or parse_time(row[at]) is None):
        return None
    if row is not None and headed and time is None and not fitting and _small(row[at]):
        return None  # a number in a column that is not called a time, too small for unix seconds
    layout = Layout(delimiter, tuple(names), tuple(units), at, headed)
    words = _words([cells(line, delimiter) for line in lines[headed:]], layout)
    if len(words) == len(layout.columns):
        return None
    return Layout(delimiter, tuple(names), tuple(units), at, headed, words)


def cells(line: str, delimiter: str) -> list[str]:
    """The cells of a line, without the quotes around them."""
    parts = (
        line.rstrip("\r\n").split() if delimiter == " " else line.rstrip("\r\n").split(delimiter)
    )
    return [part.strip().strip('"').strip() for part in parts]


def _small(cell: str) -> bool:
    """Whether a number is less than any unix seconds of this century."""
    try:
        return abs(float(cell)) < SECONDS_2001
    except ValueError:
        return False


def _words(rows: list[list[str]], layout: Layout) -> tuple[int, ...]:
    """Columns with words only, as far as they hold anything."""
    found = []
    for i in layout.columns:
        said = [row[i] for row in rows if len(row) > i and row[i]]
        if said and not any(_is_number(_with_point(s, layout)) or s.lower() in WORDS for s in said):
            found.append(i)
    return tuple(found)


def _with_point(text: str, layout: Layout) -> str:
    """A number whose decimals stand behind a comma, where commas do not part the cells."""
    comma = layout.delimiter == ";" and text.count(",") == 1
    return text.replace(",", ".") if comma else text


def _delimiter(lines: list[str]) -> str:
    """What parts all of some lines into the most cells; blanks only where nothing else does, as
    they may stand within a time."""
    counts = {d: min(len(cells(line, d)) for line in lines) for d in DELIMITERS}
    if max(counts[d] for d in DELIMITERS if d != " ") > 1:
        counts[" "] = 0
    return max(DELIMITERS, key=lambda d: counts[d])


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True


def numbers(lines: bytes, layout: Layout) -> tuple[Times, NDArray[np.float64], int]:
    """Whole lines as times (n,), values (n, columns without the time) and how many lines could
    not be understood. An empty cell is :data:`EMPTY`, one that is no number is NaN."""
    quick = _quick(lines, layout)
    if quick is not None:
        return quick[:, layout.time], quick[:, layout.columns], 0
    return _slow(lines, layout)


def _quick(lines: bytes, layout: Layout) -> NDArray[np.float64] | None:
    """All cells as numbers, (rows, columns), or None where one is none."""
    mark, count = layout.delimiter.encode(), len(layout.names)
    if mark == b" " or b'"' in lines or b"#" in lines:
        return None
    if mark == b";" and b"," in lines:
        return None
    text = lines.replace(b"\r\n", b"\n")
    if not text.endswith(b"\n"):
        text += b"\n"
    if mark + mark in text or mark + b"\n" in text:
        hole = mark + str(EMPTY).encode()
        text = text.replace(mark + mark, hole + mark).replace(mark + mark, hole + mark)
        text = text.replace(mark + b"\n", hole + b"\n")
    letters = np.frombuffer(text, np.uint8)
    ends = np.flatnonzero((letters == mark[0]) | (letters == 10))
    form = np.array([mark[0]] * (count - 1) + [10], np.uint8)
    if len(ends) % count or not (letters[ends].reshape(-1, count) == form).all():
        return None
    try:
        found = np.fromstring(text.replace(b"\n", mark), sep=mark.decode())
    except ValueError:
        return None
    if len(found) != len(ends):
        return None
    table = found.reshape(-1, count)
    table[:, layout.time] = unix_seconds(table[:, layout.time])
    return table


def _slow(lines: bytes, layout: Layout) -> tuple[Times, NDArray[np.float64], int]:
    rows, strange = [], 0
    for line in lines.decode("utf-8", "replace").splitlines():
        if not line.strip() or line.startswith("#"):
            continue
        row = cells(line, layout.delimiter)
        if len(row) > len(layout.names) or len(row) <= layout.time:
            strange += 1
            continue
        rows.append(row + [""] * (len(layout.names) - len(row)))
    if not rows:
        return np.empty(0), np.empty((0, len(layout.columns))), strange
    times = parse_times([row[layout.time] for row in rows])
    values = np.array([[_cell(row[i], layout) for i in layout.columns] for row in rows])
    there = np.isfinite(times)
    strange += int((~there).sum())
    return times[there], values[there], strange


def _cell(text: str, layout: Layout) -> float:
    if not text:
        return EMPTY
    try:
        return float(_with_point(text, layout))
    except ValueError:
        return WORDS.get(text.lower(), np.nan)
