"""Scans named by people, opened for one piece of work and closed after it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import Any

from metadata import InputError, Scan, open_scan

ScanPath = str | Path | Scan


@contextmanager
def opened(
    scans: Sequence[ScanPath] | ScanPath, reading: Mapping[str, Any] = {}
) -> Iterator[list[Scan]]:
    """The scans behind some paths, closed at the end; those handed over open stay open.

    ``reading``: what :func:`metadata.open_scan` is to be told of the files (``data``, ``angles``,
    ``flats``, ``darks``, ``state``, ``content``). Raises ScanError for the first that does not
    open, after closing those before it, and InputError where none is named.
    """
    listed = [scans] if isinstance(scans, str | Path | Scan) else list(scans)
    if not listed:
        raise InputError(
            "No scan was named. Expected the path of at least one scan after the text."
        )
    with ExitStack() as stack:
        yield [
            one if isinstance(one, Scan) else stack.enter_context(open_scan(one, **reading))
            for one in listed
        ]
