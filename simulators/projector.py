"""Path lengths, slices and labels of painted shapes: exact, not the toolbox's own operator."""

from __future__ import annotations

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise

import numpy as np
from numpy.typing import ArrayLike, NDArray

from metadata.errors import InputError
from simulators.shapes import Shapes

Array = NDArray[np.float64]
Images = NDArray[np.float32]


def path_lengths(shapes: Shapes, materials: int, theta: ArrayLike, u: ArrayLike, z: ArrayLike,
                 fine: int = 2, threads: int | None = None) -> Images:  # fmt: skip
    """Lengths in px of horizontal rays through each of ``materials`` (air counted, left at zero);
    axes ``material, angle, col``.

    The ray of angle ``theta`` (angle, rad) goes along ``(−sin θ, cos θ, 0)`` through
    ``x = u cos θ, y = u sin θ`` at height ``z``; ``u``, ``z`` (angle, col) in px from the axis and
    the middle row, ``u`` ascending along the row. Each pixel is the mean of ``fine`` rays spread
    evenly across it. Chords are exact; where bodies overlap the later one counts.

    >>> from simulators.shapes import ellipsoids
    >>> ball = ellipsoids([[0.0, 0.0, 0.0]], 10.0, material=1)
    >>> float(path_lengths(ball, 2, [0.0], [[6.0]], [[0.0]], fine=1)[1, 0, 0])
    16.0
    """
    from simulators.ray_loops import lengths

    angles = np.atleast_1d(np.asarray(theta, dtype=np.float64))
    across, heights = (np.asarray(v, dtype=np.float64) for v in (u, z))
    shape = np.broadcast_shapes(across.shape, heights.shape, (len(angles), 1))
    # own arrays, all of one layout: numba compiles the loops again for every other kind of array
    across, heights = (np.array(np.broadcast_to(v, shape)) for v in (across, heights))
    if across.shape[1] > 1 and (np.diff(across, axis=1) <= 0).any():
        raise InputError(
            "The places u of the rays do not ascend along the row; expected columns from left to "
            "right: reverse the columns before, and the result after."
        )
    out = np.zeros((_count(shapes, materials), *shape), dtype=np.float32)
    if out.size:
        single = shape[1] == 1
        du = np.ones(shape) if single else np.gradient(across, axis=1)
        dz = np.zeros(shape) if single else np.gradient(heights, axis=1)
        bodies = _packed(shapes.within(heights.min() - np.abs(dz).max(),
                                       heights.max() + np.abs(dz).max()))  # fmt: skip
        cos, sin = np.cos(angles), np.sin(angles)

        def part(chosen: slice) -> None:
            rays = (v[chosen] for v in (cos, sin, across, heights, du, dz))
            lengths(*bodies, *rays, fine, out[:, chosen])  # type: ignore[call-arg]

        _share(part, len(angles), threads)
    return out


def fractions(shapes: Shapes, materials: int, z: float, size: int, fine: int = 2,
              threads: int | None = None) -> Images:  # fmt: skip
    """The part of each voxel's area that each material has at height ``z``; axes
    ``material, y, x``, air left at zero, origin in the middle ``(size − 1)/2``.

    Exact along x on ``fine`` lines per row.
    """
    from simulators.slice_loops import areas

    out = np.zeros((_count(shapes, materials), size, size), dtype=np.float32)
    bodies = _packed(shapes.within(z, z))

    def part(rows: slice) -> None:
        areas(*bodies, float(z), rows.start, size, fine, out[:, rows])  # type: ignore[call-arg]

    _share(part, size, threads)
    return out


def labels(shapes: Shapes, z: float, size: int, threads: int | None = None) -> NDArray[np.uint8]:
    """The material at the middle of each voxel of the slice at height ``z``; axes ``y, x``."""
    from simulators.slice_loops import paint

    _count(shapes, 256)
    out = np.zeros((size, size), dtype=np.uint8)
    bodies = _packed(shapes.within(z, z))

    def part(rows: slice) -> None:
        paint(*bodies, float(z), rows.start, size, out[rows])  # type: ignore[call-arg]

    _share(part, size, threads)
    return out


def _count(shapes: Shapes, materials: int) -> int:
    highest = int(shapes.material.max(initial=0))
    if highest >= materials:
        raise InputError(
            f"A shape is of material {highest}, but {materials} materials are counted (air is "
            f"number 0); expected at least {highest + 1}."
        )
    return materials


def _packed(shapes: Shapes) -> tuple[NDArray, ...]:
    try:
        inverse = np.linalg.inv(shapes.axes)
    except np.linalg.LinAlgError as flat:
        raise InputError(
            "A shape has no volume: one of its half-axes is zero or in the plane of the others; "
            "give each body a thickness."
        ) from flat
    arrays = (shapes.kind, shapes.center, inverse, shapes.axes, shapes.material)
    return tuple(np.ascontiguousarray(array) for array in arrays)


def _share(part: Callable[[slice], None], count: int, threads: int | None) -> None:
    """Call ``part`` with slices of ``range(count)`` from several threads."""
    from toolbox.operators.nufft import default_threads

    workers = threads or default_threads()
    pieces = min(count, 1 if workers == 1 else 4 * workers)
    edges = np.linspace(0, count, pieces + 1).astype(int)
    slices = [slice(int(a), int(b)) for a, b in pairwise(edges)]
    if workers == 1:
        for chosen in slices:
            part(chosen)
        return
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(part, slices))
