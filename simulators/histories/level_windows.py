"""Windows of levels that drift, drawn directly: a thousand in the time of one whole history.

What :func:`simulators.histories.draw_history` draws, in bins of three hours and without beam,
sensors and couplings: wander, the day's swing and its changes, moves within hours, noise, harmless
steps after maintenance, gaps, and a drift of any shape that has not reached its limit yet.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import SUBS
from metadata.drift.window import KEPT, PER_DAY, pooling
from simulators.histories.drift_shapes import growth
from simulators.histories.sampling import (
    EARLIEST_ONSET,
    LONGEST_DAYS,
    SHAPES,
    SHORTEST_DAYS,
)

Values = NDArray[np.float32]
Numbers = NDArray[np.float64]

AHEAD = int(34 * PER_DAY)  # bins after now: room for the longest rest of a life
BINS = KEPT + AHEAD
#: A drift that is seen is mostly in the midst of its life, as the bank takes it
#: (``forecast.TILT``); such a share of the windows is, the others are at any part of it.
TILT, MIDST_SHARE = 3.0, 0.65
#: Deviations of the wander, and logarithm (mean, deviation) of that of a part of a bin, with which
#: judges learn the normals that they learn of whole histories; days that a record has.
WANDERS, PART_NOISE, RECORD_DAYS = (0.27, 0.9), (-0.2, 0.25), 55.8
#: Such a share of the limits lies anywhere from 4 to 80 noise deviations beyond the swing.
FAR_SHARE, FAR = 0.15, (np.log(4.0), np.log(80.0))
LEAST_LEFT = 0.06  # days: with less the limit is as good as reached
SHUT_DAYS, SWING_DAYS, FAST_DAYS = 6, 3.0, 0.19
# How far the swing reaches at the limit, as the judge takes it (``judge.SWING_REACH``), and wander.
SWING_SHARE, WANDER_SHARE = 0.65, 0.9


@dataclass(frozen=True, eq=False)
class Levels:
    """Bins of metrics that drift (n, KEPT), the oldest first: means ``y`` with the day's swing,
    whether one is ``there``, and ``eras``: new baselines before it. Of each metric (n,): the
    ``swing`` of a bin (n, KEPT) and its ``size``, the deviation ``part`` of a part of a bin and how
    many ``parts`` have readings, its ``wander``, the ``limit``, the ``onset`` (a bin) and ``life``
    (days) of its drift, how much of that is ``over``, the days ``left`` until the first reading
    at the limit, and the ``shape`` into :data:`SHAPES`."""

    y: Values
    there: NDArray[np.bool_]
    eras: Values
    swing: Values
    size: Numbers
    part: Numbers
    parts: Numbers
    wander: Numbers
    limit: Numbers
    onset: Numbers
    life: Numbers
    over: Numbers
    left: Numbers
    shape: NDArray[np.int64]


@dataclass(frozen=True, eq=False)
class Windows:
    """``y`` levels, the part ``present`` of each row with readings and new baselines before it,
    ``eras`` (n, ROWS), the newest first; the ``limit`` as the judge knows it, the days ``left``
    until the first reading at it, and the ``shape`` into :data:`SHAPES` (n,)."""

    y: Values
    present: Values
    eras: Values
    limit: Numbers
    left: Numbers
    shape: NDArray[np.int64]


def draw_windows(rng: np.random.Generator, count: int) -> Windows:
    """Up to ``count`` windows (those of :func:`draw_levels`), in units of the noise of one
    reading.

    >>> found = draw_windows(np.random.default_rng(0), 50)
    >>> found.y.shape[1], bool((found.left > 0).all())
    (72, True)
    """
    levels = draw_levels(rng, count)
    there = levels.there[:, ::-1].astype(np.float32)
    pool = pooling().T.astype(np.float32)
    present = there @ pool
    rows = (there * (levels.y - levels.swing)[:, ::-1]) @ pool / np.maximum(present, 1e-9)
    reach = SWING_SHARE * levels.size + WANDER_SHARE * levels.wander
    return Windows(
        rows.astype(np.float32), (present * (levels.parts / SUBS)[:, None]).astype(np.float32),
        levels.eras[:, ::-1] @ pool, levels.limit - reach, levels.left, levels.shape,
    )  # fmt: skip


def draw_levels(rng: np.random.Generator, count: int) -> Levels:
    """Up to ``count`` metrics (those that are read now and whose drift can meet its limit when its
    life is over), in units of the noise of one reading.

    >>> found = draw_levels(np.random.default_rng(0), 50)
    >>> found.y.shape[1] == KEPT, bool((found.left > 0).all())
    (True, True)
    """
    at = np.arange(BINS)[None]
    cosine = np.cos(2 * np.pi * (at / PER_DAY + rng.random(count)[:, None])).astype(np.float32)
    swing = np.where(rng.random(count) < 0.2, 0, np.exp(rng.uniform(-1.6, 1.4, count)))
    changes = np.clip(_memory(rng, count, np.full(count, SWING_DAYS)), -2.8, 2.8)
    daily = swing[:, None] * (1 + 0.25 * changes) * cosine
    wander = rng.uniform(*WANDERS, count)
    usual = wander[:, None] * _memory(rng, count, rng.uniform(1, 5, count)) + daily
    fast = np.where(rng.random(count) < 0.2, rng.uniform(0.2, 1.5, count), 0)
    usual += fast[:, None] * _memory(rng, count, np.full(count, FAST_DAYS))
    far = rng.random(count) < FAR_SHARE
    way = np.where(far, np.exp(rng.uniform(*FAR, count)), rng.uniform(7, 14, count))
    steps, eras, missing = _maintenance(rng, count, way)
    usual += steps
    missing |= rng.random((count, BINS)) < rng.choice([0.02, 0.05, 0.25], count)[:, None]

    days = np.exp(rng.uniform(np.log(SHORTEST_DAYS), np.log(LONGEST_DAYS), count))
    midst = rng.random(count) < MIDST_SHARE
    over = np.where(midst, rng.beta(1 + TILT, 1 + TILT, count), rng.uniform(0.08, 0.99, count))
    life = days * PER_DAY
    onset = KEPT - over * life
    shape = rng.integers(len(SHAPES), size=count)
    course = _courses(rng, shape, (at + 0.5 - onset[:, None]) / life[:, None])
    limit = way + 0.95 * np.abs(daily).max(axis=1)
    size, crossing = _sized(limit[:, None] - usual, course, missing, onset + life)

    thinned = np.where(rng.random(count) < 0.2, rng.uniform(1 / SUBS, 1, count), 1.0)
    part = np.exp(rng.normal(*PART_NOISE, count))
    y = (usual + size[:, None] * course)[:, :KEPT]
    noise = part / np.sqrt(SUBS * thinned)
    y = y + noise[:, None] * rng.standard_normal((count, KEPT), np.float32)
    begun = onset - rng.uniform(EARLIEST_ONSET, RECORD_DAYS - days) * PER_DAY
    there = (~missing & (at >= begun[:, None]))[:, :KEPT]
    left = (crossing + 0.5 - KEPT) / PER_DAY
    fits = (left > LEAST_LEFT) & (size > 0) & (size < 3 * way) & there[:, -1]
    return Levels(
        y[fits].astype(np.float32), there[fits], eras[fits, :KEPT],
        (swing[:, None] * cosine)[fits, :KEPT].astype(np.float32), swing[fits], part[fits],
        (SUBS * thinned)[fits], wander[fits], limit[fits], onset[fits], days[fits], over[fits],
        left[fits], shape[fits],
    )  # fmt: skip


def _memory(rng: np.random.Generator, count: int, days: Numbers) -> Values:
    """Ornstein-Uhlenbeck processes of deviation 1 and so many days' memory (count, BINS)."""
    keep = np.exp(-1 / (days * PER_DAY)).astype(np.float32)
    found = rng.standard_normal((BINS, count), np.float32)
    found[1:] *= np.sqrt(1 - keep**2)
    for k in range(1, BINS):
        found[k] += keep * found[k - 1]
    return found.T


