"""Samples as few bytes, and back to the last bit of every number."""

from __future__ import annotations

import struct
import zlib
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

from metadata.series import Times, Values

HEAD = struct.Struct("<BIbqqBB")  # version, count, decimals, first time, step, widths
PLAIN, VERSION = 0, 1
SHORT = struct.Struct("<BI")
LEVEL = 1
DECIMALS = 9
EXACT = 2.0**53
FLOAT32, FLOAT64 = -2, -1  # in place of decimals
SMALL = 64  # below this many samples compressing takes longer than it saves


def encode(times: Times, values: Values, marks: NDArray[np.uint8]) -> bytes:
    """Times as differences of their bits; values as whole numbers of a decimal place where that
    is exact, else as float32 or float64; then bytes of the same weight together, deflated.

    >>> t = 1.7e9 + np.arange(3600.0)
    >>> v = np.round(np.sin(t), 3)
    >>> packed = encode(t, v, np.zeros(3600, np.uint8))
    >>> len(packed) < 3 * 3600, all((a == b).all() for a, b in zip(decode(packed), (t, v)))
    (True, True)
    """
    if len(times) < SMALL:
        plain = (np.ascontiguousarray(times, "<f8"), np.ascontiguousarray(values, "<f8"), marks)
        return SHORT.pack(PLAIN, len(times)) + b"".join(part.tobytes() for part in plain)
    bits = np.ascontiguousarray(times, "<f8").view("<i8")
    steps = np.diff(bits)
    step = int(np.median(steps)) if len(steps) else 0
    along, width = _narrow(steps - step)
    known = np.isfinite(values)
    decimals, whole = _decimal(values, known)
    if decimals == FLOAT64:
        body = np.ascontiguousarray(values, "<f8").view(np.uint8)
        size = 8
    elif decimals == FLOAT32:
        body = values.astype("<f4").view(np.uint8)
        size = 4
    else:
        plain, changes = whole - whole[0], np.diff(whole, prepend=whole[0])
        # Smooth series change by less than they reach; noise changes by more.
        smooth = np.abs(changes).sum() < np.abs(plain - plain.mean()).sum()
        body, size = _narrow(changes if smooth else plain)
        size |= 128 if smooth else 0
    parts = [_together(along, width), _together(body, size & 15)]
    if decimals >= 0:
        parts.append(struct.pack("<q", int(whole[0])))
        parts.append(b"" if known.all() else np.packbits(known).tobytes())
    parts.append(marks.tobytes() if marks.any() else b"")
    head = HEAD.pack(VERSION, len(times), decimals, int(bits[0]), step, width, size)
    lengths = struct.pack(f"<B{len(parts)}I", len(parts), *map(len, parts))
    return head + zlib.compress(lengths + b"".join(parts), LEVEL)


def decode(packed: bytes) -> tuple[Times, Values, NDArray[np.uint8]]:
    """What :func:`encode` was given; every NaN is the same NaN."""
    if packed[0] == PLAIN:
        _, count = SHORT.unpack_from(packed)
        times, values = np.frombuffer(packed, "<f8", 2 * count, SHORT.size).reshape(2, count).copy()
        return times, values, np.frombuffer(packed, np.uint8, count, SHORT.size + 16 * count).copy()
    _, count, decimals, first, step, width, size = HEAD.unpack_from(packed)
    rest = zlib.decompress(packed[HEAD.size :])
    number = rest[0]
    lengths = struct.unpack_from(f"<{number}I", rest, 1)
    ends = np.cumsum((1 + 4 * number, *lengths))
    parts = [rest[a:b] for a, b in pairwise(ends)]
    bits = np.empty(count, "<i8")
    bits[0] = 0
    np.cumsum(_apart(parts[0], width) + step, out=bits[1:])
    times = (bits + first).view("<f8")
    marks = np.frombuffer(parts[-1], np.uint8) if parts[-1] else np.zeros(count, np.uint8)
    if decimals < 0:
        raw = _apart_bytes(parts[1], size)
        values = raw.view("<f8") if decimals == FLOAT64 else raw.view("<f4").astype(np.float64)
        return times, values, marks.copy()
    whole = _apart(parts[1], size & 15)
    if size & 128:
        whole = np.cumsum(whole)
    values = (whole + struct.unpack("<q", parts[2])[0]) / 10.0**decimals
    if parts[3]:
        values[np.unpackbits(np.frombuffer(parts[3], np.uint8), count=count) == 0] = np.nan
    return times, values, marks.copy()


def _decimal(values: Values, known: NDArray[np.bool_]) -> tuple[int, NDArray[np.int64]]:
    """The decimal places that hold the values exactly, and the values as whole numbers of the last
    of them, NaN as the one before; or which float holds them."""
    none = np.zeros(0, np.int64)
    if not known.any():
        return 0, np.zeros(len(values), np.int64)
    if not np.array_equal(known, ~np.isnan(values)):  # there are infinities
        return FLOAT64, none
    if not known.all():
        before = np.maximum.accumulate(np.where(known, np.arange(len(values)), -1))
        values = values[np.maximum(before, int(np.argmax(known)))]
    look = values[:: max(len(values) // 50, 1)]
    for decimals in range(DECIMALS + 1):
        if not _holds(look, decimals):
            continue
        if _holds(values, decimals):
            return decimals, np.rint(values * 10.0**decimals).astype(np.int64)
    with np.errstate(over="ignore"):
        short = values.astype(np.float32)
    return (FLOAT32 if known.all() and np.array_equal(short, values) else FLOAT64), none


def _holds(values: Values, decimals: int) -> bool:
    with np.errstate(over="ignore", invalid="ignore"):
        whole = np.rint(values * 10.0**decimals)
        return bool((np.abs(whole) < EXACT).all() and (whole / 10.0**decimals == values).all())


def _narrow(whole: NDArray[np.int64]) -> tuple[NDArray, int]:
    """In the fewest bytes that hold them (1, 2, 4, 8), and how many."""
    low, high = (int(whole.min()), int(whole.max())) if len(whole) else (0, 0)
    for size in (1, 2, 4):
        if -(1 << 8 * size - 1) <= low and high < 1 << 8 * size - 1:
            return whole.astype(f"<i{size}"), size
    return whole.astype("<i8"), 8


def _together(numbers: NDArray, size: int) -> bytes:
    return np.ascontiguousarray(numbers).view(np.uint8).reshape(-1, size).T.tobytes()


def _apart_bytes(raw: bytes, size: int) -> NDArray[np.uint8]:
    return np.ascontiguousarray(np.frombuffer(raw, np.uint8).reshape(size, -1).T).reshape(-1)


def _apart(raw: bytes, size: int) -> NDArray[np.int64]:
    return _apart_bytes(raw, size).view(f"<i{size}").astype(np.int64)
