"""Half-turn pairs: a view and the mirror image of the view half a turn later are the same."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.centering.evidence import Curves, Doubles
from toolbox.centering.views import Floats, Views

FAR = 2.0  # structure seen may lie this many detector widths from the axis (truncated specimens)
SLOPES = 24


def half_turn_pairs(angles_rad: Doubles, off_steps: int = 0) -> NDArray[np.intp]:
    """Index pairs of views half a turn apart, axes ``pair, (first, second)``.

    ``off_steps``: how many steps the second may be short of (or beyond) the half turn.

    >>> half_turn_pairs(np.deg2rad(np.arange(0.0, 360.0, 90.0))).tolist()
    [[0, 2], [1, 3]]
    """
    order = np.argsort(angles_rad)
    ordered = angles_rad[order]
    step = float(np.median(np.diff(ordered)))
    wanted = ordered + np.pi - off_steps * step
    right = np.clip(np.searchsorted(ordered, wanted), 1, len(ordered) - 1)
    before = np.abs(ordered[right - 1] - wanted) <= np.abs(ordered[right] - wanted)
    nearest = np.where(before, right - 1, right)
    good = (np.abs(ordered[nearest] - wanted) <= 0.51 * step) & (nearest > np.arange(len(order)))
    return np.stack([order[good], order[nearest[good]]], axis=1)


def correlation(
    first: Floats, second: Floats, least: int, segments: int = 1
) -> tuple[Doubles, Doubles]:
    """Normalised correlation of views with mirrored views (axes ``pair, col``) for each axis at
    half-column steps; zero where fewer than ``least`` columns overlap. What runs of columns of
    ``first`` contribute comes apart: axes ``segment, pair, candidate``."""
    from scipy import fft

    columns = first.shape[1]
    length = fft.next_fast_len(2 * columns, real=True)
    keep = 2 * columns - 1

    def spectrum(values: Floats) -> NDArray[np.complex64]:
        return fft.rfft(values, length, axis=-1)

    def lags(product: NDArray[np.complex64]) -> Floats:
        return fft.irfft(product, length, axis=-1)[:, :keep]

    ones = spectrum(np.ones((1, columns), np.float32))
    energy = [lags(spectrum(side**2) * ones) for side in (first, second)]
    overlap = np.minimum(np.arange(1, keep + 1), np.arange(keep, 0, -1))
    # Overlaps without specimen must not be scaled up: what is left of stripes would match there
    floor = 0.3 * float(np.mean(first**2)) * overlap + 1e-12
    scale = 1 / np.sqrt(np.maximum(energy[0], floor) * np.maximum(energy[1], floor))
    scale[:, overlap < least] = 0
    mirrored = spectrum(second)
    which = np.arange(columns) * segments // columns
    value = np.stack(
        [lags(spectrum(first * (which == part)) * mirrored) * scale for part in range(segments)]
    )
    return np.arange(keep) / 2, value.astype(np.float64)


def pairs_at_hand(angles_rad: Doubles) -> list[NDArray[np.intp]]:
    """Exact half-turn pairs, or where there is none (a half turn that lacks its end) the pairs
    that are 1, 2 and 3 steps short; empty for less than that."""
    exact = half_turn_pairs(angles_rad)
    if len(exact):
        return [exact]
    short = [half_turn_pairs(angles_rad, off) for off in (1, 2, 3)]
    return short if len(short[0]) else []


def pair_curves(
    views: Views,
    pairs: list[NDArray[np.intp]],
    step_rad: float,
    method: str,
    low: float,
    high: float,
) -> Curves:
    """Scores for axes (px) from ``low`` to ``high`` by pairs as :func:`pairs_at_hand` gives them
    (positions among ``views``), for a scan with ``step_rad`` between views.

    A pair that is a step short moves structure far from the axis by (depth × step), which shifts
    the maximum by as much as several px where the specimen reaches beyond the view. So pairs 1, 2
    and 3 steps short are followed to 0 along the slope that brings them together best (of
    :data:`SLOPES` for each resampling).
    """  # fmt: skip
    found = [_scores(views, some, method, low, high) for some in pairs if len(some)]
    if len(found) == 1:
        return found[0]
    columns = found[0].columns
    reach = min(FAR * views.columns * views.bin * step_rad / 2, 0.1 * (high - low))
    slopes = np.linspace(-reach, reach, 2 * int(reach / (0.25 * views.bin)) + 1)
    moved = [_moved(found, (np.arange(len(found)) + 1) * slope) for slope in slopes]
    order = np.argsort([-parts.sum(axis=0).max() for parts in moved])[:SLOPES]
    heights = np.concatenate([curves.heights for curves in found])
    ways = tuple(moved[at].astype(np.float32) for at in order)
    return Curves(method, columns, moved[order[0]], heights, ways)


def _moved(found: list[Curves], shifts: Doubles) -> Doubles:
    """Parts of all curves, each curve's candidates moved by its shift (px)."""
    parts = []
    for curves, shift in zip(found, shifts, strict=True):
        at = curves.columns + shift
        parts += [np.interp(at, curves.columns, part) for part in curves.parts]
    return np.stack(parts)


def _scores(views: Views, pairs: NDArray[np.intp], method: str, low: float, high: float) -> Curves:
    rows = views.values.shape[0]
    first = views.values[:, pairs[:, 0]].reshape(-1, views.columns)
    second = views.values[:, pairs[:, 1]].reshape(-1, views.columns)
    # Few pairs: the parts are runs of columns; many: runs of neighbouring pairs
    segments = 12 if len(pairs) < 8 else 1
    half, value = correlation(first, second, max(8, views.columns // 24), segments)
    columns = views.to_pixels(half)
    inside = (columns >= low) & (columns <= high)
    columns, half = columns[inside], half[inside]
    overlap = 2 * np.minimum(half, views.columns - 1 - half) + 1
    # The scatter of a chance correlation falls with the root of the overlap. Around the maximum
    # the factor is held, as its slope would move the maximum.
    value, factor = value[:, :, inside], np.sqrt(overlap)
    best = int(np.argmax(value.sum(axis=(0, 1)) * factor))
    factor[np.abs(columns - columns[best]) < 8 * views.bin] = factor[best]
    value = value * factor
    value *= np.repeat(views.firmness, len(pairs))[None, :, None]
    value = value.reshape(segments, rows, len(pairs), -1).swapaxes(0, 1)
    runs = np.array_split(np.arange(len(pairs)), min(16, len(pairs)))
    parts = np.stack([value[:, :, run].sum(axis=2) for run in runs], axis=2)
    heights = np.repeat(views.heights, segments * len(runs))
    return Curves(method, columns, parts.reshape(len(heights), -1), heights)
