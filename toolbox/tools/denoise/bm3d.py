"""Block-matching denoising (BM3D) of slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.tool import Cost
from toolbox.tools.denoise.denoiser_card import denoiser_card
from toolbox.tools.denoise.slice_denoiser import Sigma, SliceDenoiser
from toolbox.values import Shape


@dataclass(frozen=True)
class DenoiseBM3D(SliceDenoiser):
    """Blocks that look alike are stacked and filtered together, hard thresholding first and
    Wiener filtering after, axes ``z, y, x``, each slice alone.

    >>> from toolbox import Block, DataKind, Geometry, GreyState
    >>> noisy = np.random.default_rng(0).normal(1, 0.1, (1, 64, 64)).astype(np.float32)
    >>> volume = Block(noisy, DataKind.VOLUME, GreyState.ATTENUATION,
    ...                Geometry(np.zeros(1), 1, 64), np.arange(1))
    >>> bool(DenoiseBM3D(sigma=0.1)(volume=volume).values.std() < 0.03)
    True
    """

    card = denoiser_card(
        name="denoise_bm3d",
        title="block-matching and 3D filtering (BM3D)",
        title_zh="三维块匹配去噪（BM3D）",
        references=(
            "Dabov, Foi, Katkovnik & Egiazarian 2007, IEEE Trans. Image Process. 16, 2080",
        ),
        limits="Assumes white noise, while that of filtered back-projection is correlated: coarse "
        "noise partly stays. Own implementation of the published algorithm (see "
        "toolbox/tools/denoise/block_matching.py for what differs). Slice by slice, slow.",
    )

    strength: Annotated[
        float, Param("noise assumed, over the noise measured", unit="noise σ", low=0.01, high=20.0)
    ] = 2.0
    sigma: Sigma = None
    reach: Annotated[int, Param("how far to look for likes", unit="px", low=2, high=30)] = 12

    def denoise(self, image: NDArray[np.float32], strength: float, sigma: float
                ) -> NDArray[np.float32]:  # fmt: skip
        from toolbox.tools.denoise.block_matching import bm3d

        return bm3d(image, strength * sigma, self.reach)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        likes = (2 * self.reach + 1) ** 2
        # of one slice: positions, sums and weights; of one batch of blocks: distances and groups
        slice_bytes = 48.0 * shape.frames * shape.columns
        return Cost((8.0 * likes + 400) * shape.voxels, slice_bytes + 4096 * (4.0 * likes + 30000))
