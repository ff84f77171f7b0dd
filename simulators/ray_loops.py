"""Compiled loop over the rays of a detector row; imported only by `simulators.projector`."""

from __future__ import annotations

import numpy as np
from numba import njit

from simulators.chords import FAR, FLAT, cover, footprints


@njit(nogil=True, cache=True, error_model="numpy")
def _cut(near, far, first, last, places, heights, u, w, c, d):  # type: ignore[no-untyped-def]
    """Clip ``near..far`` of some rays to where ``|q + t d| <= 1``, with ``q = u p + w h − c``."""
    if abs(d) < FLAT:
        for i in range(first, last):
            if abs(places[i] * u + heights[i] * w - c) > 1.0:
                near[i], far[i] = 1.0, 0.0
        return
    turned, half = 1.0 / d, abs(1.0 / d)
    for i in range(first, last):
        middle = (c - places[i] * u - heights[i] * w) * turned
        near[i], far[i] = max(near[i], middle - half), min(far[i], middle + half)


@njit(nogil=True, cache=True, error_model="numpy")
def lengths(kind, center, inverse, axes, material, cosines, sines, u, z, du, dz, fine, out):  # type: ignore[no-untyped-def]
    """Path lengths of every material into ``out`` (material, angle, col), zero before.

    ``u``, ``z`` (angle, col) are the middles of pixels, ``du``, ``dz`` what one pixel more adds.
    """
    angles, columns = u.shape
    n = columns * fine
    places, heights = np.empty(n), np.empty(n)
    found = np.empty((len(kind), 2), dtype=np.int64)
    near, far = np.empty(n), np.empty(n)
    for angle in range(angles):
        cos, sin = cosines[angle], sines[angle]
        for i in range(n):
            column, offset = i // fine, (i % fine + 0.5) / fine - 0.5
            places[i] = u[angle, column] + offset * du[angle, column]
            heights[i] = z[angle, column] + offset * dz[angle, column]
        most = footprints(kind, center, axes, cos, sin, places, heights, found)
        # first the chords of every ray, bodies from the top down, then ray by ray who is seen:
        # what a ray needs stays in the fastest memory
        enter, leave = np.empty((n, most)), np.empty((n, most))
        who = np.empty((n, most), dtype=np.int16)
        counts = np.zeros(n, dtype=np.int64)
        for body in range(len(kind) - 1, -1, -1):
            first, last = found[body, 0], found[body, 1]
            if first == last:
                continue
            m, what, form = inverse[body], material[body], kind[body]
            x, y, h = center[body, 0], center[body, 1], center[body, 2]
            c0 = x * m[0, 0] + y * m[1, 0] + h * m[2, 0]
            c1 = x * m[0, 1] + y * m[1, 1] + h * m[2, 1]
            c2 = x * m[0, 2] + y * m[1, 2] + h * m[2, 2]
            u0 = cos * m[0, 0] + sin * m[1, 0]
            u1 = cos * m[0, 1] + sin * m[1, 1]
            u2 = cos * m[0, 2] + sin * m[1, 2]
            d0 = -sin * m[0, 0] + cos * m[1, 0]
            d1 = -sin * m[0, 1] + cos * m[1, 1]
            d2 = -sin * m[0, 2] + cos * m[1, 2]
            a = d0 * d0 + d1 * d1 + (d2 * d2 if form == 0 else 0.0)
            if form == 2 or a < FLAT * FLAT:
                near[first:last], far[first:last] = -FAR, FAR
            else:
                turned, deep = 1.0 / a, form == 0
                for i in range(first, last):
                    p, h = places[i], heights[i]
                    q0 = p * u0 + h * m[2, 0] - c0
                    q1 = p * u1 + h * m[2, 1] - c1
                    q2 = (p * u2 + h * m[2, 2] - c2) * deep
                    b = (q0 * d0 + q1 * d1 + q2 * d2) * turned
                    c = (q0 * q0 + q1 * q1 + q2 * q2 - 1.0) * turned
                    root = np.sqrt(max(b * b - c, 0.0))
                    near[i], far[i] = -b - root, root - b
            if form == 2:
                _cut(near, far, first, last, places, heights, u0, m[2, 0], c0, d0)
                _cut(near, far, first, last, places, heights, u1, m[2, 1], c1, d1)
            elif a < FLAT * FLAT:
                for i in range(first, last):
                    q0 = places[i] * u0 + heights[i] * m[2, 0] - c0
                    q1 = places[i] * u1 + heights[i] * m[2, 1] - c1
                    if q0 * q0 + q1 * q1 >= 1.0:
                        near[i], far[i] = 1.0, 0.0
            if form != 0:
                _cut(near, far, first, last, places, heights, u2, m[2, 2], c2, d2)
            for i in range(first, last):
                if near[i] < far[i]:
                    enter[i, counts[i]], leave[i, counts[i]] = near[i], far[i]
                    who[i, counts[i]] = what
                    counts[i] += 1
        starts, ends, pieces = np.empty(most + 1), np.empty(most + 1), np.empty((most + 1, 2))
        for i in range(n):
            taken = 0
            for k in range(counts[i]):
                taken, free = cover(starts, ends, taken, enter[i, k], leave[i, k], pieces)
                if who[i, k] > 0:
                    length = 0.0
                    for piece in range(free):
                        length += pieces[piece, 1] - pieces[piece, 0]
                    out[who[i, k], angle, i // fine] += length / fine
