"""Grey-value thresholds between classes, from a histogram."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

BINS = 256
MOST_CLASSES = 5


def in_circle(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """The finite grey values of slices (axes ``z, y, x``) as a list; of square slices those
    inside the inscribed circle, since beyond it a reconstruction holds nothing."""
    height, width = values.shape[-2:]
    if height == width and height >= 8:
        r = np.arange(height) - (height - 1) / 2
        values = values[..., np.add.outer(r**2, r**2) <= (0.97 * height / 2) ** 2]
    flat = values.ravel()
    return flat[np.isfinite(flat)]


def histogram(grey: NDArray[np.float32]) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Counts and bin centres between the 0.05th and 99.95th percentile: outliers such as metal
    or zingers would leave the rest in a few bins."""
    low, high = (float(v) for v in np.percentile(grey, (0.05, 99.95)))
    if not high > low:
        high = low + max(abs(low), 1.0) * 1e-6
    counts, edges = np.histogram(np.clip(grey, low, high), BINS, (low, high))
    return counts.astype(np.float64), (edges[1:] + edges[:-1]) / 2


def multi_otsu(grey: NDArray[np.float32], classes: int) -> tuple[tuple[float, ...], float]:
    """The thresholds that make the classes most alike inside, and the part of the variance that
    stays inside them.

    Found exactly by dynamic programming over a histogram of 256 bins.
    Reference: Otsu 1979, IEEE Trans. Syst. Man Cybern. 9, 62; Liao et al. 2001, J. Inf. Sci.
    Eng. 17, 713 (several classes).

    >>> grey = np.repeat([0.0, 1.0, 5.0], 100).astype(np.float32)
    >>> thresholds, inside = multi_otsu(grey, 3)
    >>> [round(t, 1) for t in thresholds], round(inside, 3)
    ([0.5, 3.0], 0.0)
    """
    counts, centers = histogram(grey)
    weight = np.concatenate([[0], np.cumsum(counts)])
    first = np.concatenate([[0], np.cumsum(counts * centers)])
    second = np.concatenate([[0], np.cumsum(counts * centers**2)])
    low, high = np.triu_indices(BINS + 1, 1)
    inside = np.full((BINS + 1, BINS + 1), np.inf)  # scatter of bins low … high − 1
    mass = weight[high] - weight[low]
    moved = first[high] - first[low]
    inside[low, high] = np.where(
        mass > 0, second[high] - second[low] - moved**2 / np.maximum(mass, 1), 0
    )
    best, cuts = inside[0], []
    for _ in range(classes - 1):
        total = best[:, None] + inside  # end of the classes so far, end of the next
        cuts.append(total.argmin(axis=0))
        best = total.min(axis=0)
    ends, end = [], BINS
    for cut in reversed(cuts):
        end = int(cut[end])
        ends.append(end)
    occupied = np.flatnonzero(counts)
    thresholds = tuple(_between(centers, occupied, end) for end in reversed(ends))
    whole = inside[0, BINS]
    return thresholds, float(best[BINS] / whole) if whole > 0 else 0.0


def _between(centers: NDArray[np.float64], occupied: NDArray[np.intp], end: int) -> float:
    """Halfway between the last grey value below a cut and the first above it."""
    at = int(np.clip(np.searchsorted(occupied, end), 1, max(len(occupied) - 1, 1)))
    if len(occupied) < 2:
        return float(centers[occupied[0]])
    return float((centers[occupied[at - 1]] + centers[occupied[at]]) / 2)


def number_of_classes(grey: NDArray[np.float32], most: int = MOST_CLASSES) -> int:
    """How many classes a histogram falls into, at least 2: the k with the least k² × (part of
    the variance inside k classes), which is 1 for all k where the histogram is flat.

    Reference: Marriott 1971, Biometrics 27, 501.

    >>> rng = np.random.default_rng(0)
    >>> number_of_classes(np.concatenate([rng.normal(m, 0.1, 999) for m in (0, 1, 2)]))
    3
    """
    scores = [k**2 * multi_otsu(grey, k)[1] for k in range(2, most + 1)]
    return 2 + int(np.argmin(scores))
