"""Reconstruction with total variation."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated

import numpy as np

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

TUNING_ITERATIONS = 40
# The best single strength over the simulated worlds 0 to 39 of
# `planner.benchmarks.automatic_strength --first 0 --worlds 40`; it serves
# where there are too few views to keep some out.
FIXED_STRENGTH = 0.018


@dataclass(frozen=True)
class TotalVariation(Tool):
    """Least squares with total variation: ``row, angle, col`` to slices ``z, y, x`` in 1/px.

    Minimises ½ (π / views) ‖A x − y‖² + strength · Σ |∇x| in each slice: flat regions become flat,
    edges stay. The automatic strength is the one whose reconstruction from four fifths of the
    views predicts the others best.

    >>> TotalVariation(strength=0.01).needs_tuning()
    True
    """

    card = ToolCard(
        name="tv",
        title="total variation reconstruction",
        title_zh="全变分重建（TV）",
        stage=Stage.RECONSTRUCT,
        domain=Domain.RECONSTRUCTION,
        inputs=reconstruction_ports(),
        output=grey(DataKind.VOLUME, unit="1/px"),
        split=Split.ROWS,
        references=(
            "Rudin, Osher & Fatemi 1992, Physica D 60, 259",
            "Chambolle & Pock 2011, J. Math. Imaging Vis. 40, 120",
            "Stone 1974, J. R. Stat. Soc. B 36, 111 (the strength)",
        ),
        limits="Gradual changes become steps and fine texture is lost. A sample wider than the "
        "field leaves a bright rim.",
        bands=2,
        gpu=True,
    )

    strength: Annotated[
        float | None,
        Param("weight of the total variation", "1", low=1e-12, high=1e6,
              auto="predicts views kept out best"),
    ] = None  # fmt: skip
    iterations: Annotated[int, Param("iterations", low=1, high=10000)] = 60
    non_negative: Annotated[bool, Param("keep values at or above zero")] = True
    size: Annotated[
        int | None,
        Param("side of a slice", "px", low=1,
              auto="the columns, or the wider field of a half acquisition"),
    ] = None  # fmt: skip
    tilt_halo: Annotated[
        int | None, Param("rows that a leaning axis mixes", "px", low=0, auto="from the axis tilt")
    ] = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        from toolbox.operators.solvers import total_variation

        tool = self if self.strength is not None else self._tuned(sinogram, center)
        assert isinstance(tool, TotalVariation)
        strength = tool.strength or FIXED_STRENGTH
        return solve_rows(
            sinogram,
            center,
            self.size,
            lambda A, y: total_variation(A, y, strength, self.iterations, self.non_negative),
        )

    def tune(self, *, sinogram: Block, center: Center) -> Tuned:  # type: ignore[override]
        size, halo, notes = measured_geometry(sinogram, center, self.size, self.tilt_halo)
        strength = self.strength
        if strength is None:
            strength, note = self._best_strength(sinogram, center, size)
            notes.append(note)
        tuned = dataclasses.replace(self, strength=strength, size=size, tilt_halo=halo)
        return Tuned(tuned, tuple(notes))

    def _tuned(self, sinogram: Block, center: Center) -> Tool:
        first = sinogram.as_kind(DataKind.SINOGRAM).take_rows(slice(0, 2))
        return self.tune(sinogram=first, center=center).tool

    def _best_strength(self, sinogram: Block, center: Center, size: int) -> tuple[float, str]:
        from toolbox.operators.held_out import best_strength, noise_level
        from toolbox.operators.solvers import total_variation

        values = sinogram.as_kind(DataKind.SINOGRAM).values
        views = values.shape[1]
        iterations = min(self.iterations, TUNING_ITERATIONS)
        # Near what the search found on average, from the noise and the number of views.
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
            f"Strength {strength:g} predicts every fifth view best; a tenth of it would raise the "
            f"squared error there by {100 * gain:.2g} %."
        )

    def halo(self) -> int:
        return self.tilt_halo or 0

    def output_shape(self, **inputs: Shape) -> Shape:
        return volume_shape(inputs["sinogram"], self.size)

    def cost(self, **inputs: Shape) -> Cost:
        return solver_cost(inputs["sinogram"], self.size, self.iterations, arrays=14)
