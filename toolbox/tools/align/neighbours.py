"""Shifts of views from comparing each to its neighbours."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.jitter import SlopeBand, part_products, slope_bands
from toolbox.tools.align.moved_lines import moved_lines

ROUNDS = 8


def neighbour_shifts(values: NDArray[np.float32], rounds: int = ROUNDS) -> NDArray[np.float64]:
    """The shift of each view (``row, angle, col``, views in order) along the columns, in columns.

    Each view is registered to the mean of its two neighbours, all wavelengths weighted by their
    noise. Adding such differences up would add up their errors too; instead the most probable
    shifts are taken (a Gaussian prior as wide as the jitter measured by
    :mod:`toolbox.jitter`): slow changes, of which neighbours say little, stay near zero, and
    where there is only noise nothing moves. Repeated on moved views, with finer structure as the
    rest gets smaller.
    """
    count = values.shape[1]
    shifts = np.zeros(count)
    begins = np.arange(count) == 0
    prior: float | None = None
    rest, last = 0.0, np.inf
    for turn in range(rounds):
        bands = slope_bands(moved_lines(values, -shifts) if turn else values, begins)
        if not bands:
            break
        found, usable = _level(bands)
        if found < rest / 2:  # finer structure only little by little: far off, it misleads
            found = rest / 2
            usable = [b for b in bands if b.scale >= 1.5 * found] or bands[-1:]
        rest = found
        if prior is None:
            prior = max(rest, 1e-3) ** 2
        step = _most_probable(usable, shifts, prior)
        size = float(np.sqrt(np.mean(step**2)))
        if size > 0.8 * last:  # no longer converging: what is left is noise
            break
        shifts, last = shifts + step, size
        if size < 0.01:
            break
    return shifts


def _level(bands: list[SlopeBand]) -> tuple[float, list[SlopeBand]]:
    """RMS jitter left, and the bands long enough for it."""
    level, before, usable = 0.0, -1.0, bands
    for _ in range(6):
        if level <= 1.05 * before:
            break
        usable = [b for b in bands if b.scale >= 1.5 * level] or bands[-1:]
        variance = part_products(usable).variance()
        before, level = level, float(np.sqrt(max(variance, 0.0))) if variance == variance else 0.0
    return level, usable


def _most_probable(
    bands: list[SlopeBand], shifts: NDArray[np.float64], prior: float
) -> NDArray[np.float64]:
    """The step to the best balance of measured second differences and the prior."""
    from scipy.linalg import solveh_banded

    misfit = np.sum([b.misfit / b.noise for b in bands], axis=0)
    energy = np.sum([b.blunt_energy / b.noise for b in bands], axis=0)
    whole = np.maximum(energy.sum(axis=1), 0.05 * np.median(np.abs(energy.sum(axis=1))) + 1e-12)
    farthest = 2 * bands[0].scale  # beyond it the slope says little
    measured = np.clip(misfit.sum(axis=1) / whole, -farthest, farthest)
    # two halves of the parts measure the same: their difference shows the error
    halves = [slice(0, None, 2), slice(1, None, 2)]
    parts = [np.maximum(energy[:, h].sum(axis=1), 1e-2 * whole) for h in halves]
    first, second = (misfit[:, h].sum(axis=1) / p for h, p in zip(halves, parts, strict=True))
    differ = first - second
    scale = float(np.median(differ**2 / (1 / parts[0] + 1 / parts[1]))) / 0.455
    weight = whole / max(scale, 1e-12)
    count = len(shifts)
    weights = np.zeros(count)
    weights[1:-1] = weight
    right = np.zeros(count)
    right[1:-1] = weight * measured
    # normal equations of L = (−½, 1, −½), as upper bands of a symmetric matrix
    before, after = np.append(weights[1:], 0.0), np.insert(weights[:-1], 0, 0.0)
    banded = np.zeros((3, count))
    banded[2] = weights + (before + after) / 4 + 1 / prior
    banded[1, 1:] = -(weights[1:] + weights[:-1]) / 2
    banded[0, 2:] = weights[1:-1] / 4
    target = right - (np.append(right[1:], 0.0) + np.insert(right[:-1], 0, 0.0)) / 2
    solved: NDArray[np.float64] = solveh_banded(banded, target - shifts / prior)
    return solved
