"""Times as people and programs write them, to unix seconds."""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import UTC, datetime

import numpy as np
from numpy.typing import NDArray

from metadata.dates import FORMATS
from metadata.series import Times

# Above these a number of our times can only be in thousandths, millionths, … of a second.
FINER = ((1e17, 1e-9), (1e14, 1e-6), (1e11, 1e-3))
ZONE = re.compile(r"(?:Z|[+-]00:?00)$")
DIGITS = re.compile(r"^[\d]{4}-?\d\d-?\d\d(?:[T ][\d:.]*)?$")


def unix_seconds(numbers: NDArray[np.float64]) -> Times:
    """Numbers of seconds since 1970, or of ms, µs or ns, which their size tells.

    >>> unix_seconds(np.array([1.7e12, 1.7e12 + 1500])).tolist()
    [1700000000.0, 1700000001.5]
    """
    finite = np.abs(numbers[np.isfinite(numbers)])
    size = float(np.median(finite)) if finite.size else 0.0
    for least, unit in FINER:
        if size > least:
            return numbers * unit
    return numbers


def parse_time(text: str) -> float | None:
    """One time in unix s: a number, ISO-8601, or a date as beamlines write it; without a zone it
    is UTC; None where it is none of these.

    >>> parse_time("2026-01-01T00:00:00Z"), parse_time("1767225600"), parse_time("soon")
    (1767225600.0, 1767225600.0, None)
    """
    text = text.strip()
    try:
        return float(unix_seconds(np.array([float(text)]))[0])
    except ValueError:
        pass
    found: datetime | None = None
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        for form in FORMATS:
            try:
                found = datetime.strptime(text, form)
                break
            except ValueError:
                continue
    if found is None:
        return None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


def parse_times(texts: Sequence[str]) -> Times:
    """A column of times; NaN where one cannot be understood.

    >>> parse_times(["2026-01-01 00:00:00", "2026-01-01T00:00:00.5Z", "?"]).tolist()
    [1767225600.0, 1767225600.5, nan]
    """
    bare = [ZONE.sub("", text.strip()) for text in texts]
    if all(map(DIGITS.match, bare)):
        try:
            # Datetime64 takes no zone; microseconds hold what a float64 of today's times can.
            stamps = np.array(bare, dtype="datetime64[us]").astype(np.int64)
            return stamps.astype(np.float64) / 1e6
        except ValueError:
            pass
    numbers = np.array([_number(text) for text in bare])
    if np.isfinite(numbers).sum() > len(numbers) / 2:
        return unix_seconds(numbers)
    found = (parse_time(text) for text in texts)
    return np.array([np.nan if time is None else time for time in found])


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return np.nan
