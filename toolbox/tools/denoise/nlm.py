"""Non-local means denoising of slices."""

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
class DenoiseNLM(SliceDenoiser):
    """Each pixel becomes the mean of those whose surroundings look alike, axes ``z, y, x``, each
    slice alone. Weights fall as exp(−d²/h²) with h = ``strength`` · ``sigma`` and d² the mean
    squared difference of two patches less what the noise makes of it.

    >>> from toolbox import Block, DataKind, Geometry, GreyState
    >>> noisy = np.random.default_rng(0).normal(1, 0.1, (1, 64, 64)).astype(np.float32)
    >>> volume = Block(noisy, DataKind.VOLUME, GreyState.ATTENUATION,
    ...                Geometry(np.zeros(1), 1, 64), np.arange(1))
    >>> bool(DenoiseNLM(sigma=0.1)(volume=volume).values.std() < 0.05)
    True
    """

    card = denoiser_card(
        name="denoise_nlm",
        title="non-local means denoising",
        title_zh="非局部均值去噪",
        references=(
            "Buades, Coll & Morel 2005, CVPR 2, 60",
            "Darbon et al. 2008, IEEE ISBI, 1331 (the fast variant)",
        ),
        limits="Keeps repeated texture; rare details keep their noise. Streaks and rings look "
        "alike to each other and stay. Slice by slice.",
        library="scikit-image",
        licence="BSD-3-Clause",
    )

    strength: Annotated[
        float, Param("width of the similarity kernel", unit="noise σ", low=0.01, high=20.0)
    ] = 1.5
    sigma: Sigma = None
    patch: Annotated[int, Param("side of a patch", unit="px", low=3, high=15)] = 5
    reach: Annotated[int, Param("how far to look for likes", unit="px", low=1, high=30)] = 7

    def denoise(self, image: NDArray[np.float32], strength: float, sigma: float
                ) -> NDArray[np.float32]:  # fmt: skip
        from skimage.restoration import denoise_nl_means

        # in units of the noise: the fast variant's running sums lose small grey values
        middle = np.float32(image.mean(dtype=np.float64))
        clean = denoise_nl_means(
            (image - middle) / np.float32(sigma),
            patch_size=self.patch,
            patch_distance=self.reach,
            h=strength,
            sigma=1.0,
            fast_mode=True,
        )
        return (clean * np.float32(sigma) + middle).astype(np.float32)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        likes = (2 * self.reach + 1) ** 2
        return Cost(8.0 * likes * shape.voxels, 24.0 * shape.frames * shape.columns)
