"""Median filter of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.tool import Cost
from toolbox.tools.denoise.denoiser_card import denoiser_card
from toolbox.tools.denoise.volume_filter import VolumeFilter
from toolbox.values import Shape


@dataclass(frozen=True)
class DenoiseMedian(VolumeFilter):
    """Each voxel becomes the median of the box around it, axes ``z, y, x``; borders are mirrored.

    >>> DenoiseMedian(radius=2).halo()
    2
    """

    card = denoiser_card(
        name="denoise_median",
        title="median filter",
        title_zh="中值滤波",
        halo=2,
        references=("Huang, Yang & Tang 1979, IEEE Trans. Acoust. Speech Signal Process. 27, 13",),
        limits="Takes outliers and fine noise; what is thinner than the radius goes with them.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    radius: Annotated[int, Param("half side of the box", unit="px", low=1, high=5)] = 2
    across: Annotated[bool, Param("look at neighbouring slices too")] = True

    def filtered(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        from scipy.ndimage import median_filter

        side = 2 * self.radius + 1
        size = (side if self.across else 1, side, side)
        return median_filter(values, size=size, mode="mirror")

    def reach(self) -> int:
        return self.radius

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        box = (2 * self.radius + 1) ** (3 if self.across else 2)
        return Cost(3.0 * box * shape.voxels, 0.0)
