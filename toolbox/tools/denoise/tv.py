"""Total variation denoising of slices."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.slice_noise import calibrate
from toolbox.tool import Cost
from toolbox.tools.denoise.denoiser_card import denoiser_card
from toolbox.tools.denoise.slice_denoiser import Sigma, SliceDenoiser
from toolbox.values import Block, Shape

if TYPE_CHECKING:
    import torch


DEFAULT = 1.4
CANDIDATES = (0.5, 0.7, 1.0, 1.4, 2.0, 2.8, 4.0)
PIXELS_TOGETHER = 1 << 18  # in small slices the calls cost more than the work


@dataclass(frozen=True)
class DenoiseTV(SliceDenoiser):
    """The slice x nearest to the noisy b with little total variation, axes ``z, y, x``:
    ½‖x − b‖² + w·TV(x), isotropic, each slice alone; w = ``strength`` · ``sigma``.

    >>> from toolbox import Block, DataKind, Geometry, GreyState
    >>> noisy = np.random.default_rng(0).normal(1, 0.1, (1, 64, 64)).astype(np.float32)
    >>> volume = Block(noisy, DataKind.VOLUME, GreyState.ATTENUATION,
    ...                Geometry(np.zeros(1), 1, 64), np.arange(1))
    >>> bool(DenoiseTV(strength=2.0, sigma=0.1)(volume=volume).values.std() < 0.03)
    True
    """

    card = denoiser_card(
        name="denoise_tv",
        title="total variation denoising",
        title_zh="全变差去噪",
        references=(
            "Rudin, Osher & Fatemi 1992, Physica D 60, 259",
            "Beck & Teboulle 2009, IEEE Trans. Image Process. 18, 2419 (the algorithm, FGP)",
            "Batson & Royer 2019, Noise2Self, ICML (automatic strength)",
        ),
        limits="Flat regions with sharp borders come out best; gentle gradients turn into steps "
        "and texture near the noise is lost. Slice by slice, so the third direction is not used. "
        "A strength calibrated on the data does not beat the fixed one over unseen worlds "
        "(python -m planner.benchmarks.denoise), so it is not the default.",
        library="torch",
        licence="BSD-3-Clause",
    )

    strength: Annotated[
        float | None,
        Param("weight of total variation", unit="noise σ", low=0.0, high=20.0,
              auto="calibrated by self-supervision on a sample"),
    ] = DEFAULT  # fmt: skip
    sigma: Sigma = None
    iterations: Annotated[int, Param("steps of the solver", low=1, high=1000)] = 80

    def denoise(self, image: NDArray[np.float32], strength: float, sigma: float
                ) -> NDArray[np.float32]:  # fmt: skip
        return total_variation(image[None], strength * sigma, self.iterations)[0]

    def find_strength(self, volume: Block, sigma: float) -> tuple[float, str]:
        if sigma == 0 or min(volume.values.shape[1:]) < 16:
            return DEFAULT, "the sample shows no noise to calibrate the strength on"
        best = calibrate(volume, self.denoise, CANDIDATES, sigma)
        return best, f"strength {best:g} predicts unseen pixels best"

    def denoise_slices(self, slices: NDArray[np.float32], strength: float, sigma: float) -> None:
        together = max(PIXELS_TOGETHER // slices[0].size, 1)
        for start in range(0, len(slices), together):
            part = slices[start : start + together]
            part[...] = total_variation(part, strength * sigma, self.iterations)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        together = max(shape.frames * shape.columns, PIXELS_TOGETHER)
        return Cost(25.0 * self.iterations * shape.voxels, 48.0 * together)


def total_variation(
    slices: NDArray[np.float32], weight: float, iterations: int
) -> NDArray[np.float32]:
    """Minimiser over x of ½‖x − slice‖² + weight·TV(x) for each slice, axes ``z, y, x``; nothing
    is assumed beyond the borders."""
    import torch

    b = torch.from_numpy(np.array(slices, np.float32))
    if weight <= 0:
        return b.numpy()
    p = torch.zeros((2, *b.shape))  # the dual field
    r, t = p.clone(), 1.0
    for _ in range(iterations):
        x = b + weight * _divergence(r)
        # 8 bounds the squared norm of the gradient in two dimensions
        q = r.clone()
        q[0, :, :-1] += (x[:, 1:] - x[:, :-1]) / (8 * weight)
        q[1, ..., :-1] += (x[..., 1:] - x[..., :-1]) / (8 * weight)
        q /= torch.sqrt(q[0] ** 2 + q[1] ** 2).clamp_(min=1.0)
        t_next = (1 + (1 + 4 * t * t) ** 0.5) / 2
        r = q + ((t - 1) / t_next) * (q - p)
        p, t = q, t_next
    return (b + weight * _divergence(p)).numpy()


def _divergence(field: torch.Tensor) -> torch.Tensor:
    """Negative adjoint of the forward difference, axes ``(y, x), z, y, x``."""
    down, right = field[0], field[1]
    total = down + right
    total[:, 1:] -= down[:, :-1]
    total[..., 1:] -= right[..., :-1]
    return total
