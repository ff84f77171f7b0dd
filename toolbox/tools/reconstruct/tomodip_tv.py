"""Slices by a deep image prior with total variation (TomoDIP_TV)."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np

from toolbox.card import Param
from toolbox.kinds import DataKind, GreyState
from toolbox.operators.blocks import projection_work
from toolbox.tool import Cost
from toolbox.tools.reconstruct.fitted_slices import FittedSlices, grey_scale
from toolbox.tools.reconstruct.slices import Size, TiltHalo, reconstruction_card
from toolbox.values import Block, Center, Geometry, Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

WIDTH, WIDEST, LEVELS = 16, 64, 4  # channels of the first level, most, and levels
NOISE = 7  # channels of fixed noise beside the start
RATE = 3e-3
START = 200  # iterations of total variation before
SMOOTH = 1e-3  # differences of grey levels below which total variation is rounded off
WORK, EACH = 2000.0, 6e6  # nominal operations of a step for a pixel and beside, as measured


@dataclass(frozen=True)
class TomoDIPTV(FittedSlices):
    """A network that gives the measured projections: ``row, angle, col`` to slices ``z, y, x`` in
    1/px, for views that leave out an angle.

    In each slice, minimises ½ (π / views) ‖A x − y‖² + strength · Σ |∇x|, x = s + G(z), over the
    weights of an untrained U-Net G with a fixed input z: of what the views do not tell, that is
    taken for likely which a network gives easily. s is the minimiser without a network.
    ``strength`` is in parts of the slice's grey level, so that its unit does not matter. With many
    steps it fits noise.

    >>> TomoDIPTV(steps=100).parameters()["strength"]
    0.1
    """

    card = reconstruction_card(
        name="tomodip_tv",
        title="deep image prior with total variation",
        title_zh="深度图像先验与全变分重建（TomoDIP_TV）",
        references=(
            "Barutcu, Aslan, Katsaggelos & Gürsoy 2021, Sci. Rep. 11, 17740, "
            "doi 10.1038/s41598-021-97226-2",
            "Ulyanov, Vedaldi & Lempitsky 2018, CVPR, 9446 (the deep image prior)",
        ),
        limits="Hours for a volume: each slice is fitted anew. What the views do not see is "
        "guessed. Differs from the paper: one descent with smoothed total variation instead of "
        "alternating directions, which begins at the total variation reconstruction: it goes in "
        "beside noise and is added to the output; hundreds of steps instead of thousands, and the "
        f"mean of the last ones is taken; a U-Net of {LEVELS} levels and {WIDTH} to {WIDEST} "
        "channels. A slice of 2048 px needs about 4 GiB; more than the memory at hand is refused. "
        "Not yet shown to beat the conventional tools (`tomoplan bench tools`, part "
        "per_scan): planned only where it is named.",
        bands=1,
        gpu=True,
        library="torch",
        default_on=False,
    )

    steps: Annotated[int, Param("steps of descent for each slice", low=1, high=100_000)] = 200
    strength: Annotated[
        float, Param("weight of the total variation, in parts of the grey level", "1",
                     low=0.0, high=1e3)
    ] = 0.1  # fmt: skip
    non_negative: Annotated[bool, Param("keep values at or above zero")] = True
    seed: Annotated[int, Param("seed of weights and input", low=0)] = 0
    size: Size = None
    tilt_halo: TiltHalo = None

    def fit(self, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
        import torch
        from torch import nn

        from toolbox.learned.per_scan import Adam, seeded
        from toolbox.operators.solvers import total_variation

        side, device = A.size, y.device.type
        scale = grey_scale(A.fbp(y))
        y = y / scale
        start = total_variation(A, y, max(self.strength, 1e-3), START, self.non_negative)
        numbers = torch.Generator().manual_seed(self.seed)
        noise = 0.2 * torch.rand((1, NOISE, side, side), generator=numbers) - 0.1
        short = -side % 2 ** (LEVELS - 1)
        given = torch.cat([start[None], noise.to(device)], 1)
        given = nn.functional.pad(given, (0, short, 0, short))
        given = given.to(memory_format=torch.channels_last)
        net = seeded(network, self.seed).to(device)
        net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
        with torch.no_grad():
            net.get_parameter("last.weight").zero_()  # begins at the start
        descent = Adam(net)
        share = np.pi / len(A.angles_rad) / 2

        def learn(x: torch.Tensor, pace: float) -> torch.Tensor:
            loss = share * (A(x) - y).square().sum()
            if self.strength:
                loss = loss + self.strength * _total_variation(x)
            descent.step(loss, RATE * pace)
            return loss

        return scale * self.descended(A, start, lambda: net(given)[:, 0, :side, :side], learn)

    def cost(self, **inputs: Shape) -> Cost:
        found = super().cost(**inputs)
        first = 2 * START * projection_work(inputs["sinogram"], self.size)
        return Cost(found.operations + first, found.bytes)

    def network_cost(self, shape: Shape, side: int) -> Cost:
        return Cost(WORK * side**2 + EACH, 1050.0 * side**2)

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs behind 24 views over 120°, and a few steps."""
        return cls(steps=4), limited_discs()


def limited_discs() -> dict[str, Any]:
    """Three slices with a disc each behind 24 views over 120°, 32 columns."""
    angles = np.deg2rad(120) * np.arange(24) / 24
    u = np.arange(32) - 15.5
    away = u - 4 * np.cos(angles)[:, None]
    rows = [0.05 * np.sqrt(np.maximum((9.0 - z) ** 2 - away**2, 0)) for z in range(3)]
    sinogram = Block(np.stack(rows).astype(np.float32), DataKind.SINOGRAM, GreyState.ATTENUATION,
                     Geometry(angles, 3, 32), np.arange(3), np.arange(24))  # fmt: skip
    return {"sinogram": sinogram, "center": Center(15.5, 15.0, 16.0)}


def _total_variation(x: torch.Tensor) -> torch.Tensor:
    """Σ |∇x| of a slice ``1, y, x``, rounded off where it is flat."""
    down = x[:, 1:, :-1] - x[:, :-1, :-1]
    right = x[:, :-1, 1:] - x[:, :-1, :-1]
    return (down.square() + right.square() + SMOOTH**2).sqrt().sum()


def network() -> torch.nn.Module:
    """A U-Net: two 3 × 3 convolutions with group normalisation a level, means to go down, linear
    interpolation to go up, skips by concatenation."""
    import torch
    from torch import nn

    def convolve(inside: int, outside: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for _ in range(2):
            layers += [
                nn.Conv2d(inside, outside, 3, padding=1),
                nn.GroupNorm(4, outside),
                nn.LeakyReLU(0.1, inplace=True),
            ]
            inside = outside
        return nn.Sequential(*layers)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = [min(WIDTH * 2**level, WIDEST) for level in range(LEVELS)]
            first = [1 + NOISE, *sizes[:-1]]
            self.down = nn.ModuleList(map(convolve, first, sizes))
            pairs = list(pairwise(sizes))
            self.join = nn.ModuleList(convolve(fine + deep, fine) for fine, deep in pairs[::-1])
            self.last = nn.Conv2d(WIDTH, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h, skips = x, []  # n, channel, y, x
            for level, block in enumerate(self.down):
                h = block(nn.functional.avg_pool2d(h, 2) if level else h)
                skips.append(h)
            for join, skip in zip(self.join, reversed(skips[:-1]), strict=True):
                h = nn.functional.interpolate(h, scale_factor=2, mode="bilinear")
                h = join(torch.cat([skip, h], 1))
            out: torch.Tensor = self.last(h)
            return out

    return Network()
