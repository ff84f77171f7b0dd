"""Sharpness of slices: around the right axis, fine structure comes to a focus."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.centering.evidence import Curves, Doubles
from toolbox.centering.views import Floats, Views

TILES = 8


def sharpness_curves(views: Views, columns: Doubles, radius: float) -> list[Curves]:
    """Scores of candidate axes (evenly spaced, px), one set of curves for each measure:

    - ``edge_peaks``: skewness of the gradient's modulus, ⟨|∇f|³⟩ / ⟨|∇f|⟩³;
    - ``edges``: its concentration, ⟨|∇f|²⟩½ / ⟨|∇f|⟩;
    - ``sparsity``: the concentration of the band-passed slice itself, ⟨f²⟩½ / ⟨|f|⟩.

    All are free of scale and taken as logarithms, to first order in what changes with the
    candidate, so that they add up over tiles of the slices. ``radius``: what the specimen
    reaches from the axis, px. Sharpness of slices as a criterion: Donath et al. 2006, J. Opt.
    Soc. Am. A 23, 1048.
    """
    centers = views.from_pixels(columns)
    # The slice must hold all that the farther end of the detector sees, or it wraps around
    reach = float(np.maximum(centers, views.columns - 1 - centers).max())
    side = (int(2 * reach) // TILES + 1) * TILES
    inside = _tiles_inside(side, min(radius / views.bin, reach))
    sums = [_row_sums(row, views.angles_rad, centers, side, inside) for row in views.values]
    l1, l2, edge1, edge2, edge3 = (np.concatenate(part, axis=1) for part in zip(*sums, strict=True))
    heights = np.repeat(views.heights, len(inside))

    def curve(name: str, up: Doubles, power: float, down: Doubles, root: float) -> Curves:
        total = up.sum(axis=1).mean(), down.sum(axis=1).mean()
        return Curves(name, columns, (power * up / total[0] - root * down / total[1]).T, heights)

    return [
        curve("edge_peaks", edge3, 1.0, edge1, 3.0),
        curve("edges", edge2, 0.5, edge1, 1.0),
        curve("sparsity", l2, 0.5, l1, 1.0),
    ]


def _tiles_inside(side: int, radius: float) -> NDArray[np.intp]:
    """Tiles that touch the disc of the specimen (at least the four in the middle)."""
    middle = (np.arange(TILES) + 0.5) / TILES - 0.5
    away = np.hypot(middle[:, None], middle[None, :]).ravel() * side
    return np.flatnonzero(away < max(min(radius, side / 2), side / TILES))


def _row_sums(
    row: Floats, angles: Doubles, centers: Doubles, side: int, inside: NDArray[np.intp]
) -> list[Doubles]:
    """For each candidate and tile: sums of |f|, f², |∇f|, |∇f|², |∇f|³."""
    import finufft
    from scipy import fft

    length = fft.next_fast_len(int(1.5 * row.shape[1]), real=True)
    k = fft.rfftfreq(length).astype(np.float32)
    # A root of the ramp: whole, it would weigh the noise of the finest structure most
    spectrum = fft.rfft(row, length, axis=1) * np.sqrt(k)
    chosen = np.flatnonzero(k < 0.4)
    k, spectrum = k[chosen], spectrum[:, chosen]
    x = (2 * np.pi * np.outer(np.cos(angles), k)).ravel().astype(np.float32)
    y = (2 * np.pi * np.outer(np.sin(angles), k)).ravel().astype(np.float32)
    batch = int(np.clip(2_000_000 // side**2, 1, len(centers)))
    plan = finufft.Plan(
        1, (side, side), n_trans=batch, eps=1e-2, isign=1, dtype="complex64", upsampfac=1.25
    )
    plan.setpts(y, x)
    parts: list[list[Doubles]] = [[], [], [], [], []]
    for start in range(0, len(centers), batch):
        some = centers[start : start + batch]
        turn = np.exp(2j * np.pi * np.outer(np.resize(some, batch), k)).astype(np.complex64)
        images = plan.execute((spectrum[None] * turn[:, None, :]).reshape(batch, -1))
        images = images.reshape(batch, side, side)[: len(some)].real
        for part, value in zip(parts, _tile_sums(images), strict=True):
            part.append(value[:, inside])
    return [np.concatenate(part) for part in parts]


def _tile_sums(images: Floats) -> tuple[Doubles, ...]:
    count, side, _ = images.shape
    tile = side // TILES

    def sums(values: Floats) -> Doubles:
        across = values.reshape(count, TILES, tile, side).sum(axis=2)
        tiles = across.reshape(count, TILES, TILES, tile).sum(axis=3)
        return tiles.reshape(count, -1).astype(np.float64)

    images = np.ascontiguousarray(images)
    slope2 = np.zeros_like(images)
    slope2[:, :-1] += np.diff(images, axis=1) ** 2
    slope2[:, :, :-1] += np.diff(images, axis=2) ** 2
    slope = np.sqrt(slope2)
    measures = (np.abs(images), images * images, slope, slope2, slope2 * slope)
    return tuple(sums(values) for values in measures)
