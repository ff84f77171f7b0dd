"""How drifts grow: shapes with their parameters, over the part of their life that is over.

A drift is 0 at its onset and 1 when it reaches the limit. Linear; accelerating wear (a power of
the time, 1.2 to 1.5); settling (an exponential that would end beyond the limit); a step followed
by logarithmic creep; and single jumps, of which more will follow.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.drift.window import bin_ages, pooling

Floats = NDArray[np.float64]

# Days. Lives of mechanical and thermal drifts at beamlines have no published distribution; from
# days to a month, each octave as likely, is assumed.
LIVES = np.geomspace(2.7, 36.0, 14)
AGES = np.array([0.25, 0.5, 0.75, 1, 1.25, 1.5, 1.75, 2, 2.5, 3, 3.5, 4, 5, 6, 7, 8, 9.5, 11, 13,
                 15, 17.5, 20, 23, 27, 31])  # fmt: skip


def linear(u: Floats) -> Floats:
    return np.maximum(u, 0)


def wear(u: Floats, power: float) -> Floats:
    return np.maximum(u, 0) ** power


def settling(u: Floats, rate: float) -> Floats:
    return -np.expm1(-rate * np.maximum(u, 0)) / -np.expm1(-rate)


def step_creep(u: Floats, step: float, knee: float) -> Floats:
    creep = np.log1p(np.maximum(u, 0) / knee) / np.log1p(1 / knee)
    return np.where(u >= 0, step + (1 - step) * creep, 0.0)


@dataclass(frozen=True)
class Bank:
    """Hypotheses: ``templates`` (rows of the window, hypotheses), each ``age`` and ``life`` in
    days, ``log_prior`` (over all: 1), ``shape`` an index into :data:`SHAPES`."""

    templates: Floats
    age: Floats
    life: Floats
    log_prior: Floats
    shape: NDArray[np.int8]


SHAPES = ("linear", "wear", "settling", "step_creep", "jump")


def members() -> list[tuple[int, float, tuple[float, ...]]]:
    """Each shape with its weight and its parameters."""
    found: list[tuple[int, float, tuple[float, ...]]] = [(0, 0.2, ())]
    found += [(1, 0.2 / 3, (p,)) for p in (1.2, 1.35, 1.5)]
    found += [(2, 0.2 / 3, (r,)) for r in (1.05, 1.4, 1.8)]
    found += [(3, 0.2 / 6, (s, k)) for s in (0.28, 0.37, 0.46) for k in (0.17, 0.4)]
    return found


@cache
def bank() -> Bank:
    """All hypotheses of one direction; a drift of age ``a`` has not reached its limit yet."""
    ago = bin_ages()
    edges = np.concatenate([[0.0], np.sqrt(AGES[1:] * AGES[:-1]), [AGES[-1] * 1.08]])
    width = np.diff(edges)
    columns, ages, lives, priors, shapes = [], [], [], [], []
    for age, wide in zip(AGES, width, strict=True):
        since = age - ago
        for life in LIVES:
            if life < 0.97 * age:
                continue
            for shape, weight, parameters in members():
                u = since / life
                grow = (linear, wear, settling, step_creep)[shape](u, *parameters)
                columns.append(np.where(since > -1e-9, grow, 0.0))
                ages.append(age)
                lives.append(life)
                priors.append(weight * wide / len(LIVES))
                shapes.append(shape)
    templates = pooling() @ np.array(columns).T
    return Bank(
        np.ascontiguousarray(templates),
        np.array(ages),
        np.array(lives),
        np.log(np.array(priors)),
        np.array(shapes, np.int8),
    )
