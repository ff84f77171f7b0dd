"""What one method knows about the axis: scores of candidates, and how firm their maximum is."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np
from numpy.typing import NDArray

Doubles = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Curves:
    """Scores (higher is better) of candidate axes that add up over parts of the data.

    ``columns``: evenly spaced candidates at the middle row, px; ``parts``: axes
    ``part, candidate``; ``heights``: each part's distance from the middle row, px. ``ways``: the
    parts as other values of something unknown would have them, of which each resampling takes the
    one that suits it best.
    """

    method: str
    columns: Doubles
    parts: Doubles
    heights: Doubles
    ways: tuple[NDArray[np.float32], ...] = ()

    def tilted(self, tilt: float) -> Curves:
        """The same with each part's candidates shifted to the middle row along an axis leaning
        by ``tilt`` columns a row."""
        if tilt == 0 or not np.any(self.heights):
            return self

        def moved(parts: Doubles | NDArray[np.float32]) -> Doubles:
            return np.stack([
                np.interp(self.columns + tilt * height, self.columns, part)
                for part, height in zip(parts, self.heights, strict=True)
            ])  # fmt: skip

        ways = tuple(moved(way).astype(np.float32) for way in self.ways)
        return replace(self, parts=moved(self.parts), ways=ways)

    def detrended(self, degree: int = 2) -> Curves:
        """The same without each part's parabola (or line: ``degree`` 1) over all candidates: slow
        trends (streaks that wander through the slice) can outgrow the narrow maximum. Over few
        candidates a parabola takes the maximum along."""
        at = np.linspace(-1, 1, len(self.columns))
        slow, _ = np.linalg.qr(at[:, None] ** np.arange(degree + 1))
        return Curves(
            self.method, self.columns, self.parts - (self.parts @ slow) @ slow.T, self.heights
        )


@dataclass(frozen=True, eq=False)
class Evidence:
    """One method's answer. ``draws`` are the maxima of curves made of resampled parts (px): their
    spread is the uncertainty, their clusters the ambiguity. ``prominence``: the lead of the
    maximum over its best rival elsewhere, in standard errors.
    """

    method: str
    column: float
    prominence: float
    columns: Doubles = field(repr=False)
    score: Doubles = field(repr=False)
    draws: Doubles = field(repr=False)

    @property
    def sigma(self) -> float:
        """Half the central 68 % of the draws, px."""
        low, high = np.percentile(self.draws, [16, 84])
        return float(high - low) / 2


def weigh(curves: Curves, draws: int, rng: np.random.Generator, guard: float) -> Evidence:
    """The maximum of the sum of all parts, and of ``draws`` resamplings (bootstrap) of the parts.

    ``guard``: half width (px) of the maximum itself, left out of the rest of the curve.
    """
    count = len(curves.parts)
    weights = rng.multinomial(count, np.full(count, 1 / count), size=draws).astype(np.float64)
    total = curves.parts.sum(axis=0)
    column = float(summits(curves.columns, total[None])[0])
    return Evidence(
        curves.method,
        column,
        prominence(curves.columns, curves.parts, column, guard),
        curves.columns,
        total,
        summits(curves.columns, _resampled(curves, weights)),
    )


def _resampled(curves: Curves, weights: Doubles) -> Doubles:
    """Scores of draws of the parts, axes ``draw, candidate``."""
    if not curves.ways:
        return np.asarray(weights @ curves.parts)
    few = weights.astype(np.float32)
    best = few @ curves.ways[0]
    for way in curves.ways[1:]:
        np.maximum(best, few @ way, out=best)
    return best.astype(np.float64)


def summits(columns: Doubles, scores: Doubles) -> Doubles:
    """Place of each score's maximum between the candidates: the parabola through the three
    highest points. ``scores`` axes ``curve, candidate``.

    >>> summits(np.arange(3.0), np.array([[0.0, 1.0, 0.0]])).tolist()
    [1.0]
    """
    best = np.argmax(scores, axis=1)
    inner = np.clip(best, 1, scores.shape[1] - 2)
    which = np.arange(len(scores))
    left, here, right = (scores[which, inner + d] for d in (-1, 0, 1))
    bend = left - 2 * here + right
    with np.errstate(divide="ignore", invalid="ignore"):
        shift = np.where((bend < 0) & (best == inner), 0.5 * (left - right) / bend, 0.0)
    return columns[best] + np.clip(shift, -0.5, 0.5) * (columns[1] - columns[0])


def prominence(columns: Doubles, parts: Doubles, at: float, guard: float) -> float:
    """How surely the candidate at ``at`` beats its best rival farther than ``guard`` px away:
    the mean difference of the parts over its standard error. 0 where there is no rival."""
    rivals = np.abs(columns - at) > guard
    count = len(parts)
    if count < 3 or not rivals.any():
        return 0.0
    best = parts[:, np.argmin(np.abs(columns - at))]
    lead = best[:, None] - parts[:, rivals]
    error = lead.std(axis=0, ddof=1) / np.sqrt(count)
    return float(np.min(lead.mean(axis=0) / np.maximum(error, 1e-12)))
