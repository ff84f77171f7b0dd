"""Compiled loops of the projector: where a straight ray is inside a body, and who is on top.

Imported only by `simulators.projector`, when something is projected: loading numba takes a while.
The loops release the interpreter's lock and are run from ordinary threads, so that they may be
called from any number of threads and processes at once.
"""

from __future__ import annotations

import numpy as np
from numba import njit

FAR = 1e30
FLAT = 1e-12


@njit(nogil=True, cache=True, error_model="numpy", inline="always")
def _slab(q, d, t0, t1):  # type: ignore[no-untyped-def]
    """Clip ``t0..t1`` to where ``|q + t d| <= 1``."""
    if abs(d) < FLAT:
        if abs(q) > 1.0:
            return 1.0, 0.0
        return t0, t1
    a, b = (-1.0 - q) / d, (1.0 - q) / d
    if a > b:
        a, b = b, a
    return max(t0, a), min(t1, b)


@njit(nogil=True, cache=True, error_model="numpy")
def interval(kind, q0, q1, q2, d0, d1, d2):  # type: ignore[no-untyped-def]
    """Where the line ``q + t d`` is inside a unit body: ``t0, t1``, empty if ``t0 >= t1``."""
    if kind == 2:
        t0, t1 = _slab(q0, d0, -FAR, FAR)
        t0, t1 = _slab(q1, d1, t0, t1)
        return _slab(q2, d2, t0, t1)
    a = d0 * d0 + d1 * d1
    b = q0 * d0 + q1 * d1
    c = q0 * q0 + q1 * q1 - 1.0
    if kind == 0:
        a += d2 * d2
        b += q2 * d2
        c += q2 * q2
    if a < FLAT * FLAT:
        if c >= 0.0:
            return 1.0, 0.0
        t0, t1 = -FAR, FAR
    else:
        square = b * b - a * c
        if square <= 0.0:
            return 1.0, 0.0
        root = np.sqrt(square)
        t0, t1 = (-b - root) / a, (-b + root) / a
    if kind == 1:
        t0, t1 = _slab(q2, d2, t0, t1)
    return t0, t1


@njit(nogil=True, cache=True, error_model="numpy")
def shadow(kind, axes, cos, sin, z0, z1):  # type: ignore[no-untyped-def]
    """Bounds, from the centre, of a body's section at heights ``z0..z1`` (from the centre) along
    ``(cos, sin, 0)``; empty if the first is larger.

    Leaving out one condition of the unit body gives a bound that is linear in the height; the
    tightest of them counts.
    """
    u0 = axes[0, 0] * cos + axes[0, 1] * sin
    u1 = axes[1, 0] * cos + axes[1, 1] * sin
    u2 = axes[2, 0] * cos + axes[2, 1] * sin
    w0, w1, w2 = axes[0, 2], axes[1, 2], axes[2, 2]
    near = max(z0, -z1, 0.0)
    if kind == 0:
        tall = w0 * w0 + w1 * w1 + w2 * w2
        wide = np.sqrt(u0 * u0 + u1 * u1 + u2 * u2)
        if near * near > tall:
            return 1.0, 0.0
        low, high = -wide, wide
        if tall > FLAT:
            slope = (u0 * w0 + u1 * w1 + u2 * w2) / tall
            half = np.sqrt(max(wide * wide - slope * slope * tall, 0.0) * (1 - near * near / tall))
            low = max(low, min(slope * z0, slope * z1) - half)
            high = min(high, max(slope * z0, slope * z1) + half)
        return low, high
    if kind == 1:
        if near > np.sqrt(w0 * w0 + w1 * w1) + abs(w2):
            return 1.0, 0.0
        wide = np.sqrt(u0 * u0 + u1 * u1) + abs(u2)
        low, high = -wide, wide
        if abs(w2) > FLAT:
            slope = u2 / w2
            half = np.hypot(u0 - slope * w0, u1 - slope * w1)
            low = max(low, min(slope * z0, slope * z1) - half)
            high = min(high, max(slope * z0, slope * z1) + half)
        return low, high
    if near > abs(w0) + abs(w1) + abs(w2):
        return 1.0, 0.0
    wide = abs(u0) + abs(u1) + abs(u2)
    low, high = -wide, wide
    for u, w in ((u0, w0), (u1, w1), (u2, w2)):
        if abs(w) > FLAT:
            slope = u / w
            half = abs(u0 - slope * w0) + abs(u1 - slope * w1) + abs(u2 - slope * w2)
            low = max(low, min(slope * z0, slope * z1) - half)
            high = min(high, max(slope * z0, slope * z1) + half)
    return low, high


