"""Conjugate gradients on the least squares problem."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

from toolbox.card import Param
from toolbox.tools.reconstruct.slices import (
    IterativeReconstruction,
    Size,
    TiltHalo,
    reconstruction_card,
)

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam


@dataclass(frozen=True)
class CGLS(IterativeReconstruction):
    """CGLS of ``row, angle, col`` to slices ``z, y, x`` in 1/px: the least squares solution in few
    iterations, noise coming in when there are too many.

    >>> CGLS().iterations
    10
    """

    card = reconstruction_card(
        name="cgls",
        title="conjugate gradient least squares",
        title_zh="共轭梯度最小二乘（CGLS）",
        references=("Björck 1996, Numerical Methods for Least Squares Problems, § 7.4",),
        limits="A sample wider than the field leaves a bright rim; the number of iterations is the "
        "regularisation and is not found automatically.",
        bands=1,
        gpu=True,
    )
    arrays = 7

    iterations: Annotated[int, Param("iterations", low=1, high=10000)] = 10
    non_negative: Annotated[bool, Param("set negative values of the result to zero")] = False
    size: Size = None
    tilt_halo: TiltHalo = None

    def solve(self, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
        from toolbox.operators.solvers import cgls

        return cgls(A, y, self.iterations, self.non_negative)
