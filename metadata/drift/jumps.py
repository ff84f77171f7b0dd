"""Drifts that come by jumps: how likely one is, and what is left of its life.

Between its onset and now such a drift may have gone any way: a random walk added to the normal says
how well that fits. How far it has come then tells how much of its life is over, by the heights
that simulated walks of jumps have at each part of their lives (compound Poisson in bursts, like
the intermittent stripes of APS 2-BM: active a third of the time on a quiet background).
"""

from __future__ import annotations

from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.drift.shapes import AGES, remaining
from metadata.drift.window import Window

Floats = NDArray[np.float64]

#: Ages that are tried: every second of the bank's.
ROWS = np.arange(1, len(AGES), 2)
PARTS = np.linspace(0.03, 0.99, 33)
HEIGHTS = np.linspace(-0.3, 1.3, 33)
WALKS, SLOTS, ACTIVE = 3000, 20, 7
# Variance of a walk at the end of its life, of the squared way: what the simulated ones have.
VARIANCE = 0.28
# The level of now and the way to the limit are known to so much of the way.
BLUR = 0.15


def jumps(
    window: Window,
    covariance: Floats,
    way: Floats,
    base: Floats,
    side: int,
    grid: Floats,
    tilt: float,
) -> tuple[Floats, Floats]:
    """Log evidence of each age (ages,) against no drift, and the density over ``grid`` (days) of
    what is left of its life (ages, grid).

    ``way`` to the limit and ``base`` level before each of the ages ``AGES[ROWS]``.
    """
    y = window.y - window.y @ window.n / window.n.sum()
    known = [k for k, row in enumerate(ROWS) if np.isfinite(base[k]) and way[k] > 0]
    since = np.maximum(AGES[ROWS[known], None] - window.ages, 0.0)
    each = VARIANCE * way[known] ** 2 / 2 / AGES[ROWS[known]]
    walks = each[:, None, None] * np.minimum(since[:, :, None], since[:, None, :])
    likely = _log_likelihood(
        y, covariance + np.concatenate([np.zeros((1, *covariance.shape)), walks])
    )
    newest = window.ages < window.ages.min() + 0.6
    now = np.average(window.y[newest], weights=window.n[newest])
    evidence = np.full(len(ROWS), -np.inf)
    left = np.zeros((len(ROWS), len(grid)))
    for number, place in enumerate(known):
        age = AGES[ROWS[place]]
        height = side * (now - base[place]) / way[place]
        lives, before = remaining(float(age))
        part = age / lives
        chance = before * (4 * part * (1 - part)) ** tilt
        chance *= _height(part, height)
        usual = np.exp(-0.5 * height**2 / (VARIANCE / 2)) / np.sqrt(np.pi * VARIANCE)
        total = float(chance.sum())
        if total <= 0:
            continue
        evidence[place] = likely[number + 1] - likely[0] + np.log(total / max(usual, 1e-12))
        z = (np.log(grid) - np.log(lives - age)[:, None]) / 0.2
        each = np.exp(-0.5 * z**2)
        left[place] = (chance / total) @ (each / (each.sum(axis=1, keepdims=True) + 1e-300))
    return evidence, left


def _log_likelihood(y: Floats, covariances: Floats) -> Floats:
    """Of readings (rows,) under each of the covariances (n, rows, rows)."""
    roots = np.linalg.cholesky(covariances)
    fit = np.linalg.solve(covariances, np.broadcast_to(y, covariances.shape[:2])[..., None])[..., 0]
    logs = np.log(np.diagonal(roots, axis1=1, axis2=2)).sum(axis=1)
    return np.asarray(-0.5 * fit @ y - logs, np.float64)


def _height(parts: Floats, height: float) -> Floats:
    """Density of the height of a walk when each of the ``parts`` of its life is over."""
    rows = np.abs(PARTS - parts[:, None]).argmin(axis=1)
    place = (height - HEIGHTS[0]) / (HEIGHTS[1] - HEIGHTS[0])
    if not 0 <= place <= len(HEIGHTS) - 1:
        return np.zeros(len(parts))
    low = min(int(place), len(HEIGHTS) - 2)
    table = _heights()[rows]
    return np.asarray(table[:, low] + (place - low) * (table[:, low + 1] - table[:, low]))


@cache
def _heights() -> Floats:
    """Densities (parts, heights) from simulated walks; the record at the end of the life is 1."""
    rng = np.random.default_rng(0)
    table = np.zeros((len(PARTS), len(HEIGHTS)))
    for _ in range(WALKS):
        places = np.sort(rng.choice(SLOTS, ACTIVE, replace=False) + rng.random(ACTIVE)) / SLOTS
        sizes = rng.exponential(1.0, ACTIVE) * rng.choice([1, 1, 1, 1, -0.5], ACTIVE)
        total = np.maximum(np.concatenate([[0.0], np.cumsum(sizes)]), 0)
        whole = total.max() + rng.exponential(1.0) + 0.3
        height = total[np.searchsorted(places, PARTS)] / whole
        blurred = np.exp(-0.5 * ((HEIGHTS - height[:, None]) / BLUR) ** 2)
        table += blurred
    width = HEIGHTS[1] - HEIGHTS[0]
    return table / (table.sum(axis=1, keepdims=True) * width)
