"""Compiled loops over the lines of a slice; imported only by `simulators.projector`."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulators.chords import cover, footprints, interval


@njit(nogil=True, cache=True, error_model="numpy")
def areas(kind, center, inverse, axes, material, z, y0, size, fine, out):  # type: ignore[no-untyped-def]
    """Area fractions into ``out`` (material, y, x), zero before, of rows ``y0`` on.

    Each of ``fine`` lines a row is exact along x.
    """
    rows = out.shape[1]
    n = rows * fine
    half = (size - 1) / 2
    places, heights = np.empty(n), np.full(n, z)
    for i in range(n):
        places[i] = y0 + i // fine + (i % fine + 0.5) / fine - 0.5 - half
    found = np.empty((len(kind), 2), dtype=np.int64)
    most = footprints(kind, center, axes, 0.0, 1.0, places, heights, found) + 1
    starts, ends = np.empty((n, most)), np.empty((n, most))
    counts = np.zeros(n, dtype=np.int64)
    pieces = np.empty((most + 1, 2))
    for body in range(len(kind) - 1, -1, -1):
        m = inverse[body]
        for i in range(found[body, 0], found[body, 1]):
            x, y, h = -center[body, 0], places[i] - center[body, 1], z - center[body, 2]
            t0, t1 = interval(
                kind[body],
                x * m[0, 0] + y * m[1, 0] + h * m[2, 0],
                x * m[0, 1] + y * m[1, 1] + h * m[2, 1],
                x * m[0, 2] + y * m[1, 2] + h * m[2, 2],
                m[0, 0], m[0, 1], m[0, 2],
            )  # fmt: skip
            if t0 >= t1:
                continue
            counts[i], free = cover(starts[i], ends[i], counts[i], t0, t1, pieces)
            if material[body] <= 0:
                continue
            line = out[material[body], i // fine]
            for k in range(free):
                # columns j cover half-open places j .. j + 1 from here on
                a = min(max(pieces[k, 0] + half + 0.5, 0.0), size * 1.0)
                b = min(max(pieces[k, 1] + half + 0.5, 0.0), size * 1.0)
                if a >= b:
                    continue
                i0, i1 = int(a), min(int(b), size - 1)
                if i0 == i1:
                    line[i0] += (b - a) / fine
                    continue
                line[i0] += (i0 + 1 - a) / fine
                for j in range(i0 + 1, i1):
                    line[j] += 1.0 / fine
                line[i1] += (b - i1) / fine


@njit(nogil=True, cache=True, error_model="numpy")
def paint(kind, center, inverse, axes, material, z, y0, size, out):  # type: ignore[no-untyped-def]
    """Materials at voxel centres into ``out`` (y, x), zero before, of rows ``y0`` on."""
    rows = out.shape[0]
    half = (size - 1) / 2
    places, heights = np.arange(rows) + (y0 - half), np.full(rows, z)
    found = np.empty((len(kind), 2), dtype=np.int64)
    footprints(kind, center, axes, 0.0, 1.0, places, heights, found)
    for body in range(len(kind)):
        m = inverse[body]
        for i in range(found[body, 0], found[body, 1]):
            x, y, h = -center[body, 0], places[i] - center[body, 1], z - center[body, 2]
            t0, t1 = interval(
                kind[body],
                x * m[0, 0] + y * m[1, 0] + h * m[2, 0],
                x * m[0, 1] + y * m[1, 1] + h * m[2, 1],
                x * m[0, 2] + y * m[1, 2] + h * m[2, 2],
                m[0, 0], m[0, 1], m[0, 2],
            )  # fmt: skip
            if t0 >= t1:
                continue
            first = int(min(max(np.ceil(t0 + half), 0.0), size * 1.0))
            last = int(min(max(np.floor(t1 + half) + 1.0, 0.0), size * 1.0))
            for j in range(first, last):
                out[i, j] = material[body]
