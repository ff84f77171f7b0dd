"""Simultaneous iterative reconstruction."""

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
class SIRT(IterativeReconstruction):
    """SIRT of ``row, angle, col`` to slices ``z, y, x`` in 1/px: slow, smooth, steady with few
    views or noise; more iterations give more detail and more noise.

    >>> SIRT(iterations=50).non_negative
    True
    """

    card = reconstruction_card(
        name="sirt",
        title="simultaneous iterative reconstruction",
        title_zh="联立迭代重建（SIRT）",
        references=(
            "Gilbert 1972, J. Theor. Biol. 36, 105",
            "Gregor & Benson 2008, IEEE Trans. Med. Imaging 27, 918",
        ),
        limits="A sample wider than the field leaves a bright rim; the number of iterations is the "
        "regularisation and is not found automatically.",
        bands=1,
        gpu=True,
    )
    arrays = 6

    iterations: Annotated[int, Param("iterations", low=1, high=10000)] = 100
    non_negative: Annotated[bool, Param("keep values at or above zero in every iteration")] = True
    size: Size = None
    tilt_halo: TiltHalo = None

    def solve(self, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
        from toolbox.operators.solvers import sirt

        return sirt(A, y, self.iterations, self.non_negative)
