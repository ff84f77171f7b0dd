"""Reconstruction with total variation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import numpy as np

from toolbox.card import Param
from toolbox.kinds import DataKind
from toolbox.operators.blocks import slice_size
from toolbox.tools.reconstruct.slices import (
    IterativeReconstruction,
    Size,
    TiltHalo,
    reconstruction_card,
)
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

TUNING_ITERATIONS = 40
# The best single strength over the simulated worlds 0 to 39 of
# `planner.benchmarks.automatic_strength --first 0 --worlds 40`; it serves
# where there are too few views to keep some out.
FIXED_STRENGTH = 0.018


@dataclass(frozen=True)
class TotalVariation(IterativeReconstruction):
    """Least squares with total variation: ``row, angle, col`` to slices ``z, y, x`` in 1/px.

    Minimises ½ (π / views) ‖A x − y‖² + strength · Σ |∇x| in each slice: flat regions become flat,
    edges stay. The automatic strength is the one whose reconstruction from four fifths of the
    views predicts the others best.

    >>> TotalVariation(strength=0.01).needs_tuning()
    True
    """

    card = reconstruction_card(
        name="tv",
        title="total variation reconstruction",
        title_zh="全变分重建（TV）",
        references=(
            "Rudin, Osher & Fatemi 1992, Physica D 60, 259",
            "Chambolle & Pock 2011, J. Math. Imaging Vis. 40, 120",
            "Stone 1974, J. R. Stat. Soc. B 36, 111 (the strength)",
        ),
        limits="Gradual changes become steps and fine texture is lost. A sample wider than the "
        "field leaves a bright rim.",
        bands=2,
        gpu=True,
        # `tomoplan bench tools`: real scans whose specimen is wider than the field come out worse
        suits={"truncation": (0.0, 0.25)},
    )
    arrays = 14

    strength: Annotated[
        float | None,
        Param("weight of the total variation", "1", low=1e-12, high=1e6,
              auto="predicts views kept out best"),
    ] = None  # fmt: skip
    iterations: Annotated[int, Param("iterations", low=1, high=10000)] = 60
    non_negative: Annotated[bool, Param("keep values at or above zero")] = True
    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        if self.strength is not None:
            return super().__call__(sinogram=sinogram, center=center)
        first = sinogram.as_kind(DataKind.SINOGRAM).take_rows(slice(0, 2))
        strength, _ = self._best_strength(first, center, self.size or slice_size(first, center))
        tool = dataclasses.replace(self, strength=strength)
        return tool(sinogram=sinogram, center=center)

    def solve(self, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
        from toolbox.operators.solvers import total_variation

        assert self.strength is not None
        return total_variation(A, y, self.strength, self.iterations, self.non_negative)

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        if self.strength is not None:
            return {}, []
        strength, note = self._best_strength(sinogram, center, size)
        return {"strength": strength}, [note]

    def _best_strength(self, sinogram: Block, center: Center, size: int) -> tuple[float, str]:
        from toolbox.operators.held_out import best_strength, noise_level
        from toolbox.operators.solvers import total_variation

        values = sinogram.as_kind(DataKind.SINOGRAM).values
        views = values.shape[1]
        iterations = min(self.iterations, TUNING_ITERATIONS)
        # Near the best of simulated worlds (`tomoplan bench strength`), sparse and dense.
        start = float(np.clip(noise_level(values) / views**0.25, 1e-5, 1.0))
        found = best_strength(
            sinogram,
            center,
            size,
            lambda A, y, s: total_variation(A, y, s, iterations, self.non_negative),
            start,
        )
        if found is None:
            return FIXED_STRENGTH, (
                f"{views} views are too few to keep some out: strength {FIXED_STRENGTH}, the best "
                f"fixed one in simulation."
            )
        strength, gain = found
        strength = float(f"{strength:.3g}")
        return strength, (
            f"Strength {strength:g} predicts every fifth view best; the next best of those tried "
            f"raises the squared error there by {100 * gain:.2g} %."
        )
