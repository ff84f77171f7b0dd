"""How strong the stripes of a sinogram are: detector pixels that stay wrong in all projections."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolbox.noise import noise_sigma

Floats = NDArray[np.float32]
# Of the mean over the middle half of eight normal values, from their median absolute deviation.
STANDARD_ERROR = 1.27
NORMAL_TRIMMED = 0.934  # root mean square of normal values without their strongest 2 %
TRIMMED = 0.02  # of the columns, the strongest: still edges of the sample look like stripes


def stripe_energy(sinogram: NDArray[Any]) -> NDArray[np.float64]:
    """Strength of the stripes in each row of ``sinogram`` (axes ``row, angle, col``), in noise.

    The root mean square, over columns, of what stays the same in all projections and is narrower
    than :func:`usual_width`, less what noise and moving structure contribute to it; divided by
    the noise of one pixel (from its finest detail). 0: none seen. For A projections, values above
    about 1/sqrt(A) rise above the noise in a reconstruction. The strongest 2 % of the columns are
    left out: a still edge (a tube around the axis) cannot be told from a stripe.

    Raises ValueError for fewer than 3 axes. Rows with fewer than 4 projections or 8 columns give 0.

    >>> rng = np.random.default_rng(0)
    >>> clean = rng.normal(0, 1, (1, 180, 200))
    >>> bool(stripe_energy(clean)[0] < 0.05)
    True
    >>> bool(0.4 < stripe_energy(clean + rng.normal(0, 0.5, 200))[0] < 0.6)
    True
    """
    if np.ndim(sinogram) != 3:
        raise ValueError(
            f"stripe_energy got an array of shape {np.shape(sinogram)}, expected the three axes "
            f"row, angle, col"
        )
    return np.array([_energy(row) for row in np.asarray(sinogram)])


def _energy(sinogram: NDArray[Any]) -> float:
    if sinogram.shape[0] < 4 or sinogram.shape[1] < 8:
        return 0.0
    width = usual_width(sinogram.shape[1])
    strength = stripe_sigma(*stripe_profile(sinogram, width))
    if strength == 0:
        return 0.0
    # What the window and the trimming take from stripes that differ from column to column.
    single = np.zeros(2 * width + 1)
    single[width] = 1.0
    strength /= np.sqrt(1 - running_parabola(single, width)[width]) * NORMAL_TRIMMED
    noise = noise_sigma(sinogram, axes=(0, 1))
    return strength / max(noise, float(np.finfo(np.float32).eps))


def stripe_profile(
    sinogram: NDArray[Any],
    width: int | None = None,
    blocks: int = 8,
    offsets: NDArray[np.float64] | None = None,
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """What stays the same in all projections of one row (axes ``angle, col``), per column.

    The projections are averaged in ``blocks`` groups of neighbours and freed of what a parabola
    over ``width`` columns follows (``None``: see :func:`usual_width`). Returns the mean over the
    middle half of the groups (structure that passes hardly reaches it) and its standard error,
    both in the unit of the sinogram. ``offsets`` (per column) are taken off before. Non-finite
    values count as missing.
    """
    projections, columns = sinogram.shape
    blocks = max(1, min(blocks, projections // 2))
    edges = np.linspace(0, projections, blocks + 1).astype(int)
    with np.errstate(invalid="ignore"):
        means = np.stack(
            [sinogram[a:b].mean(axis=0, dtype=np.float64) for a, b in itertools.pairwise(edges)]
        )
    if not np.isfinite(means).all():
        means = _without_nan(np.asarray(sinogram), edges)
    if offsets is not None:
        means -= offsets
    detail = means - running_parabola(means, usual_width(columns) if width is None else width)
    if blocks == 1:
        return detail[0], np.zeros(columns)
    ranked = detail.copy()
    ranked.sort(axis=0)
    cut = blocks // 4
    middle = ranked[cut : blocks - cut].mean(axis=0)
    spread = 1.4826 * np.median(np.abs(detail - np.median(detail, axis=0)), axis=0)
    return middle, STANDARD_ERROR * spread / np.sqrt(blocks)


def usual_width(columns: int) -> int:
    """The window that tells stripes from structure on a detector of so many columns."""
    return int(np.clip(columns // 24, 7, 41)) | 1


def stripe_sigma(profile: NDArray[np.float64], error: NDArray[np.float64]) -> float:
    """Root mean square of the stripes behind a profile (see :func:`stripe_profile`), its error
    taken off, columns weighed by how surely they are known (DerSimonian & Laird 1986) and the
    strongest 2 % left out."""
    kept = np.argsort(np.absolute(profile))[: max(1, round(len(profile) * (1 - TRIMMED)))]
    squares, noise = profile[kept] ** 2, error[kept] ** 2
    variance = float(np.median(squares))
    least = max(float(np.median(noise)), 1e-6 * variance, float(np.finfo(float).tiny))
    for _ in range(20):
        weight = (noise + variance + least) ** -2
        weight /= weight.max()
        variance = max(float(np.sum(weight * (squares - noise)) / np.sum(weight)), 0.0)
    return variance**0.5


def likely_stripes(profile: NDArray[np.float64], error: NDArray[np.float64]) -> NDArray[np.float64]:
    """The stripes that a measured profile most likely stems from (Wiener, per column): the error
    decides how far each column is believed; columns far above all others are believed more."""
    variance = stripe_sigma(profile, error) ** 2
    seen = np.maximum(profile**2, np.finfo(float).tiny)
    total = np.maximum(variance + error**2, np.finfo(float).tiny)
    trust = np.where(seen > 9 * total, 1 - error**2 / seen, variance / total)
    return profile * np.clip(trust, 0, 1) if variance > 0 else np.zeros_like(profile)


def estimated_stripes(sinogram: NDArray[Any], widest: int | None = None) -> NDArray[np.float64]:
    """The most likely stripes of one row (axes ``angle, col``), one value for each column.

    Windows from 5 columns to ``widest`` (``None``: 17, or :func:`usual_width` where that is more),
    each half as wide again as the one before, see what the narrower ones left: narrow stripes are
    told surely from structure, broad ones only as far as the scatter over the angle allows.
    """
    if widest is None:
        widest = max(17, usual_width(sinogram.shape[1]))
    found = np.zeros(sinogram.shape[1])
    width, size = 5, np.inf
    while width <= max(widest, 5):
        profile, error = stripe_profile(sinogram, width, offsets=found)
        left = stripe_sigma(profile, error)
        # Stripes show in narrow windows too: what only a broader one sees is structure.
        if left > 2 * size:
            break
        size = left if width == 5 else max(size, left)
        found += likely_stripes(profile, error)
        width = round(width * 1.5) | 1
    return found


def running_parabola(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Least-squares parabola over ``width`` neighbours (made odd, at least 5) along the last axis,
    its middle value (Savitzky–Golay). A running median would follow stripes on steep slopes."""
    # scipy.signal has it, and takes most of a second to import: an inspection has two in all
    from scipy.ndimage import correlate1d

    count = values.shape[-1]
    width = min(max(int(width), 5) | 1, count - 1 + count % 2)
    if width < 5:
        return np.broadcast_to(values.mean(axis=-1, keepdims=True), values.shape).copy()
    half = width // 2
    powers = np.arange(-half, half + 1.0)[:, None] ** np.arange(3)
    fit = powers @ np.linalg.pinv(powers)  # window → its parabola
    smooth = correlate1d(values, fit[half], axis=-1, mode="nearest")
    smooth[..., :half] = values[..., :width] @ fit[:half].T.astype(values.dtype)
    smooth[..., -half:] = values[..., -width:] @ fit[half + 1 :].T.astype(values.dtype)
    return smooth


