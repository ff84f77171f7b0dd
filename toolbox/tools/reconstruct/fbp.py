"""Filtered back-projection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Any

from toolbox.card import Param
from toolbox.operators.blocks import (
    as_tensor,
    as_volume,
    operator_for,
    projection_bytes,
    projection_work,
)
from toolbox.operators.filters import FILTERS
from toolbox.tool import Cost
from toolbox.tools.reconstruct.slices import (
    Size,
    SliceReconstruction,
    TiltHalo,
    reconstruction_card,
)
from toolbox.values import Block, Center, Shape


@dataclass(frozen=True)
class FBP(SliceReconstruction):
    """Filtered back-projection of ``row, angle, col`` to slices ``z, y, x`` in 1/px.

    Half acquisition (a full turn about an axis off the middle) is recognised and gives slices as
    wide as both halves together.

    >>> FBP(filter="hann").halo()
    0
    """

    card = reconstruction_card(
        name="fbp",
        title="filtered back-projection",
        title_zh="滤波反投影",
        references=(
            "Kak & Slaney 1988, Principles of Computerized Tomographic Imaging, ch. 3",
            "Barnett, Magland & af Klinteberg 2019, SIAM J. Sci. Comput. 41, C479 (the transform)",
        ),
        limits="Streaks with few views, blur along missing angles, noise rises with resolution. "
        "A tilt of the axis above about 2 degrees is only corrected in first order.",
        gpu=True,
    )

    filter: Annotated[str, Param("radial filter", choices=FILTERS)] = "shepp-logan"
    padding: Annotated[
        str | None,
        Param("what lies beside the detector: nothing, or the edge going on",
              choices=("zero", "edge"), auto="edge where the sample reaches the edge of the field"),
    ] = None  # fmt: skip
    size: Size = None
    tilt_halo: TiltHalo = None
    circle: Annotated[bool, Param("set what not all views see to 0")] = True

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        operator = operator_for(sinogram, center, self.size)
        slices = operator.fbp(as_tensor(sinogram), self.filter, self.padding or "auto", self.circle)
        return as_volume(sinogram, slices)

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        from toolbox.operators.parallel_beam import is_truncated

        if self.padding is not None:
            return {}, []
        if not is_truncated(as_tensor(sinogram)):
            return {"padding": "zero"}, []
        return {"padding": "edge"}, [
            "The sample reaches the edge of the field: the edge is continued."
        ]

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        return Cost(projection_work(shape, self.size), projection_bytes(shape, self.size))
