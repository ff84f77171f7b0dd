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
BLUR = 0.1


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
    none = _log_likelihood(y, covariance)
    newest = window.ages < window.ages.min() + 0.6
    now = np.average(window.y[newest], weights=window.n[newest])
    evidence = np.full(len(ROWS), -np.inf)
    left = np.zeros((len(ROWS), len(grid)))
    for place, row in enumerate(ROWS):
        age = AGES[row]
        if not np.isfinite(base[place]) or way[place] <= 0:
            continue
        since = np.maximum(age - window.ages, 0.0)
        variance = VARIANCE * way[place] ** 2 / 2
        walk = variance / age * np.minimum(since[:, None], since[None, :])
        height = side * (now - base[place]) / way[place]
        lives, before = remaining(float(age))
        part = age / lives
        chance = before * (4 * part * (1 - part)) ** tilt
        chance *= np.array([_height(p, height) for p in part])
        usual = np.exp(-0.5 * height**2 / (VARIANCE / 2)) / np.sqrt(np.pi * VARIANCE)
        total = float(chance.sum())
        if total <= 0:
            continue
        value = _log_likelihood(y, covariance + walk) - none
        evidence[place] = value + np.log(total / max(usual, 1e-12))
        z = (np.log(grid) - np.log(lives - age)[:, None]) / 0.2
        each = np.exp(-0.5 * z**2)
        left[place] = (chance / total) @ (each / (each.sum(axis=1, keepdims=True) + 1e-300))
    return evidence, left


def _log_likelihood(y: Floats, covariance: Floats) -> float:
    root = np.linalg.cholesky(covariance)
    return float(-0.5 * y @ np.linalg.solve(covariance, y) - np.log(np.diag(root)).sum())


def _height(part: float, height: float) -> float:
    """Density of the height of a walk when ``part`` of its life is over."""
    row = _heights()[int(np.argmin(np.abs(PARTS - part)))]
    return float(np.interp(height, HEIGHTS, row, left=0.0, right=0.0))


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
