"""The axis' lean in the detector plane, from scores of several rows."""

from __future__ import annotations

import numpy as np

from toolbox.centering.evidence import Curves, summits

MOST = np.tan(np.deg2rad(2.0))  # columns a row


def lean(curves: list[Curves], rng: np.random.Generator, draws: int = 60) -> tuple[float, float]:
    """Tilt (columns a row) that brings the rows' maxima together best, and its standard error by
    resampling the parts; (0, inf) where the rows lie too close together to tell."""
    heights = np.concatenate([c.heights for c in curves]) if curves else np.zeros(1)
    extent = float(np.ptp(heights))
    if len(np.unique(heights)) < 3 or extent < 8:
        return 0.0, float("inf")
    step = float(min(c.columns[1] - c.columns[0] for c in curves))
    spread = min(MOST * extent, 0.1 * float(np.ptp(curves[0].columns)))
    count = int(min(np.ceil(spread / (0.5 * step)), 100))
    tilts = np.linspace(-spread, spread, 2 * count + 1) / extent
    best = [_best_scores(c, tilts, rng, draws) for c in curves]
    total = np.sum(best, axis=0)  # draw (first: all parts once), tilt
    found = summits(tilts, total)
    return float(found[0]), float(np.std(found[1:]))


def _best_scores(
    curves: Curves, tilts: np.ndarray, rng: np.random.Generator, draws: int
) -> np.ndarray:
    """Highest score for each tilt, axes ``draw, tilt``, in units of the curve's own scatter."""
    rows = np.unique(curves.heights)
    weights = np.ones((draws + 1, len(curves.parts)))
    for row in rows:  # each row keeps its share
        of_row = np.flatnonzero(curves.heights == row)
        even = np.full(len(of_row), 1 / len(of_row))
        weights[1:, of_row] = rng.multinomial(len(of_row), even, size=draws)
    by_row = np.stack(
        [weights[:, curves.heights == row] @ curves.parts[curves.heights == row] for row in rows]
    )  # row, draw, candidate
    scale = 1e-12 + float(np.std(by_row[:, 0].sum(axis=0)))
    scores = []
    step = curves.columns[1] - curves.columns[0]
    for tilt in tilts:
        total = np.zeros_like(by_row[0])
        for row, part in zip(rows, by_row, strict=True):
            total += _shifted(part, tilt * row / step)
        scores.append(total.max(axis=1))
    return np.stack(scores, axis=1) / scale


def _shifted(part: np.ndarray, by: float) -> np.ndarray:
    """Each curve read ``by`` candidates further on, linear between them, ends held."""
    at = np.clip(np.arange(part.shape[1]) + by, 0, part.shape[1] - 1)
    low = np.minimum(at.astype(int), part.shape[1] - 2)
    rest = at - low
    return part[:, low] * (1 - rest) + part[:, low + 1] * rest
