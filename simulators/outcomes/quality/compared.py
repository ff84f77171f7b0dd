"""Two scans brought together: where voxels were said to lie against where they lie."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.acquisition.second_modality import Pair
from simulators.outcomes.quality.delivered import Delivered
from toolbox.kinds import DataKind
from toolbox.metrics import end_point_error, transform_error
from toolbox.values import Displacement, Transform


def register_quality(delivered: Delivered) -> float:
    """1 / (1 + mean distance in px between where the transform found and the true one take the
    voxels of the first scan); ``Job.truth`` is the :class:`Pair`."""
    found: Transform = delivered.values[DataKind.TRANSFORM]
    pair: Pair = delivered.job.truth
    truth = Transform(in_voxels(pair, found.shape), found.shape)
    return 1 / (1 + transform_error(found, truth))


def deform_quality(delivered: Delivered) -> float:
    """1 − (root mean square error of the displacement over what of the true one is not a common
    motion), at least 0, at the nodes inside 0.8 of the specimen."""
    found: Displacement = delivered.values[DataKind.DISPLACEMENT]
    rest, end = delivered.scans
    middle = (np.array([rest.world.rows, *2 * [rest.world.columns]]) - 1) / 2
    z, y, x = (n - m for n, m in zip((found.z, found.y, found.x), middle, strict=True))
    mesh = np.meshgrid(z, y, x, indexing="ij")
    truth = np.moveaxis(end.displacement(*mesh), 0, -1)
    inside = np.hypot(mesh[1], mesh[2]) < 0.8 * rest.world.radius
    return max(1 - end_point_error(found.vectors, truth, inside)[1], 0.0)


def in_voxels(pair: Pair, shape: tuple[int, int, int]) -> NDArray[np.float64]:
    """The pair's map, from the axis in ``x, y, z``, as a 4 × 4 matrix of voxels ``z, y, x``."""
    linear = pair.matrix[::-1, ::-1]
    moved = (pair.second.world.rows, *2 * [pair.second.world.columns])
    middles = [(np.array(s) - 1) / 2 for s in (shape, moved)]
    matrix = np.eye(4)
    matrix[:3, :3] = linear
    matrix[:3, 3] = pair.shift[::-1] + middles[1] - linear @ middles[0]
    return matrix