@njit(nogil=True, cache=True, error_model="numpy")
def cover(starts, ends, count, t0, t1, pieces):  # type: ignore[no-untyped-def]
    """Add ``t0..t1`` to the ``count`` disjoint intervals in order; ``pieces`` gets what was free.

    Returns the new count and the number of pieces.
    """
    first, beyond = 0, count  # halve until ends[first - 1] < t0 <= ends[first]
    while first < beyond:
        half = (first + beyond) // 2
        if ends[half] < t0:
            first = half + 1
        else:
            beyond = half
    last, free, at = first, 0, t0
    while last < count and starts[last] <= t1:
        if starts[last] > at:
            pieces[free, 0], pieces[free, 1] = at, starts[last]
            free += 1
        at = max(at, ends[last])
        last += 1
    if at < t1:
        pieces[free, 0], pieces[free, 1] = at, t1
        free += 1
    if last == first:
        for i in range(count, first, -1):
            starts[i], ends[i] = starts[i - 1], ends[i - 1]
        starts[first], ends[first] = t0, t1
        return count + 1, free
    starts[first] = min(t0, starts[first])
    ends[first] = max(t1, ends[last - 1])
    gone = last - first - 1
    if gone:
        for i in range(last, count):
            starts[i - gone], ends[i - gone] = starts[i], ends[i]
    return count - gone, free


@njit(nogil=True, cache=True, error_model="numpy")
def _reached(places, low, high):  # type: ignore[no-untyped-def]
    """The rays of ascending ``places`` from ``low`` to ``high``: first, one past the last."""
    n = len(places)
    if low > places[n - 1] or high < places[0]:
        return 0, 0
    step = (places[n - 1] - places[0]) / max(n - 1, 1)
    first = last = 0
    if step > 0:
        first = int(min(max((low - places[0]) / step, 0.0), n - 1.0))
        last = int(min(max((high - places[0]) / step, 0.0), n - 1.0))
    while first > 0 and places[first - 1] >= low:
        first -= 1
    while first < n and places[first] < low:
        first += 1
    while last > 0 and places[last - 1] > high:
        last -= 1
    while last < n and places[last] <= high:
        last += 1
    return first, last


@njit(nogil=True, cache=True, error_model="numpy")
def footprints(kind, center, axes, cos, sin, places, heights, found):  # type: ignore[no-untyped-def]
    """Fill ``found`` (body, (first, last)) with the rays each body may touch; returns how many
    bodies the most crowded ray has."""
    n = len(places)
    z0, z1 = heights.min(), heights.max()
    crowd = np.zeros(n + 1, dtype=np.int32)
    for body in range(len(kind)):
        low, high = shadow(
            kind[body], axes[body], cos, sin, z0 - center[body, 2], z1 - center[body, 2]
        )
        first = last = 0
        if low <= high:
            middle = center[body, 0] * cos + center[body, 1] * sin
            # a hair wider: rounding must not lose a ray that grazes the body
            first, last = _reached(places, middle + low - 1e-6, middle + high + 1e-6)
        found[body, 0], found[body, 1] = first, last
        if first < last:
            crowd[first] += 1
            crowd[last] -= 1
    most = now = 0
    for i in range(n):
        now += crowd[i]
        most = max(most, now)
    return most
