"""Drifts that begin with a step and creep on, tried at finer times than the bank's.

A step tells when it happened to within hours. The bank's ages are too far apart for it: what lies
between two of them looks like jumps. A course is ``s`` times a step and ``1 - s`` times a creep, so
that every ``s`` follows from the same products.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.drift.shapes import AGES, STEP_CREEP, growth, remaining
from metadata.drift.window import bin_ages, pooling

Floats = NDArray[np.float64]

#: Days since the step: as fine as the rows of the window let them be told.
FINE = np.concatenate([np.arange(0.125, 8, 0.125), np.arange(8, 16, 0.25), np.arange(16, 27, 0.5)])
SIZES = np.linspace(0.265, 0.485, 8)
KNEES = (0.14, 0.25, 0.41)
SHARE = 0.2  # of all drifts: each shape is as likely


@dataclass(frozen=True)
class Steps:
    """Courses (rows, ages) of the step and (rows, n) of the creeps, float32; of the creeps the row
    of :data:`FINE`, the ``life`` in days and the logarithm of the prior of each size."""

    step: NDArray[np.float32]
    creep: NDArray[np.float32]
    age_row: NDArray[np.int64]
    life: Floats
    log_prior: Floats


@cache
def courses() -> Steps:
    """All of them."""
    ago = bin_ages()
    since = FINE - ago[:, None]
    columns, rows, lives, priors = [], [], [], []
    width = np.gradient(FINE)
    for row, age in enumerate(FINE):
        known, chances = remaining(float(age))
        for life, chance in zip(known, chances, strict=True):
            for knee in KNEES:
                columns.append(growth(STEP_CREEP, (0.0, knee), since[:, row] / life))
                rows.append(row)
                lives.append(life)
                priors.append(np.log(SHARE * width[row] * chance / len(KNEES) / len(SIZES)))
    pool = pooling()
    return Steps(
        np.ascontiguousarray(pool @ (since >= -1e-9), np.float32),
        np.ascontiguousarray(pool @ np.stack(columns, axis=1), np.float32),
        np.array(rows), np.array(lives), np.array(priors),
    )  # fmt: skip


def refined(
    whitening: NDArray[np.float32],
    white: NDArray[np.float32],
    rows: NDArray[np.int64],
    way: Floats,
    share: float,
) -> Floats:
    """Log evidence of each of the :func:`courses` (n,), prior included, all sizes together.

    ``white`` (rows,) readings and ``whitening`` (rows, rows) of the window's ``rows``; ``way``
    (ages,) to the limit from before each of :data:`AGES`, with its sign, in units of the noise
    (NaN: unknown), known to ``share``.
    """  # fmt: skip
    known = courses()
    step, creep = whitening @ known.step[rows], whitening @ known.creep[rows]
    at = known.age_row
    a_step, a_creep = (white @ step).astype(np.float64)[at], (white @ creep).astype(np.float64)
    both = np.einsum("ij,ij->j", step[:, at], creep).astype(np.float64)
    squared = [np.einsum("ij,ij->j", c, c).astype(np.float64) for c in (step, creep)]
    nearest = np.abs(np.log(FINE[:, None] / AGES)).argmin(axis=1)
    each = way[nearest][at]
    s = SIZES[:, None]
    a = each * (s * a_step + (1 - s) * a_creep)
    b = each**2 * (s**2 * squared[0][at] + 2 * s * (1 - s) * both + (1 - s) ** 2 * squared[1])
    wide = 1 + share**2 * b
    value = -0.5 * np.log(wide) + (a - b / 2 + share**2 * a**2 / 2) / wide
    top = value.max(axis=0)
    found = top + np.log(np.exp(value - top).sum(axis=0)) + known.log_prior
    return np.where(np.isfinite(each), found, -np.inf)
