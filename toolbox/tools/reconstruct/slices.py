"""What reconstructions of single rows share: the side of a slice, the rows that a tilt mixes."""

from __future__ import annotations

import dataclasses
from abc import abstractmethod
from typing import TYPE_CHECKING, Annotated, Any, ClassVar

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

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

Size = Annotated[
    int | None,
    Param("side of a slice", "px", low=1,
          auto="the columns, or the wider field of a half acquisition"),
]  # fmt: skip
TiltHalo = Annotated[
    int | None, Param("rows that a leaning axis mixes", "px", low=0, auto="from the axis tilt")
]


def reconstruction_card(
    name: str,
    title: str,
    title_zh: str,
    references: tuple[str, ...],
    limits: str,
    bands: int = 5,
    gpu: bool = False,
    library: str = "tomoplan",
    licence: str = "Apache-2.0",
    suits: dict[str, tuple[float, float]] | None = None,
    default_on: bool = True,
    metrics: dict[str, float] | None = None,
) -> ToolCard:
    """The card of a tool that takes rows of a sinogram, and the axis, to slices."""
    return ToolCard(
        name=name,
        title=title,
        title_zh=title_zh,
        stage=Stage.RECONSTRUCT,
        domain=Domain.RECONSTRUCTION,
        inputs=reconstruction_ports(),
        output=grey(DataKind.VOLUME, unit="1/px"),
        split=Split.ROWS,
        references=references,
        limits=limits,
        bands=bands,
        gpu=gpu,
        library=library,
        licence=licence,
        suits=suits or {},
        default_on=default_on,
        metrics=metrics or {},
    )


class SliceReconstruction(Tool):
    """A tool that takes each row of ``row, angle, col`` to a slice of ``z, y, x``, in 1/px."""

    size: int | None
    tilt_halo: int | None

    def tune(self, *, sinogram: Block, center: Center) -> Tuned:  # type: ignore[override]
        size, halo, notes = measured_geometry(sinogram, center, self.size, self.tilt_halo)
        settings, more = self.measured(sinogram, center, size)
        settings |= {"size": size, "tilt_halo": halo}
        return Tuned(dataclasses.replace(self, **settings), (*notes, *more))  # type: ignore[type-var]

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        """Other parameters found from a sample, by name, and what to say of them; none here."""
        return {}, []

    def halo(self) -> int:
        return self.tilt_halo or 0

    def output_shape(self, **inputs: Shape) -> Shape:
        return volume_shape(inputs["sinogram"], self.size)


class IterativeReconstruction(SliceReconstruction):
    """A slice reconstruction by a number of projections and back-projections."""

    arrays: ClassVar[int]  # copies of the rows under work that the solver keeps
    iterations: int

    @abstractmethod
    def solve(self, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
        """Slices ``z, y, x`` of some rows ``row, angle, col`` behind the operator."""

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        return solve_rows(sinogram, center, self.size, self.solve)

    def cost(self, **inputs: Shape) -> Cost:
        return solver_cost(inputs["sinogram"], self.size, self.iterations, self.arrays)
