"""Limits as people type them on the command line."""

from __future__ import annotations

import re

from metadata.errors import InputError

UNITS = {
    "": 1, "b": 1, "kb": 1e3, "mb": 1e6, "gb": 1e9, "tb": 1e12,
    "kib": 2**10, "mib": 2**20, "gib": 2**30, "tib": 2**40, "m": 2**20, "g": 2**30,
}  # fmt: skip


def memory_bytes(text: str) -> int:
    """Bytes from text such as ``8GiB`` or ``500 MB``.

    >>> memory_bytes("8GiB") == 8 * 2**30
    True
    """
    match = re.fullmatch(r"\s*([0-9]*\.?[0-9]+)\s*([a-zA-Z]*)\s*", text)
    if not match or match[2].lower() not in UNITS or float(match[1]) <= 0:
        raise InputError(f"The memory {text!r} is not understood. Expected a size such as 8GiB.")
    return int(float(match[1]) * UNITS[match[2].lower()])


def row_slice(text: str) -> slice:
    """Rows from text such as ``100:200`` (the last one left out).

    >>> row_slice("100:200")
    slice(100, 200, None)
    """
    match = re.fullmatch(r"\s*(\d*)\s*:\s*(\d*)\s*", text)
    if not match:
        raise InputError(f"The slices {text!r} are not understood. Expected a range as 100:200.")
    start = int(match[1]) if match[1] else 0
    stop = int(match[2]) if match[2] else None
    if stop is not None and stop <= start:
        raise InputError(f"The slices {text!r} hold no row. Expected a range as 100:200.")
    return slice(start, stop)
