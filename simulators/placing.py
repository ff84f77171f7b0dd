"""Compiled loop of random sequential addition; imported only by `simulators.packing`."""

from __future__ import annotations

import numpy as np
from numba import njit


@njit(nogil=True, cache=True)
def place(first, offset, size, heights, radius, inside, cell, tries, rng):  # type: ignore[no-untyped-def]
    """Places for items made of beads so that no beads of two items overlap.

    Item ``i`` has the beads ``first[i]`` to ``first[i + 1]`` with ``offset`` (bead, 3) from its
    middle and radii ``size`` (bead); its middle is drawn with ``|z| <= heights[i]`` and such that
    ``inside`` of every bead's radius is within ``radius`` of the axis. Returns middles (item, 3)
    and whether a place was found in ``tries`` attempts.
    """
    items = len(first) - 1
    middles, kept = np.zeros((items, 3)), np.zeros(items, dtype=np.bool_)
    tall = 0.0
    for i in range(items):
        for b in range(first[i], first[i + 1]):
            tall = max(tall, heights[i] + abs(offset[b, 2]) + size[b])
    nx = int(2 * (radius + size.max()) / cell) + 3
    nz = int(2 * tall / cell) + 3
    x0, z0 = -0.5 * nx * cell, -0.5 * nz * cell
    head = np.full(nx * nx * nz, -1, dtype=np.int32)
    linked = np.empty(1024, dtype=np.int32)
    member = np.empty(1024, dtype=np.int32)
    used = 0
    place_of = np.empty((len(size), 3))
    for i in range(items):
        for _ in range(tries):
            away, turn = radius * np.sqrt(rng.random()), 2 * np.pi * rng.random()
            x, y = away * np.cos(turn), away * np.sin(turn)
            z = heights[i] * (2 * rng.random() - 1)
            free = True
            for b in range(first[i], first[i + 1]):
                px, py, pz = x + offset[b, 0], y + offset[b, 1], z + offset[b, 2]
                if np.hypot(px, py) + inside * size[b] > radius:
                    free = False
                    break
                place_of[b, 0], place_of[b, 1], place_of[b, 2] = px, py, pz
                s = size[b]
                for iz in range(int((pz - s - z0) / cell), int((pz + s - z0) / cell) + 1):
                    for iy in range(int((py - s - x0) / cell), int((py + s - x0) / cell) + 1):
                        for ix in range(int((px - s - x0) / cell), int((px + s - x0) / cell) + 1):
                            entry = head[(iz * nx + iy) * nx + ix]
                            while entry >= 0:
                                o = member[entry]
                                apart = (
                                    (px - place_of[o, 0]) ** 2
                                    + (py - place_of[o, 1]) ** 2
                                    + (pz - place_of[o, 2]) ** 2
                                )
                                if apart < (s + size[o]) ** 2:
                                    free = False
                                    break
                                entry = linked[entry]
                            if not free:
                                break
                        if not free:
                            break
                    if not free:
                        break
                if not free:
                    break
            if not free:
                continue
            kept[i] = True
            middles[i] = x, y, z
            for b in range(first[i], first[i + 1]):
                px, py, pz = place_of[b]
                s = size[b]
                for iz in range(int((pz - s - z0) / cell), int((pz + s - z0) / cell) + 1):
                    for iy in range(int((py - s - x0) / cell), int((py + s - x0) / cell) + 1):
                        for ix in range(int((px - s - x0) / cell), int((px + s - x0) / cell) + 1):
                            if used == len(linked):
                                linked = np.concatenate((linked, np.empty_like(linked)))
                                member = np.concatenate((member, np.empty_like(member)))
                            at = (iz * nx + iy) * nx + ix
                            linked[used], member[used] = head[at], b
                            head[at] = used
                            used += 1
            break
    return middles, kept


@njit(nogil=True, cache=True)
def enlarge(middles, sizes, limits, order):  # type: ignore[no-untyped-def]
    """Radii as large as ``limits`` and the neighbours allow, one sphere after the other."""
    n = len(sizes)
    grown = sizes.copy()
    cell = 2 * limits.max()
    low = np.array([middles[:, k].min() for k in range(3)])
    shape = np.array([int((middles[:, k].max() - low[k]) / cell) + 1 for k in range(3)])
    head = np.full(shape.prod(), -1, dtype=np.int64)
    linked = np.empty(n, dtype=np.int64)
    seats = np.empty((n, 3), dtype=np.int64)
    for i in range(n):
        for k in range(3):
            seats[i, k] = int((middles[i, k] - low[k]) / cell)
        at = (seats[i, 2] * shape[1] + seats[i, 1]) * shape[0] + seats[i, 0]
        linked[i], head[at] = head[at], i
    for i in order:
        size = limits[i]
        for iz in range(max(seats[i, 2] - 1, 0), min(seats[i, 2] + 2, shape[2])):
            for iy in range(max(seats[i, 1] - 1, 0), min(seats[i, 1] + 2, shape[1])):
                for ix in range(max(seats[i, 0] - 1, 0), min(seats[i, 0] + 2, shape[0])):
                    o = head[(iz * shape[1] + iy) * shape[0] + ix]
                    while o >= 0:
                        if o != i:
                            dx = middles[i, 0] - middles[o, 0]
                            dy = middles[i, 1] - middles[o, 1]
                            dz = middles[i, 2] - middles[o, 2]
                            size = min(size, np.sqrt(dx * dx + dy * dy + dz * dz) - grown[o])
                        o = linked[o]
        grown[i] = max(size, sizes[i])
    return grown
