"""Gaussian filter of a volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Shape


@dataclass(frozen=True)
class DenoiseGaussian(Tool):
    """Convolution with a Gaussian cut at three widths, axes ``z, y, x``; borders are mirrored.

    >>> DenoiseGaussian(width=1.0).halo()
    3
    """

    card = ToolCard(
        name="denoise_gaussian",
        title="Gaussian filter",
        title_zh="高斯滤波",
        stage=Stage.DENOISE,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION, GreyState.PHASE)},
        output=grey(DataKind.VOLUME),
        split=Split.ROWS,
        halo=5,
        references=("Gonzalez & Woods 2018, Digital Image Processing, 4th ed., ch. 3",),
        limits="Blurs borders as much as noise; linear, so mean grey values stay.",
        library="scipy",
        licence="BSD-3-Clause",
    )

    width: Annotated[float, Param("standard deviation", unit="px", low=0.1, high=20.0)] = 1.5
    across: Annotated[bool, Param("blur over neighbouring slices too")] = True

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        from scipy.ndimage import gaussian_filter

        values = np.asarray(volume.values, np.float32)
        widths = (self.width if self.across else 0.0, self.width, self.width)
        return volume.with_values(gaussian_filter(values, widths, mode="mirror", truncate=3.0))

    def halo(self) -> int:
        return int(3.0 * self.width + 0.5) if self.across else 0

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        return Cost(2.0 * 3 * (6 * self.width + 1) * shape.voxels, 4.0 * shape.voxels)
