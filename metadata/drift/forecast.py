"""How likely a metric drifts to its limit, and when it will be there."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.drift.normal import Normal, covariance
from metadata.drift.shapes import AGES, LIVES, bank
from metadata.drift.window import Window

Floats = NDArray[np.float64]

# The way to the limit is known to some 15 %: the swing and the wander of the hour decide.
WAY_SHARE = 0.15
#: Share of histories in which a drift comes by jumps; jumps in a life; sizes that are tried.
JUMP_WEIGHT, JUMPS = 0.2, 7.0
JUMP_SIZES = (0.08, 0.15, 0.27, 0.45)
# Times to the limit that are told apart, days.
GRID = np.geomspace(0.02, 60.0, 161)
SMEAR = 0.12  # of the logarithm of a time: what a grid of lives and a known shape leave out


@dataclass(frozen=True)
class Room:
    """The way from the normal level to each limit, in the metric's unit (inf: no limit), less
    what swing and fast moves use up of it."""

    up: float
    down: float


@dataclass(frozen=True)
class Forecast:
    """``odds``: log of how much more likely a drift is than none; ``side`` 1 up, −1 down;
    ``age`` days since its onset; ``days`` 5, 50 and 95 % quantiles of the time to the limit;
    ``shapes``: how likely each shape is, given a drift."""

    odds: float
    side: int
    age: float
    days: tuple[float, float, float]
    shapes: tuple[float, ...]


def forecast(
    normal: Normal,
    window: Window,
    limits: tuple[float, float],
    envelope: tuple[float, float],
    step: float,
    key: float,
) -> Forecast | None:
    """What the window says. ``limits`` low and high (±inf: none), ``envelope`` how far normal
    fast moves reach below and above the level."""  # fmt: skip
    level = float(np.average(window.y, weights=window.n))
    found = covariance(normal, window, step, key)
    inverse = np.linalg.inv(np.linalg.cholesky(found))
    white = inverse @ (window.y - level)
    hypotheses, lone = bank(), _jumps()
    templates = np.concatenate([hypotheses.templates, lone.templates], axis=1)[window.rows]
    whitened = inverse @ templates
    a = white @ whitened
    b = np.einsum("ij,ij->j", whitened, whitened)
    age = np.concatenate([hypotheses.age, lone.age])
    prior = np.concatenate([hypotheses.log_prior, lone.log_prior])
    base = _bases(window, level)[np.concatenate([_age_rows(), lone.age_rows])]
    tried = []
    for side, limit in ((1, limits[1]), (-1, limits[0])):
        if not np.isfinite(limit):
            continue
        way = side * (limit - base) - (envelope[1] if side > 0 else envelope[0])
        way = np.maximum(way, 2.0 * normal.noise)
        evidence = _evidence(side * way * a, way**2 * b)
        tried.append((side, prior + np.where(np.isfinite(way), evidence, -np.inf)))
    if not tried:
        return None
    scores = np.concatenate([t[1] for t in tried])
    top = float(scores.max())
    if not np.isfinite(top):
        return None
    weight = np.exp(scores - top)
    odds = top + float(np.log(weight.sum()))
    weight /= weight.sum()
    sides = np.repeat([t[0] for t in tried], len(age))
    side = 1 if weight[sides > 0].sum() >= 0.5 else -1
    weight = weight[sides == side]
    weight = weight / weight.sum()
    smooth = len(hypotheses.age)
    density = _when(hypotheses.life - hypotheses.age, weight[:smooth])
    density += weight[smooth:] @ lone.when
    shapes = np.bincount(hypotheses.shape, weight[:smooth], minlength=4)
    return Forecast(odds, side, float(np.exp(weight @ np.log(age))), _quantiles(density),
                    (*shapes.tolist(), float(weight[smooth:].sum())))  # fmt: skip


def _evidence(a: Floats, b: Floats) -> Floats:
    """Log of how much more likely the readings are with a drift whose size is known to
    :data:`WAY_SHARE` than without (Gaussian integral over the size)."""
    share = WAY_SHARE**2
    wide = 1 + share * b
    return -0.5 * np.log(wide) + (a - b / 2 + share * a**2 / 2) / wide


@cache
def _age_rows() -> NDArray[np.int64]:
    return np.searchsorted(AGES, bank().age)


def _bases(window: Window, level: float) -> Floats:
    """The level before each age of :data:`AGES`: the mean of up to ten days before it; NaN when
    there is less than a day."""
    out = np.full(len(AGES), np.nan)
    for place, age in enumerate(AGES):
        before = (window.ages > age) & (window.ages < age + 10)
        if window.n[before].sum() >= 48:
            out[place] = np.average(window.y[before], weights=window.n[before])
    return out


@dataclass(frozen=True)
class _Jumps:
    templates: Floats
    age: Floats
    age_rows: NDArray[np.int64]
    log_prior: Floats
    when: Floats


@cache
def _jumps() -> _Jumps:
    """One jump so far, of some size; more will follow until the limit is reached."""
    hypotheses = bank()
    columns, ages, rows, priors, when = [], [], [], [], []
    edges = np.concatenate([[0.0], np.sqrt(AGES[1:] * AGES[:-1]), [AGES[-1] * 1.08]])
    for place, age in enumerate(AGES):
        # A step is what linear is where it does not grow: the sign of a template that grows.
        first = np.flatnonzero((hypotheses.age == age) & (hypotheses.shape == 0))[0]
        begun = np.clip(hypotheses.templates[:, first] * 1e9, 0, 1)
        life = LIVES[age <= LIVES]
        if not len(life):
            continue
        quiet = np.exp(-JUMPS * age / life) / len(LIVES)
        for size in JUMP_SIZES:
            # A jump of size s leaves 1 - s to go at the pace of its life.
            left = (1 - size) * life
            density = sum(q * _spread(t) for q, t in zip(quiet, left, strict=True))
            total = float(quiet.sum())
            columns.append(size * begun)
            ages.append(age)
            rows.append(place)
            priors.append(JUMP_WEIGHT / len(JUMP_SIZES) * (edges[place + 1] - edges[place]) * total)
            when.append(density / total)
    return _Jumps(np.array(columns).T, np.array(ages), np.array(rows),
                  np.log(np.array(priors)), np.array(when))  # fmt: skip


def _spread(days: float, wide: float = 0.55) -> Floats:
    """A log-normal density on :data:`GRID` about a time."""
    z = (np.log(GRID) - np.log(max(days, 0.03))) / wide
    found = np.exp(-0.5 * z**2)
    return found / found.sum()


@cache
def _kernel() -> Floats:
    step = np.log(GRID[1] / GRID[0])
    lags = np.arange(-40, 41) * step
    found = np.exp(-0.5 * (lags / SMEAR) ** 2)
    return found / found.sum()


def _when(days: Floats, weight: Floats) -> Floats:
    """Density of the time to the limit on :data:`GRID`."""
    place = np.log(np.maximum(days, 0.05) / GRID[0]) / np.log(GRID[1] / GRID[0])
    low = np.clip(np.floor(place).astype(int), 0, len(GRID) - 2)
    part = np.clip(place - low, 0, 1)
    found = np.bincount(low, weight * (1 - part), minlength=len(GRID))
    found += np.bincount(low + 1, weight * part, minlength=len(GRID))
    return np.convolve(found, _kernel(), mode="same")


def _quantiles(density: Floats) -> tuple[float, float, float]:
    share = np.cumsum(density) / density.sum()
    low, middle, high = np.interp([0.05, 0.5, 0.95], share, np.log(GRID))
    return float(np.exp(low)), float(np.exp(middle)), float(np.exp(high))