def _maintenance(
    rng: np.random.Generator, count: int, way: Numbers
) -> tuple[Values, Values, NDArray[np.bool_]]:
    """Levels that maintenance sets, how many were before each bin, and where nothing is read."""
    at = np.arange(BINS)[None]
    every = rng.uniform(7, 21, count) * PER_DAY
    share = rng.uniform(0.15, 0.25, count) * way
    steps, eras = np.zeros((2, count, BINS), np.float32)
    start = rng.integers(0, KEPT, count)[:, None]
    shut = (rng.random(count) < 0.25)[:, None]
    missing = shut & (at >= start) & (at < start + SHUT_DAYS * PER_DAY)
    when, now = rng.random(count) * every, np.zeros(count)
    while (when < BINS).any():
        over = at >= np.floor(when)[:, None]
        away = np.abs(now) > 1e-9
        sign = np.where(away, -np.sign(now), rng.choice([-1, 1], count))
        size = share * rng.uniform(0.67, 1, count) * sign
        new = np.where(rng.random(count) < 0.7, now + size, now)
        new[away & (np.abs(new) < 0.3 * share)] = 0
        steps += over * (new - now)[:, None]
        eras += over
        missing |= over & (at < np.floor(when)[:, None] + 1) | ~over & (at >= when[:, None] - 3)
        when, now = when + every, new
    return steps, eras, missing


def _courses(rng: np.random.Generator, shape: NDArray[np.int64], u: Numbers) -> Values:
    """The growth of each drift over the part of its life."""
    found = np.empty(u.shape, np.float32)
    for row, name in enumerate(SHAPES[s] for s in shape):
        found[row] = growth(name, rng.uniform(1.2, 1.5), rng)(u[row])
    return np.where(u >= 0, found, 0)


def _sized(
    room: Values, course: Values, missing: NDArray[np.bool_], over: Numbers
) -> tuple[Numbers, Numbers]:
    """The size with which each drift first meets its limit nearest to ``over`` (a bin), and the
    bin in which it does: as :func:`simulators.histories.sizing.drift_size`."""
    counts = (course > 1e-9) & ~missing
    needed = np.where(counts, room / np.maximum(course, 1e-9), np.inf)
    least = np.minimum.accumulate(needed, axis=1)
    first = least < np.concatenate([np.full((len(least), 1), np.inf), least[:, :-1]], axis=1)
    apart = np.where(first, np.abs(np.arange(BINS)[None] + 0.5 - over[:, None]), np.inf)
    row, bin_ = np.arange(len(least)), apart.argmin(axis=1)
    size = np.where(np.isfinite(apart[row, bin_]), least[row, bin_], -1.0)
    return size.astype(np.float64), bin_.astype(np.float64)
