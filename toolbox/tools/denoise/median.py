"""Median filter of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class DenoiseMedian(Tool):
    """Each voxel becomes the median of the box around it, axes ``z, y, x``; borders are mirrored.

    >>> DenoiseMedian(radius=2).halo()
    2
    """

    card = ToolCard(
        name="denoise_median",
        title="median filter",
        title_zh="中值滤波",
        stage=Stage.DENOISE,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE)},
        output=grey(DataKind.VOLUME),
        split=Split.ROWS,
        halo=2,
        references=("Huang, Yang & Tang 1979, IEEE Trans. Acoust. Speech Signal Process. 27, 13",),
        limits="Takes outliers and fine noise; what is thinner than the radius goes with them.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    radius: Annotated[int, Param("half side of the box", unit="px", low=1, high=5)] = 2
    across: Annotated[bool, Param("look at neighbouring slices too")] = True

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        from scipy.ndimage import median_filter

        side = 2 * self.radius + 1
        size = (side if self.across else 1, side, side)
        values = np.asarray(volume.values, np.float32)
        return volume.with_values(median_filter(values, size=size, mode="mirror"))

    def halo(self) -> int:
        return self.radius if self.across else 0

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        box = (2 * self.radius + 1) ** (3 if self.across else 2)
        return Cost(3.0 * box * shape.voxels, 0.0)
