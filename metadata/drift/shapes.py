"""How drifts grow: a bank of hypotheses of when one began, how long it lives, and of what shape.

A drift is 0 at its onset and 1 when it reaches the limit. Linear; accelerating wear (a power of
the time, 1.2 to 1.5); settling (an exponential that would end beyond the limit); a step followed
by logarithmic creep; and single jumps, of which more will follow. No distribution of shapes and
lives of drifts at beamlines is published: each shape is as likely, and each octave of a life.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.drift.window import bin_ages, pooling

Floats = NDArray[np.float64]

SHAPES = ("linear", "wear", "settling", "step_creep", "jumps")
LINEAR, WEAR, SETTLING, STEP_CREEP, JUMPS = range(5)

#: Days left to the limit, and days since the onset, that are tried; and the lives that are known.
LEFT = np.geomspace(0.35, 30.0, 12)
SHORTEST, LONGEST = 2.8, 36.0
AGES = np.array([0.25, 0.5, 0.75, 1, 1.25, 1.5, 2, 2.5, 3, 3.5, 4.25, 5, 6, 7.25, 8.75, 10.5, 12.5,
                 15, 18, 22, 27])  # fmt: skip
#: Each shape's weight and parameters: powers; rates; step and knee; size of the jump.
MEMBERS: tuple[tuple[int, float, tuple[float, ...]], ...] = (
    (LINEAR, 0.2, ()),
    *((WEAR, 0.1, (power,)) for power in (1.26, 1.43)),
    *((SETTLING, 0.1, (rate,)) for rate in (1.15, 1.65)),
    *((STEP_CREEP, 0.05, (step, knee)) for step in (0.31, 0.43) for knee in (0.17, 0.4)),
    *((JUMPS, 0.05, (size,)) for size in (0.08, 0.15, 0.27, 0.45)),
)
# Jumps that a life of this shape takes (2-BM's stripes are active a third of the time).
JUMPS_A_LIFE = 7.0


def growth(shape: int, parameters: tuple[float, ...], u: Floats) -> Floats:
    """The growth of a drift over ``u``, the part of its life that is over.

    >>> growth(SETTLING, (1.5,), np.array([-1.0, 0.0, 1.0])).tolist()
    [0.0, 0.0, 1.0]
    """
    v = np.maximum(u, 0)
    if shape == WEAR:
        return v ** parameters[0]
    if shape == SETTLING:
        return np.expm1(-parameters[0] * v) / np.expm1(-parameters[0])
    if shape == STEP_CREEP:
        step, knee = parameters
        creep = np.log1p(v / knee) / np.log1p(1 / knee)
        return np.where(u >= -1e-9, step + (1 - step) * creep, 0.0)
    if shape == JUMPS:
        return np.where(u >= -1e-9, parameters[0], 0.0)
    return v


@dataclass(frozen=True)
class Bank:
    """Hypotheses (n,): ``age`` since the onset and ``life`` in days (infinite for jumps: none of
    the rest is known), ``log_prior``, ``shape`` into :data:`SHAPES`, the row of the age in
    :data:`AGES`, the member of :data:`MEMBERS`."""

    age: Floats
    life: Floats
    log_prior: Floats
    shape: NDArray[np.int8]
    age_row: NDArray[np.int64]
    member: NDArray[np.int64]


def remaining(age: float) -> tuple[Floats, Floats]:
    """Lives that a drift of this age may have, days, and how likely each is before the data: as
    likely in each octave."""
    lives = age + LEFT
    chance = LEFT / lives / np.log(LONGEST / SHORTEST) * np.log(LEFT[1] / LEFT[0])
    # Somewhat shorter or longer than what is known is less likely, not impossible.
    outside = (lives < SHORTEST) | (lives > LONGEST)
    far = (lives < 0.6 * SHORTEST) | (lives > 1.4 * LONGEST)
    chance = np.where(outside, 0.2, 1.0) * chance
    return lives[~far], chance[~far]


@cache
def bank() -> Bank:
    """All hypotheses of one direction; a drift of age ``a`` has not reached its limit yet."""
    edges = np.concatenate([[0.0], np.sqrt(AGES[1:] * AGES[:-1]), [AGES[-1] * 1.08]])
    width = np.diff(edges)
    rows: list[tuple[float, float, float, int, int, int]] = []
    for place, age in enumerate(AGES):
        for number, (shape, weight, _) in enumerate(MEMBERS):
            lives, chances = remaining(float(age))
            chances = weight * width[place] * chances
            if shape == JUMPS:
                # One jump and none since.
                alone = float(np.exp(-JUMPS_A_LIFE * age / lives) @ chances)
                rows.append((age, np.inf, np.log(alone), shape, place, number))
                continue
            rows += [(age, life, np.log(chance), shape, place, number)
                     for life, chance in zip(lives, chances, strict=True)]  # fmt: skip
    table = np.array(rows)
    return Bank(table[:, 0], table[:, 1], table[:, 2], table[:, 3].astype(np.int8),
                table[:, 4].astype(np.int64), table[:, 5].astype(np.int64))  # fmt: skip


@cache
def templates(ahead: float = 0.0) -> NDArray[np.float32]:
    """The course of each hypothesis over the rows of the window (rows, n), float32; what moved
    ``ahead`` days earlier holds the same course, earlier."""
    known = bank()
    ago = bin_ages()
    columns = np.empty((len(ago), len(known.age)))
    for column in range(len(known.age)):
        shape, _, parameters = MEMBERS[known.member[column]]
        life = known.life[column] if np.isfinite(known.life[column]) else 1.0
        since = known.age[column] + ahead - ago
        columns[:, column] = growth(shape, parameters, since / life)
    return np.ascontiguousarray(pooling() @ columns, np.float32)
