"""Conjugate gradients on the least squares problem."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.operators.blocks import (
    measured_geometry,
    reconstruction_ports,
    solve_rows,
    solver_cost,
    volume_shape,
)
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class CGLS(Tool):
    """CGLS of ``row, angle, col`` to slices ``z, y, x`` in 1/px: the least squares solution in few
    iterations, noise coming in when there are too many.

    >>> CGLS().iterations
    10
    """

    card = ToolCard(
        name="cgls",
        title="conjugate gradient least squares",
        title_zh="共轭梯度最小二乘（CGLS）",
        stage=Stage.RECONSTRUCT,
        domain=Domain.RECONSTRUCTION,
        inputs=reconstruction_ports(),
        output=grey(DataKind.VOLUME, unit="1/px"),
        split=Split.ROWS,
        references=("Björck 1996, Numerical Methods for Least Squares Problems, § 7.4",),
        limits="A sample wider than the field leaves a bright rim; the number of iterations is the "
        "regularisation and is not found automatically.",
        bands=1,
        gpu=True,
    )

    iterations: Annotated[int, Param("iterations", low=1, high=10000)] = 10
    non_negative: Annotated[bool, Param("set negative values of the result to zero")] = False
    size: Annotated[
        int | None,
        Param("side of a slice", "px", low=1,
              auto="the columns, or the wider field of a half acquisition"),
    ] = None  # fmt: skip
    tilt_halo: Annotated[
        int | None, Param("rows that a leaning axis mixes", "px", low=0, auto="from the axis tilt")
    ] = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        from toolbox.operators.solvers import cgls

        return solve_rows(
            sinogram,
            center,
            self.size,
            lambda A, y: cgls(A, y, self.iterations, self.non_negative),
        )

    def tune(self, *, sinogram: Block, center: Center) -> Tuned:  # type: ignore[override]
        size, halo, notes = measured_geometry(sinogram, center, self.size, self.tilt_halo)
        return Tuned(dataclasses.replace(self, size=size, tilt_halo=halo), tuple(notes))

    def halo(self) -> int:
        return self.tilt_halo or 0

    def output_shape(self, **inputs: Shape) -> Shape:
        return volume_shape(inputs["sinogram"], self.size)

    def cost(self, **inputs: Shape) -> Cost:
        return solver_cost(inputs["sinogram"], self.size, self.iterations, arrays=7)
