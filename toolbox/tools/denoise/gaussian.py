"""Gaussian filter of a volume."""

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
class DenoiseGaussian(VolumeFilter):
    """Convolution with a Gaussian cut at three widths, axes ``z, y, x``; borders are mirrored.

    >>> DenoiseGaussian(width=1.0).halo()
    3
    """

    card = denoiser_card(
        name="denoise_gaussian",
        title="Gaussian filter",
        title_zh="高斯滤波",
        halo=5,
        references=("Gonzalez & Woods 2018, Digital Image Processing, 4th ed., ch. 3",),
        limits="Blurs borders as much as noise; linear, so mean grey values stay.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    width: Annotated[float, Param("standard deviation", unit="px", low=0.1, high=20.0)] = 1.5
    across: Annotated[bool, Param("blur over neighbouring slices too")] = True

    def filtered(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        from scipy.ndimage import gaussian_filter

        widths = (self.width if self.across else 0.0, self.width, self.width)
        return gaussian_filter(values, widths, mode="mirror", truncate=3.0)

    def reach(self) -> int:
        return int(3.0 * self.width + 0.5)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        return Cost(2.0 * 3 * (6 * self.width + 1) * shape.voxels, 4.0 * shape.voxels)
