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

from metadata.drift.window import PER_DAY, Window, bin_ages, pooling

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
    memory ``SLOW_DAYS[memory]``, ``fast`` within hours, ``swing`` amplitude of the day."""

    noise: float
    slow: float
    memory: int
    fast: float
    swing: float


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
    day = np.cos(2 * np.pi * lag) + 0.06 * np.cos(4 * np.pi * lag)
    found["swing"] = rows(day)
    found["swing change"] = rows(day * np.exp(-lag / SWING_DAYS))
    found["trend"] = np.outer(pool @ ago, pool @ ago) / 60.0**2
    return found


def covariance(normal: Normal, window: Window, step: float, key: float) -> Floats:
    """Of the window's rows (rows, rows). ``step`` and ``key``: standard deviations of the level's
    change at a new era and between set-points."""
    at = np.ix_(window.rows, window.rows)
    kernels = _kernels()
    scale = 30.0 * (normal.noise + normal.slow + normal.fast + step + key + normal.swing)
    found = normal.slow**2 * kernels[f"slow{normal.memory}"][at]
    found += normal.fast**2 * kernels["fast"][at]
    found += (4 * normal.swing**2 + normal.noise**2) * kernels["swing"][at]
    found += (SWING_CHANGE * normal.swing) ** 2 * kernels["swing change"][at]
    found += (1.5 * normal.slow) ** 2 * kernels["trend"][at]
    found += scale**2
    if window.eras.shape[1]:
        found += step**2 * window.eras @ window.eras.T
    if window.keys.shape[1]:
        found += key**2 * window.keys @ window.keys.T
    found[np.diag_indices_from(found)] += normal.noise**2 / window.n
    return found


def swing_amplitude(window: Window, now_days: float) -> float:
    """Amplitude of the day's swing, by least squares over the fine rows with local levels."""
    fine = window.ages < 16
    ages, y = window.ages[fine], window.y[fine]
    if fine.sum() < 8:
        return 0.0
    # Differences from the mean of the day around take slow changes out.
    near = np.abs(ages[:, None] - ages[None, :]) <= 0.5
    y = y - near @ y / near.sum(axis=1)
    phase = 2 * np.pi * ages
    design = np.stack([np.cos(phase), np.sin(phase)], axis=1)
    found = np.linalg.lstsq(design, y, rcond=None)[0]
    # A row of six hours takes 10 % off a daily wave.
    return float(np.hypot(*found)) / 0.9


def log_likelihood(y: Floats, covariance: Floats) -> float:
    """Of readings under a Gaussian with this covariance and mean 0, without its constant."""
    root = np.linalg.cholesky(covariance)
    white = np.linalg.solve(root, y)
    return float(-0.5 * white @ white - np.log(np.diag(root)).sum())


def learn(window: Window, noise: float, reading: float, step: float, key: float) -> Normal:
    """The most likely normal of a window. ``noise`` and ``reading``: standard deviations of one
    sub-bin and of one reading."""
    swing = swing_amplitude(window, 0.0)
    level = float(np.average(window.y, weights=window.n))
    y = window.y - level
    best, found = -np.inf, Normal(noise, reading, 0, 0.0, swing)
    for fast in FAST_SIZES:
        for memory in range(len(SLOW_DAYS)):
            for slow in SLOW_SIZES:
                tried = Normal(noise, slow * reading, memory, fast * reading, swing)
                # Slow wander is of the order of the noise of a reading; nothing says so but habit.
                prior = -0.5 * (np.log(slow / 0.7) / 0.8) ** 2 - 0.3 * (fast > 0)
                value = prior + log_likelihood(y, covariance(tried, window, step, key))
                if value > best:
                    best, found = value, tried
    return found


def rows_per_day() -> float:
    """Bins of a day."""
    return PER_DAY
