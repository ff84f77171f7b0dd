"""A volume brought to where another lies."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.tools.register.resampling import moved_places
from toolbox.values import Block, Geometry, Shape, Transform

STATES = (GreyState.ATTENUATION, GreyState.PHASE)
ORDERS = {"nearest": 0, "linear": 1, "cubic": 3}
SLAB_VOXELS = 4e6


@dataclass(frozen=True)
class ApplyTransform(Tool):
    """``moved`` (``z, y, x``) drawn at the voxels of the reference of a ``transform``.

    Each voxel of the result is read at the place where the transform takes it; places outside the
    moved volume become 0. With ``reference`` at hand, the result has its size, which is the one
    that the transform knows.

    >>> tool, inputs = ApplyTransform.example()
    >>> tool(**inputs).values[0, 1, :3].tolist()
    [1.0, 2.0, 3.0]
    """

    card = ToolCard(
        name="apply_transform",
        title="resampling by a transform",
        title_zh="按变换重采样",
        stage=Stage.REGISTER,
        domain=Domain.RECONSTRUCTION,
        inputs={
            "moved": grey(DataKind.VOLUME, *STATES),
            "transform": Port(DataKind.TRANSFORM, unit="px"),
            "reference": Port(DataKind.VOLUME, frozenset(STATES), optional=True),
        },
        output=grey(DataKind.VOLUME),
        split=Split.WHOLE,
        references=("Thévenaz, Blu & Unser 2000, IEEE Trans. Med. Imaging 19, 739",),
        limits="Resampling blurs a little (linear more than cubic) and cubic overshoots at sharp "
        "borders; grey values are not rescaled where the volume is stretched. Needs the moved "
        "volume and the result in memory.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    interpolation: Annotated[
        str, Param("how values between voxels are drawn", choices=tuple(ORDERS))
    ] = "cubic"

    def __call__(  # type: ignore[override]
        self, *, moved: Block, transform: Transform, reference: Block | None = None
    ) -> Block:
        from scipy.ndimage import map_coordinates, spline_filter

        order = ORDERS[self.interpolation]
        values: NDArray[np.float32] = moved.values.astype(np.float32, copy=False)
        if order > 1:
            values = _prefiltered(values, spline_filter)
        shape = transform.shape
        result = np.empty(shape, np.float32)
        height = max(1, int(SLAB_VOXELS / (shape[1] * shape[2])))
        for start in range(0, shape[0], height):
            z = np.arange(start, min(start + height, shape[0]), dtype=np.float64)
            places = moved_places(transform, z)
            map_coordinates(values, places, result[start : start + len(z)], order=order,
                            mode="constant", prefilter=False)  # fmt: skip
        block = moved if reference is None else reference
        rows = np.arange(shape[0]) + (int(block.rows[0]) if len(block.rows) else 0)
        return moved.with_values(result, rows=rows, geometry=block.geometry)

    def output_shape(self, **inputs: Shape) -> Shape:
        return inputs.get("reference", inputs["moved"])

    def cost(self, **inputs: Shape) -> Cost:
        made, given = self.output_shape(**inputs).voxels, inputs["moved"].voxels
        return Cost(100.0 * made + 20.0 * given, 12.0 * given + 20.0 * min(made, SLAB_VOXELS))

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        values = np.tile(np.arange(8, dtype=np.float32), (2, 8, 1))
        block = Block(values, DataKind.VOLUME, GreyState.ATTENUATION,
                      Geometry(np.zeros(8), 2, 8), np.arange(2))  # fmt: skip
        matrix = np.eye(4)
        matrix[2, 3] = 1.0
        return cls("linear"), {"moved": block, "transform": Transform(matrix, (2, 8, 8))}


def _prefiltered(values: NDArray[np.float32], spline_filter: Any) -> NDArray[np.float32]:
    if 1 in values.shape:  # no spline along an axis of one voxel
        from scipy.ndimage import spline_filter1d

        for axis, size in enumerate(values.shape):
            if size > 1:
                values = spline_filter1d(values, 3, axis, output=np.float32, mode="mirror")
        return values
    return spline_filter(values, 3, output=np.float32, mode="mirror")