def running_median(values: NDArray[Any], width: int) -> NDArray[Any]:
    """Median over ``width`` (made odd) neighbours along the last axis of a 1-D or 2-D array."""
    from scipy.ndimage import median_filter

    width = max(1, min(int(width), values.shape[-1])) | 1
    if width == 1:
        return values.copy()
    # Line by line: scipy has a fast median only in one dimension.
    lines = np.atleast_2d(values)
    smooth = np.empty_like(lines)
    for line, out in zip(lines, smooth, strict=True):
        median_filter(line, width, output=out)
    return smooth.reshape(values.shape)


def standing_out(values: NDArray[Any], threshold: float, least: float = 0.0) -> NDArray[np.bool_]:
    """Which of some values, one for each column, stand out of all, and their neighbours.

    The spread is that of the straight line through the middle half of the sorted values, drawn to
    both ends, or ``least`` where that is more; a value more than ``threshold`` halves of it beyond
    an end stands out, if the extreme value does so by more than ``threshold`` spreads (Vo 2018,
    algorithm 4).
    """
    count = len(values)
    ranked = np.array(values, np.float64)
    ranked.sort()
    quarter = count // 4
    if count < 8:
        return np.zeros(count, bool)
    slope, start = np.polyfit(
        np.arange(quarter, count - quarter), ranked[quarter : count - quarter], 1
    )
    end = start + slope * (count - 1)
    spread = max(float(end - start), least, 1e-6 * float(np.abs(ranked).max()), 1e-12)
    found = np.zeros(count, bool)
    if ranked[-1] - end > threshold * spread:
        found |= values > end + threshold * spread / 2
    if start - ranked[0] > threshold * spread:
        found |= values < start - threshold * spread / 2
    return widened(found)


def widened(columns: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Some columns and their neighbours."""
    wide = columns.copy()
    wide[1:] |= columns[:-1]
    wide[:-1] |= columns[1:]
    return wide


def _without_nan(sinogram: NDArray[Any], edges: NDArray[np.intp]) -> NDArray[np.float64]:
    known = np.isfinite(sinogram)
    total = np.add.reduceat(np.where(known, sinogram, 0), edges[:-1], axis=0, dtype=np.float64)
    count = np.add.reduceat(known, edges[:-1], axis=0, dtype=np.intp)
    whole = total.sum(axis=0) / np.maximum(count.sum(axis=0), 1)
    return np.where(count > 0, total / np.maximum(count, 1), whole)
