"""How many columns two neighbouring views share, by correlation."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolbox.line_shift import shifted_lines

SMALLEST = 8  # px; narrower overlaps hold too few columns to be told from chance
FINE = 1.0  # px; wavelengths below some 2π of it are mostly noise
MOST = 2_000_000  # values looked at
GROUPS = 8  # stretches of views, for the uncertainty


@dataclass(frozen=True)
class Overlap:
    """Columns shared by a left and a right view, with its 95 % interval in px.

    ``score`` is the correlation of the shared columns (1: equal), ``significance`` how many
    standard deviations it stands above that of all other overlaps. ``grey_ratio`` is the
    transmission of the right view over that of the left in the shared columns.
    """

    columns: float
    low: float
    high: float
    score: float
    significance: float
    grey_ratio: float

    @property
    def certain(self) -> bool:
        """Whether the correlation is high or clear of chance, and the views agree on it."""
        return (self.significance > 6 or self.score > 0.5) and self.high - self.low < 4

    @property
    def weight(self) -> float:
        """What to compare the overlaps of several arrangements by."""
        return self.score * float(np.sqrt(self.columns))

    def __str__(self) -> str:
        half = (self.high - self.low) / 2
        return f"overlap found: {self.columns:.1f} px ± {half:.1f} (correlation {self.score:.2f})"


def find_overlap(left: NDArray[np.float32], right: NDArray[np.float32]) -> Overlap:
    """The overlap of two stacks of attenuation, axes ``angle, row, col``, same views.

    Every overlap from 8 px to the narrower view is scored by the normalised correlation, over
    views, rows and shared columns, of the values' slopes along the columns; before, the mean over
    the views is taken from each column, so that what stands still (stripes of the detector) has
    no say, and the mean of each line falls away in the slope, so that flux has none either.
    The peak is refined between whole columns; the interval comes from leaving out stretches of
    views (jackknife). Of large stacks evenly chosen views are taken.
    Method: template matching by normalised cross-correlation, Lewis 1995, Vision Interface.

    >>> wide = np.cumsum(np.random.default_rng(0).normal(size=(20, 1, 90)), axis=2)
    >>> round(find_overlap(wide[..., :60], wide[..., 30:]).columns)
    30
    """
    every = -(-max(left.size, right.size) // MOST)
    first, second = _slopes(left[::every]), _slopes(right[::every])
    lines = np.arange(len(first)) * GROUPS // len(first)
    sums = [_sums(first[lines == g], second[lines == g]) for g in range(GROUPS)]
    whole = _score(np.sum(sums, axis=0))
    widths = np.arange(len(whole)) + 1
    counts = np.sqrt(widths * len(first))
    allowed = widths >= min(SMALLEST, len(whole))
    chance = whole * counts  # ~ standard normal times a constant where nothing matches
    best = int(np.argmax(np.where(allowed, chance, -np.inf)))
    elsewhere = allowed & (np.abs(widths - widths[best]) > 12)
    rest = chance[elsewhere] if elsewhere.sum() > 8 else chance[allowed]
    spread = 1.4826 * float(np.median(np.abs(rest - np.median(rest)))) + 1e-12
    significance = (float(chance[best]) - float(np.median(rest))) / spread
    column = widths[0] + _peak(whole, best)
    groups = []
    for g in range(GROUPS):
        others = _score(np.sum([s for k, s in enumerate(sums) if k != g], axis=0))
        near = slice(max(best - 8, 0), best + 9)
        top = near.start + int(others[near].argmax())
        groups.append(widths[0] + _peak(others, top))
    half = 2 * np.sqrt((GROUPS - 1) * float(np.var(groups))) + 0.1
    return Overlap(
        float(column), float(column - half), float(column + half), float(whole[best]),
        significance, grey_ratio(left, right, float(column)),
    )  # fmt: skip


def grey_ratio(left: NDArray[np.float32], right: NDArray[np.float32], overlap: float) -> float:
    """Transmission of the right stack over the left in the shared columns (attenuation given)."""
    shared = max(round(overlap), 1)
    there = shifted_lines(right.mean(axis=(0, 1)), overlap - shared, shared)
    difference = there - left[..., -shared:].mean(axis=(0, 1))
    return float(np.exp(-np.median(difference)))


def _slopes(values: NDArray[np.float32]) -> NDArray[np.float64]:
    """Lines ``angle·row, col``: smoothed slope along the columns, without what stands still."""
    moving = np.asarray(values, np.float64)
    if len(moving) > 3:
        moving = moving - moving.mean(axis=0)
    moving = moving.reshape(-1, moving.shape[-1])
    columns = moving.shape[-1]
    mirrored = np.concatenate([moving, moving[:, ::-1]], axis=1)
    wave = 2 * np.pi * np.fft.rfftfreq(2 * columns)
    response = 1j * wave * np.exp(-0.5 * (FINE * wave) ** 2)
    return np.fft.irfft(np.fft.rfft(mirrored, axis=1) * response, 2 * columns, axis=1)[:, :columns]


def _sums(left: NDArray[np.float64], right: NDArray[np.float64]) -> NDArray[np.float64]:
    """For each overlap 1, 2 … : sums of products, of squares left, of squares right."""
    widest = min(left.shape[1], right.shape[1])
    length = left.shape[1] + right.shape[1]
    product = np.fft.rfft(left, length, axis=1) * np.fft.rfft(right, length, axis=1).conj()
    correlation = np.fft.irfft(product.sum(axis=0), length)
    # left column `columns − n` meets right column 0 where n columns are shared
    crossed = correlation[left.shape[1] - np.arange(1, widest + 1)]
    squares_left = np.cumsum((left**2).sum(axis=0)[::-1])[:widest]
    squares_right = np.cumsum((right**2).sum(axis=0))[:widest]
    return np.stack([crossed, squares_left, squares_right])


def _score(sums: NDArray[np.float64]) -> NDArray[np.float64]:
    return sums[0] / np.sqrt(np.maximum(sums[1] * sums[2], 1e-30))


def _peak(scores: NDArray[np.float64], at: int) -> float:
    """The top of the parabola through a maximum and its neighbours."""
    if not 0 < at < len(scores) - 1:
        return float(at)
    before, here, after = scores[at - 1 : at + 2]
    bend = before - 2 * here + after
    return at + float(np.clip(0.5 * (before - after) / bend, -0.5, 0.5)) if bend < 0 else float(at)
