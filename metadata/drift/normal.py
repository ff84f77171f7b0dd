"""What a metric does when nothing is wrong, as a Gaussian process.

Readings are an unknown level, plus wander (an Ornstein-Uhlenbeck process of days), plus what moves
within hours, plus the day's swing whose size changes slowly, plus noise; the level may step
after maintenance and differs between set-points. How large each is the metric's own past says
(marginal likelihood over a grid), and nothing has to be tuned.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.drift.window import Window, bin_ages, pooling

Floats = NDArray[np.float64]

SLOW_DAYS = (1.3, 3.5)
FAST_DAYS = 0.25
SWING_DAYS = 3.0
SLOW_SIZES = np.array([0.15, 0.3, 0.45, 0.65, 0.95, 1.4, 2.0, 3.0, 5.0, 10.0])
FAST_SIZES = np.array([0.0, 0.25, 0.6, 1.5, 3.5, 8.0])
# Part of the day's swing that comes and goes over days.
SWING_CHANGE = 0.25


@dataclass(frozen=True)
class Normal:
    """Standard deviations in the metric's unit: ``noise`` of one sub-bin, ``slow`` wander with
    memory ``SLOW_DAYS[memory]``, ``fast`` within hours."""

    noise: float
    slow: float
    memory: int
    fast: float


@cache
def _kernels() -> dict[str, Floats]:
    """Unit covariances between the rows of the whole window."""
    ago = bin_ages()
    lag = np.abs(ago[:, None] - ago[None, :])
    pool = pooling()

    def rows(kernel: Floats) -> Floats:
        return pool @ kernel @ pool.T

    found = {f"slow{i}": rows(np.exp(-lag / days)) for i, days in enumerate(SLOW_DAYS)}
    found["fast"] = rows(np.exp(-lag / FAST_DAYS))
    found["swing"] = rows(np.cos(2 * np.pi * lag))
    middle = pool @ ago
    found["days"] = np.exp(-np.abs(middle[:, None] - middle[None, :]) / SWING_DAYS)
    # Seasons and weather: as much as the wander itself in 40 days.
    trend = np.outer(middle, middle) / 40.0**2
    for i in range(len(SLOW_DAYS)):
        found[f"slow{i}"] += trend
    return found


def covariance(normal: Normal, window: Window, step: float, key: float) -> Floats:
    """Of the window's rows (rows, rows). ``step`` and ``key``: standard deviations of the level's
    change at a new era and between set-points."""
    found = _given(normal.noise, normal.slow + normal.fast, window, step, key)
    at = np.ix_(window.rows, window.rows)
    kernels = _kernels()
    found += normal.slow**2 * kernels[f"slow{normal.memory}"][at]
    return found + normal.fast**2 * kernels["fast"][at]


def _given(noise: float, other: float, window: Window, step: float, key: float) -> Floats:
    """The part of the covariance that is not wander: level, swing, steps, noise."""
    at = np.ix_(window.rows, window.rows)
    kernels = _kernels()
    found = (SWING_CHANGE**2 * kernels["days"][at] + 0.1**2) * np.outer(window.swing, window.swing)
    found += (0.25 * noise) ** 2 * kernels["swing"][at]
    found += (30.0 * (noise + other + step + key)) ** 2
    if window.eras.shape[1]:
        found += step**2 * window.eras @ window.eras.T
    if window.keys.shape[1]:
        found += key**2 * window.keys @ window.keys.T
    found[np.diag_indices_from(found)] += noise**2 / window.n
    return found


def log_likelihood(y: Floats, covariance: Floats) -> float:
    """Of readings under a Gaussian with this covariance and mean 0, without its constant."""
    root = np.linalg.cholesky(covariance)
    return float(-0.5 * y @ np.linalg.solve(covariance, y) - np.log(np.diag(root)).sum())


def learn(window: Window, noise: float, reading: float, step: float, key: float) -> Normal:
    """The most likely normal of a window. ``noise`` and ``reading``: standard deviations of one
    sub-bin and of one reading."""
    y = window.y - float(np.average(window.y, weights=window.n))
    at = np.ix_(window.rows, window.rows)
    kernels = _kernels()
    slows = [kernels[f"slow{i}"][at] for i in range(len(SLOW_DAYS))]
    quick = kernels["fast"][at]
    given = _given(noise, reading, window, step, key)

    def value(slow: float, memory: int, fast: float) -> float:
        found = given + (slow * reading) ** 2 * slows[memory] + (fast * reading) ** 2 * quick
        # Slow wander is of the order of the noise of a reading; nothing says so but habit.
        prior = -0.5 * (np.log(slow / 0.75) / 0.6) ** 2 - 0.3 * (fast > 0)
        return prior + log_likelihood(y, found)

    best = (SLOW_SIZES[3], 0, 0.0)
    for _ in range(2):
        best = max(((s, best[1], best[2]) for s in SLOW_SIZES), key=lambda t: value(*t))
        best = max(((best[0], best[1], f) for f in FAST_SIZES), key=lambda t: value(*t))
        best = max(((best[0], m, best[2]) for m in range(len(slows))), key=lambda t: value(*t))
    _, memory, fast = best
    # What days of data leave open is kept open: the mean of the variance, not the likeliest.
    values = np.array([value(s, memory, fast) for s in SLOW_SIZES])
    chance = np.exp(values - values.max())
    slow = np.sqrt(chance @ SLOW_SIZES**2 / chance.sum())
    return Normal(noise, float(slow * reading), memory, float(fast * reading))
