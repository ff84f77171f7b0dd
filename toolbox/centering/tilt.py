"""The axis' lean in the detector plane, from scores of several rows."""

from __future__ import annotations

import numpy as np

from toolbox.centering.evidence import Curves, summits

MOST = np.tan(np.deg2rad(2.0))  # columns a row
# How far the axis of one row may be off in simulated worlds without a trace in the resampling, px:
# by centres of mass; by structure (pairs, wedge) four times as far
SAME_ROW = 0.1
# A lean of less over all the rows, in px, matters to no slice, and is often seen where there is
# none but the specimen differs from row to row
LEAST_LEAN = 0.5


def lean(curves: list[Curves], rng: np.random.Generator, draws: int = 60) -> tuple[float, float]:
    """Tilt (columns a row) by all methods, weighed by their standard errors, and the standard
    error of it; (0, inf) where the rows lie too close together to tell."""
    found = np.array([lean_by(one, rng, draws) for one in curves] or [(0.0, np.inf)])
    weight = 1 / found[:, 1] ** 2
    if not weight.any():
        return 0.0, float("inf")
    mean = float((found[:, 0] * weight).sum() / weight.sum())
    error = float(weight.sum() ** -0.5)
    # methods that disagree more than they admit
    scatter = float(np.sqrt((weight * (found[:, 0] - mean) ** 2).sum() / max(len(found) - 1, 1)))
    return mean, error * max(scatter, 1.0)


def lean_by(curves: Curves, rng: np.random.Generator, draws: int) -> tuple[float, float]:
    """Tilt that brings the maxima of one method's rows together best, and its standard error by
    resampling the parts of each row."""
    heights = curves.heights
    extent = float(np.ptp(heights))
    if len(np.unique(heights)) < 3 or extent < 8:
        return 0.0, float("inf")
    step = float(curves.columns[1] - curves.columns[0])
    spread = min(MOST * extent, 0.1 * float(np.ptp(curves.columns)))
    count = int(min(np.ceil(spread / (0.5 * step)), 100))
    tilts = np.linspace(-spread, spread, 2 * count + 1) / extent
    found = summits(tilts, _best_scores(curves, tilts, rng, draws))  # first: all parts once
    least = SAME_ROW * (1 if curves.method == "moments" else 4) / extent
    return float(found[0]), float(np.hypot(np.std(found[1:]), least))


def _best_scores(
    curves: Curves, tilts: np.ndarray, rng: np.random.Generator, draws: int
) -> np.ndarray:
    """Highest score for each tilt, axes ``draw, tilt``."""
    rows = np.unique(curves.heights)
    weights = np.ones((draws + 1, len(curves.parts)))
    for row in rows:  # each row keeps its share
        of_row = np.flatnonzero(curves.heights == row)
        even = np.full(len(of_row), 1 / len(of_row))
        weights[1:, of_row] = rng.multinomial(len(of_row), even, size=draws)
    by_row = np.stack(
        [weights[:, curves.heights == row] @ curves.parts[curves.heights == row] for row in rows]
    )  # row, draw, candidate
    scores = []
    step = curves.columns[1] - curves.columns[0]
    for tilt in tilts:
        total = np.zeros_like(by_row[0])
        for row, part in zip(rows, by_row, strict=True):
            total += _shifted(part, tilt * row / step)
        scores.append(total.max(axis=1))
    return np.stack(scores, axis=1)


def _shifted(part: np.ndarray, by: float) -> np.ndarray:
    """Each curve read ``by`` candidates further on, linear between them, ends held."""
    at = np.clip(np.arange(part.shape[1]) + by, 0, part.shape[1] - 1)
    low = np.minimum(at.astype(int), part.shape[1] - 2)
    rest = at - low
    return part[:, low] * (1 - rest) + part[:, low + 1] * rest
