"""How much the optics distort two tiles, from what both show.

Optics that are the same for both displace one point to different sides, by amounts that differ
along the overlap: the bend of the difference tells the distortion, apart from where the tiles
stand.
"""

from __future__ import annotations

import dataclasses
from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

from toolbox.attenuation import attenuation_of
from toolbox.line_shift import shifted_lines
from toolbox.tools.stitch.optics import SMALL, bend, seen_by_both, undistorted
from toolbox.values import Block

ROWS, VIEWS = 6, 768  # looked at, at most
FEWEST = 24  # columns shared, to tell a distortion by
ROUNDS = 6
GROUPS = 8  # stretches of views, for the uncertainty
SURE = 2.0  # standard deviations that a distortion must differ from none by
MOST = 1 / 16  # of a tile's columns: more is not believed
SMOOTH = 1.5  # px, of strips before their slopes are taken
Stack = NDArray[np.float32]
Places = NDArray[np.float64]
Looks = Callable[[Stack, Stack], tuple[Stack, Stack]]
"""Strips ``tile, row, angle, col``, and where both show something (1 or 0, ``row, col``) → how far,
px, what the left one shows lies from there in the right one, and what this counts; axes ``row,
angle, col``."""


def found(looks: Looks, left: Block, right: Block, overlap: float) -> tuple[float, str]:
    """The distortion of two tiles, px, and what to say of it; ``overlap``: columns that both
    show, as found on the tiles as they are."""
    narrower = min(block.values.shape[-1] for block in (left, right))
    if not FEWEST <= overlap <= 0.9 * narrower:
        return 0.0, f"{overlap:.0f} columns shared: too few, or too many, to tell a distortion by"
    tiles = [_some(block) for block in (left, right)]
    most = MOST * narrower
    by, at, error = 0.0, overlap, 0.0
    for _ in range(ROUNDS):
        first, second = (undistorted(block, by) for block in tiles)
        strips = overlapping(first, second, at)
        shared = strips.shape[-1]
        apart, weight = looks(strips, seen_by_both(first, second, by, shared))
        more, moved, error = fitted(apart, weight, bend(first, second, shared))
        by = float(np.clip(by + more, -most, most))
        at = float(np.clip(at + moved, FEWEST, narrower))
    said = f"distortion {by:.2f} px ± {2 * error:.2f} at the sides of a tile"
    if abs(by) < max(SURE * error, SMALL) or abs(by) == most:
        return 0.0, f"{said}: none that is sure, so none is taken out"
    return by, f"{said}, taken out"


def overlapping(left: Block, right: Block, overlap: float) -> Stack:
    """What both tiles show, axes ``tile, row, angle, col``: attenuation without what stands still,
    of unit deviation."""
    first, second = attenuation_of(left), attenuation_of(right)
    shared = round(overlap)
    moved = shifted_lines(second, overlap - shared, second.shape[-1])
    pair = np.stack([first[..., -shared:], moved[..., :shared]]).transpose(0, 2, 1, 3)
    pair = pair - pair.mean(axis=(2, 3), keepdims=True)
    if pair.shape[2] > 3:
        pair = pair - pair.mean(axis=2, keepdims=True)
    return np.asarray(pair / (pair.std() + 1e-9), np.float32)


def slopes(strips: Stack, inside: Stack) -> tuple[Stack, Stack]:
    """What registration along the slope (Lucas & Kanade 1981) says of strips: a place counts as
    its squared slope."""
    from scipy.ndimage import gaussian_filter1d

    left, right = (gaussian_filter1d(strip, SMOOTH, axis=-1) for strip in strips)
    slope = np.gradient(0.5 * (left + right), axis=-1)
    weight = slope**2 + 1e-9
    return (left - right) * slope / weight, weight * inside[:, None]


def fitted(apart: Stack, weight: Stack, shape: Places) -> tuple[float, float, float]:
    """Distortion, shift and the standard error of the first, px, from how far apart strips are
    with their weights, axes ``row, angle, col``, and the bend ``row, col`` of one px of distortion.
    The error is from leaving out stretches of views (jackknife)."""
    group = np.arange(apart.shape[1]) * GROUPS // apart.shape[1]
    parts = []
    for g in range(GROUPS):
        some = group == g
        w = weight[:, some].sum(1, dtype=np.float64)
        f = (weight[:, some] * apart[:, some]).sum(1, dtype=np.float64)
        parts.append([w.sum(), (w * shape).sum(), (w * shape**2).sum(), f.sum(), (f * shape).sum()])
    whole = np.sum(parts, axis=0)
    by, moved = _solved(whole)
    left_out = [_solved(whole - part)[0] for part in np.array(parts)]
    return float(by), float(moved), float(np.sqrt((GROUPS - 1) * np.var(left_out)))


def _solved(sums: Places) -> Places:
    """Distortion and shift that fit best: ``apart = shift − distortion · bend``."""
    n, b, bb, f, fb = sums
    least = 1e-6 * n + 1e-12
    return np.linalg.solve([[bb + least, -b], [-b, n + least]], [-fb, f])


def _some(block: Block) -> Block:
    """Some rows and views, evenly chosen."""
    views, rows = (
        np.unique(np.linspace(0, count - 1, most).round().astype(int))
        for count, most in ((len(block.frames), VIEWS), (len(block.rows), ROWS))
    )
    geometry = dataclasses.replace(block.geometry, angles_rad=block.geometry.angles_rad[views])
    return block.with_values(
        block.values[views][:, rows], geometry=geometry, rows=block.rows[rows],
        frames=block.frames[views], flats=None, darks=None, monitor=None,
    )  # fmt: skip
