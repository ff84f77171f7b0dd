"""How likely a metric drifts to its limit, and when it will be there.

Every hypothesis of the bank is weighed against the metric's normal (a Gaussian process): log
Bayes factors with the size of the drift left open within what the way to the limit tells. The
time to the limit is the first passage of the mixture of what is left of each life.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.drift.jumps import ROWS, jumps
from metadata.drift.normal import Normal, covariance
from metadata.drift.shapes import (
    AGES,
    JUMPS,
    JUMPS_A_LIFE,
    LONGEST,
    MEMBERS,
    SHAPES,
    SHORTEST,
    STEP_CREEP,
    bank,
    remaining,
    templates,
)
from metadata.drift.steps import FINE, courses, refined
from metadata.drift.unlogged import steps_instead
from metadata.drift.window import Window

Floats = NDArray[np.float64]

# The way to the limit is known to some 22 %: the swing and the wander of the hour decide.
WAY_SHARE = 0.22
#: Times to the limit that are told apart, days.
GRID = np.geomspace(0.02, 60.0, 161)
SMEAR = 0.18  # of the logarithm of a time: what a grid of lives and a known shape leave out
JUMP_SPREAD = 1.0
# Of the bank's interval, with which 90 % held at half of the lives of seeds 2000 to 2199; of drifts
# by jumps, and of what is a guess, it is not too wide.
STRETCH = 0.74
#: Log odds from which the time to the limit is more than a guess, at which it is half of one, and
#: from which it is asked when a step was; weight of drifts that come by jumps.
SEEN, DOUBT, STEPPED, WALKS = 1.0, 3.0, 3.0, 0.05
# A drift that is seen and not over is in the midst of its life: a priori as the parabola u(1-u) of
# the part u that is over, to a power (draw_history, seeds 1000 to 1099; on 2000 to 2199 too, 3 does
# better than 2 and 4 over 0.3, 0.5 and 0.7 of the lives together).
TILT = 3.0
TIERS_DAYS = 8.0  # so many days have rows of six hours


@dataclass(frozen=True)
class Forecast:
    """``odds``: log of how much more likely a drift is than none; ``moved``: the same if no level
    was set anew without a word of it; ``side`` 1 up, −1 down; ``age`` days since its onset;
    ``days`` 5, 50 and 95 % quantiles of the time to the limit; ``shapes``: how likely each shape
    is, given a drift. ``apart``: the bank's and the network's quantiles by themselves, where the
    ``days`` are of both."""

    odds: float
    moved: float
    side: int
    age: float
    days: tuple[float, float, float]
    shapes: tuple[float, ...]
    apart: tuple[float, ...] = ()

    def told(self, days: Floats, network: Floats) -> Forecast:
        """With the quantiles ``days`` that are told; ``network``: those of the sequence alone."""
        low, middle, high = map(float, days)
        return replace(self, days=(low, middle, high), apart=(*self.days, *map(float, network)))


def forecast(
    normal: Normal,
    window: Window,
    limits: tuple[float, float],
    envelope: tuple[float, float],
    step: float,
    key: float,
    logged: bool = True,
) -> tuple[Forecast, Floats] | None:
    """What the window says, and the weight of each hypothesis (n,).

    ``limits`` low and high (±inf: none), ``envelope`` how far normal fast moves reach below and
    above the level, ``step`` and ``key`` as in :func:`metadata.drift.normal.covariance`;
    ``logged``: a log book tells when levels were set anew.
    """  # fmt: skip
    level = float(window.y @ window.n / window.n.sum())
    found = covariance(normal, window, step, key)
    inverse = np.linalg.inv(np.linalg.cholesky(found)) * normal.noise
    white = inverse @ ((window.y - level) / normal.noise)  # without a unit: float32 has to hold it
    grown = templates()
    if len(window.rows) < len(grown):
        grown = grown[window.rows]
    whitened = inverse.astype(np.float32) @ grown
    a = (white.astype(np.float32) @ whitened).astype(np.float64)
    b = np.einsum("ij,ij->j", whitened, whitened).astype(np.float64)
    known = bank()
    base = bases(window)
    tried, away = [], -np.inf
    for side, limit in ((1, limits[1]), (-1, limits[0])):
        if not np.isfinite(limit):
            continue
        way = side * (limit - base) - (envelope[1] if side > 0 else envelope[0])
        way = np.maximum(way, 2.0 * normal.noise)
        each = way[known.age_row] / normal.noise
        fitted = np.isfinite(each)
        value = known.log_prior + _evidence(side * each * a, each**2 * b)
        value = np.where(fitted, value, -np.inf)
        tried.append((float(np.logaddexp.reduce(value)), side, way, value))
        if not np.all(np.isfinite(limits)):  # as far to the side that has no limit
            value = known.log_prior + _evidence(-side * each * a, each**2 * b)
            away = float(np.logaddexp.reduce(np.where(fitted, value, -np.inf)))
    if not tried or not np.isfinite(max(tried, key=lambda t: t[0])[0]):
        return None
    if 0 < max(t[0] for t in tried) < away:
        return None  # it moves, but away from the only limit
    odds, side, way, value = max(tried, key=lambda t: t[0])
    weight = np.exp(value - odds)
    both = float(np.logaddexp.reduce([t[0] for t in tried]))
    small, bare = inverse.astype(np.float32), white.astype(np.float32)
    instead = 0.0
    if odds > STEPPED and not logged:
        instead = steps_instead(small, bare, window.rows, step / normal.noise)
    density = _guess()
    shapes: Floats = np.bincount(known.shape, weight, minlength=len(SHAPES)).astype(np.float64)
    if odds > SEEN:
        evidence, left = jumps(window, found, way[ROWS], base[ROWS], side, GRID, TILT)
        walks = np.log(WALKS * np.gradient(AGES)[ROWS] * 2) + evidence
        # A single jump is a walk that has just begun; steps are told apart by finer ones.
        alone = known.shape == JUMPS
        value = np.where(alone, value, value + _tilt())
        stepped = np.full(1, -np.inf)
        if odds > STEPPED:
            value[known.shape == STEP_CREEP] = -np.inf
            stepped = refined(small, bare, window.rows, side * way / normal.noise, WAY_SHARE)
            stepped += _tilted(FINE[courses().age_row] / courses().life)
        total = float(np.logaddexp.reduce(np.concatenate([value, walks, stepped])))
        each, walked, steps = np.exp(value - total), np.exp(walks - total), np.exp(stepped - total)
        density = _density(each) + walked @ left
        if odds > STEPPED:
            density += _spread(steps, courses().life - FINE[courses().age_row])
            shapes[STEP_CREEP] = 0.0
        others = float(walked.sum() + steps.sum())
        shapes = shapes * (1 - others) / max(float(shapes.sum()), 1e-300)
        shapes[JUMPS] += walked.sum()
        shapes[STEP_CREEP] += steps.sum()
        sure = 1 / (1 + np.exp(DOUBT - odds))
        density = sure * density / density.sum() + (1 - sure) * _guess()
    days = stretched(quantiles(density), float(shapes[JUMPS]) if both > SEEN else 1.0)
    age = float(np.exp(weight @ np.log(known.age)))
    return Forecast(both - instead, both, side, age, days, tuple(shapes.tolist())), weight


def stretched(days: tuple[float, float, float], walks: float) -> tuple[float, float, float]:
    """The interval about its middle as it holds; ``walks``: how likely the drift comes by jumps.

    >>> [round(d, 2) for d in stretched((1.0, 2.0, 4.0), 0.0)]
    [1.2, 2.0, 3.34]
    """
    low, middle, high = days
    by = STRETCH + walks * (1 - STRETCH)
    return middle * (low / middle) ** by, middle, middle * (high / middle) ** by


def guess(side: int) -> Forecast:
    """What is said of a drift of which nothing is known but that there may be one.

    >>> [round(days, 1) for days in guess(1).days]
    [1.2, 4.7, 18.6]
    """
    shapes = np.bincount([m[0] for m in MEMBERS], [m[1] for m in MEMBERS], len(SHAPES))
    odds = -SEEN
    return Forecast(odds, odds, side, float(AGES[0]), quantiles(_guess()), tuple(shapes.tolist()))


def _evidence(a: Floats, b: Floats) -> Floats:
    """Log of how much more likely the readings are with a drift whose size is known to
    :data:`WAY_SHARE` than without (Gaussian integral over the size)."""
    share = WAY_SHARE**2
    wide = 1 + share * b
    return -0.5 * np.log(wide) + (a - b / 2 + share * a**2 / 2) / wide


def bases(window: Window) -> Floats:
    """The level before each age of :data:`AGES`: the mean of up to ten days before it; NaN when
    there is less than half a day."""
    since = window.ages - AGES[:, None]
    weight = ((since > 0) & (since < 10)) * window.n
    # What a level was set to before the last maintenance before the onset counts little.
    era = window.eras.sum(axis=1)
    newest = era[np.argmin(np.where(since > 0, since, np.inf), axis=1)]
    weight *= np.where(np.abs(era - newest[:, None]) < 0.3, 1.0, 0.1)
    total = ((since > 0) * window.n).sum(axis=1)
    # Half a day's, or six of what comes rarely.
    recent = window.n[window.ages < TIERS_DAYS]
    least = min(48.0, max(6.0, 2 * float(np.median(recent)))) if len(recent) else 48.0
    return np.where(
        total >= least, weight @ window.y / np.maximum(weight.sum(axis=1), 1e-9), np.nan
    )


@cache
def _tilt() -> Floats:
    """Log of the prior of the part of the life that is over, for each hypothesis."""
    known = bank()
    part = np.where(known.shape == JUMPS, 0.5, known.age / known.life)
    return _tilted(part)


def _tilted(part: Floats) -> Floats:
    return np.asarray(TILT * np.log(4 * part * (1 - part)), np.float64)


@cache
def _guess() -> Floats:
    """Density of the time to the limit when nothing but a drift is known: of lives as likely in
    each octave, at any moment of them."""
    part = np.linspace(0.02, 0.98, 49)
    lives = np.geomspace(SHORTEST, LONGEST, 40)
    weight = np.repeat((4 * part * (1 - part)) ** TILT, len(lives))
    left = ((1 - part)[:, None] * lives).ravel()
    place = np.searchsorted(GRID, left)
    found = np.bincount(np.minimum(place, len(GRID) - 1), weight, minlength=len(GRID))
    return np.convolve(found / found.sum(), _kernel(), mode="same")


def _density(weight: Floats) -> Floats:
    """Of the time to the limit on :data:`GRID`, from the weight of each hypothesis."""
    known = bank()
    smooth = known.shape != JUMPS
    found = _spread(weight[smooth], known.life[smooth] - known.age[smooth])
    return found + weight[~smooth] @ _after_jumps()


def _spread(weight: Floats, left: Floats) -> Floats:
    """Density over :data:`GRID` of weighted times (days)."""
    place = np.log(np.maximum(left, 0.05) / GRID[0]) / np.log(GRID[1] / GRID[0])
    low = np.clip(np.floor(place).astype(int), 0, len(GRID) - 2)
    part = np.clip(place - low, 0, 1)
    either = np.concatenate([low, low + 1])
    shares = np.concatenate([weight * (1 - part), weight * part])
    found = np.bincount(either, shares, minlength=len(GRID))
    return np.convolve(found, _kernel(), mode="same")


@cache
def _after_jumps() -> Floats:
    """Density of the time to the limit of each jump hypothesis (jumps, grid)."""
    known = bank()
    rows = []
    for number in np.flatnonzero(known.shape == JUMPS):
        age, size = known.age[number], MEMBERS[known.member[number]][2][0]
        lives, before = remaining(float(age))
        quiet = before * np.exp(-JUMPS_A_LIFE * age / lives)
        # A jump of size s leaves 1 - s to go at the pace of its life.
        left = (1 - size) * lives
        z = (np.log(GRID) - np.log(left)[:, None]) / JUMP_SPREAD
        each = np.exp(-0.5 * z**2)
        rows.append((quiet / quiet.sum()) @ (each / each.sum(axis=1, keepdims=True)))
    return np.array(rows)


@cache
def _kernel() -> Floats:
    step = np.log(GRID[1] / GRID[0])
    lags = np.arange(-40, 41) * step
    found = np.exp(-0.5 * (lags / SMEAR) ** 2)
    return found / found.sum()


def quantiles(density: Floats) -> tuple[float, float, float]:
    """5, 50 and 95 % of a density on :data:`GRID`, days."""
    share = np.cumsum(density) / density.sum()
    low, middle, high = np.interp([0.05, 0.5, 0.95], share, np.log(GRID))
    return float(np.exp(low)), float(np.exp(middle)), float(np.exp(high))
