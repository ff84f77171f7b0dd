"""Whole-pixel displacements of windows, coarse to fine."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolbox.tools.register.resampling import shrunk

Array = NDArray[np.floating]
FINE_REACH = 2  # px around what the coarser level found
LEAST_SIDE = 12  # px of a coarse level


@dataclass(frozen=True, eq=False)
class Nodes:
    """A grid of places in a volume: positions along ``z, y, x`` in px."""

    axes: tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.float64]]

    @classmethod
    def over(cls, shape: tuple[int, ...], half: tuple[int, ...], spacing: int) -> Nodes:
        """Nodes ``spacing`` apart, in the middle, as many as leave room for their windows."""
        axes = []
        for size, margin in zip(shape, half, strict=True):
            room = size - 1 - 2 * margin
            count = max(0, room // spacing) + 1
            axes.append((size - 1) / 2 + (np.arange(count) - (count - 1) / 2) * spacing)
        return cls((np.round(axes[0]), np.round(axes[1]), np.round(axes[2])))

    @property
    def shape(self) -> tuple[int, int, int]:
        return len(self.axes[0]), len(self.axes[1]), len(self.axes[2])

    def places(self) -> NDArray[np.float64]:
        """Positions, axes ``node, component``."""
        return np.stack(np.meshgrid(*self.axes, indexing="ij"), axis=-1).reshape(-1, 3)


def search(
    reference: Array, moved: Array, nodes: Nodes, half: tuple[int, ...], reach: int
) -> NDArray[np.float64]:
    """Displacements of the windows about some nodes, axes ``node, component``, px, to about half a
    pixel: the peak of the zero-normalised cross-correlation over shifts of up to ``reach``, at a
    quarter of the resolution, then half, then full, each time near the median of the neighbours.
    """
    places, found = nodes.places(), np.zeros((np.prod(nodes.shape), 3))
    levels = [f for f in (8, 4, 2, 1) if _large(reference.shape, f) or f == 1]
    for at, factor in enumerate(levels):
        first, second = shrunk(reference, factor), shrunk(moved, factor)
        room = tuple(min(h, (n - 1) // 2) for h, n in zip(half, first.shape, strict=True))
        far = -(-reach // factor) if at == 0 else FINE_REACH
        for index, place in enumerate(places):
            start = np.round((place - (factor - 1) / 2) / factor).astype(int)
            guess = np.round(found[index] / factor).astype(int)
            found[index] = factor * (guess + peak(first, second, start, guess, room, far)[0])
        if factor > 1:
            found = _medians(found, nodes)
    return found


def peak(
    reference: Array,
    moved: Array,
    place: NDArray[np.int_],
    guess: NDArray[np.int_],
    half: tuple[int, ...],
    reach: int,
) -> tuple[NDArray[np.int_], float]:
    """The shift from ``guess`` (up to ``reach``) at which the window about ``place`` is most like
    the moved volume, and the correlation there (Lewis 1995, Vision Interface, 120)."""
    from scipy import fft

    window = patch(reference, place, half).astype(np.float64)
    window -= window.mean()
    strength = np.sqrt((window**2).sum())
    reaches = tuple(min(reach, n // 2) if n > 1 else 0 for n in reference.shape)
    wide = patch(moved, place + guess, tuple(h + r for h, r in zip(half, reaches, strict=True)))
    wide = wide - wide.mean(dtype=np.float64)
    if strength == 0:
        return np.zeros(3, int), 0.0
    spectrum = fft.rfftn(wide) * fft.rfftn(window, wide.shape).conj()
    valid = tuple(slice(0, 2 * r + 1) for r in reaches)
    cross = fft.irfftn(spectrum, wide.shape)[valid]
    sums, squares = (_box(v, window.shape) for v in (wide, wide**2))
    spread = np.sqrt(np.maximum(squares - sums**2 / window.size, 1e-9 * squares.max() + 1e-30))
    likeness = cross / (spread * strength)
    best = np.unravel_index(int(likeness.argmax()), likeness.shape)
    return np.array(best) - reaches, float(likeness[best])


def patch(volume: Array, place: NDArray[np.int_], half: tuple[int, ...]) -> Array:
    """The box about a place; beyond the border the nearest voxel counts."""
    index = [np.clip(np.arange(p - h, p + h + 1), 0, n - 1)
             for p, h, n in zip(place, half, volume.shape, strict=True)]  # fmt: skip
    return volume[np.ix_(*index)]


def _box(values: Array, size: tuple[int, ...]) -> Array:
    """Sums over all boxes of a size inside."""
    for axis, width in enumerate(size):
        total = np.cumsum(values, axis=axis)
        total = np.concatenate([np.zeros_like(total.take([0], axis)), total], axis=axis)
        count = total.shape[axis]
        values = total.take(range(width, count), axis) - total.take(range(count - width), axis)
    return values


def _medians(found: NDArray[np.float64], nodes: Nodes) -> NDArray[np.float64]:
    from scipy.ndimage import median_filter

    field = found.reshape(*nodes.shape, 3)
    return median_filter(field, (3, 3, 3, 1), mode="nearest").reshape(-1, 3)


def _large(shape: tuple[int, ...], factor: int) -> bool:
    return min(n for n in shape if n > 1) // factor >= LEAST_SIDE
