"""Slices by a generator and a discriminator that each sinogram trains for itself (GANrec)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np

from toolbox.card import Param
from toolbox.tool import Cost
from toolbox.tools.reconstruct.fitted_slices import FittedSlices, grey_scale, whitened
from toolbox.tools.reconstruct.slices import Size, TiltHalo, reconstruction_card
from toolbox.values import Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

SEEN_VIEWS, SEEN_COLUMNS = 64, 96  # of the sinogram that the fully connected layers take
HIDDEN, LATENT = 128, 48  # units of a layer, side of the picture that they end in
WIDTH = 16  # channels of the generator's convolutions
JUDGE = (16, 32, 64)  # channels of the discriminator
RATE, JUDGE_RATE = 2e-3, 2e-4
# Nominal operations of a step for a pixel, a ray, and beside, as measured
WORK, JUDGE_WORK, EACH = 700.0, 200.0, 2e7


@dataclass(frozen=True)
class GANrec(FittedSlices):
    """A generator that turns a sinogram into the slice behind it: ``row, angle, col`` to slices
    ``z, y, x`` in 1/px, for views that leave out an angle.

    In each row fully connected layers make a coarse picture of the sinogram, convolutions turn it
    and the filtered back-projection into a slice, and its projections are compared with those
    measured: by their difference, and by a discriminator that learns at the same time to tell
    the two apart. ``adversarial`` weighs the second against the first; at 0 there is none.

    >>> GANrec(steps=100).parameters()["adversarial"]
    0.002
    """

    card = reconstruction_card(
        name="ganrec",
        title="generative adversarial reconstruction of each slice",
        title_zh="生成对抗网络逐层重建（GANrec）",
        references=(
            "Yang, Kahnt, Brückner, Schropp, Fam, Becher, Grunwaldt, Sheppard & Schroer 2020, "
            "J. Synchrotron Rad. 27, 486, doi 10.1107/S1600577520000831",
            "Goodfellow et al. 2014, NIPS (adversarial networks)",
        ),
        limits="Hours for a volume: each slice is fitted anew. What the views do not see is "
        "guessed. Differs from the paper: the fully connected layers see the sinogram averaged "
        f"to at most {SEEN_VIEWS} × {SEEN_COLUMNS} and end in {LATENT} × {LATENT} px, not in a "
        "whole slice, so that slices of any size fit; the filtered back-projection goes into the "
        "convolutions and is added to the output; squares of the difference, with fine detail "
        "weighed up, instead of its mean; fewer channels and hundreds of steps instead of "
        "thousands; the mean of the last steps is taken. A slice of 2048 px needs about 3 GiB; "
        "more than the memory at hand is refused. "
        "Not yet shown to beat the conventional tools (`tomoplan bench tools`, part "
        "per_scan): planned only where it is named.",
        bands=1,
        gpu=True,
        library="torch",
        default_on=False,
    )

    steps: Annotated[int, Param("steps of descent for each slice", low=1, high=100_000)] = 300
    adversarial: Annotated[
        float, Param("weight of the discriminator's word", "1", low=0.0, high=100.0)
    ] = 0.002
    non_negative: Annotated[bool, Param("keep values at or above zero")] = True
    seed: Annotated[int, Param("seed of the weights", low=0)] = 0
    size: Size = None
    tilt_halo: TiltHalo = None

    def fit(self, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
        import torch
        from torch import nn

        from toolbox.learned.per_scan import Adam, seeded

        side, device = A.size, y.device.type
        start = A.fbp(y)
        scale = grey_scale(start)
        start, y = start / scale, y / scale
        top = float(y.abs().max())
        seen = nn.functional.adaptive_avg_pool2d(
            y[None] / top, (min(SEEN_VIEWS, y.shape[1]), min(SEEN_COLUMNS, y.shape[2]))
        )
        make, judge = (
            seeded(maker, self.seed + place).to(device)
            for place, maker in enumerate((lambda: generator(seen.numel()), discriminator))
        )
        with torch.no_grad():
            make.get_parameter("last.weight").zero_()  # begins at the start
        making, judging = Adam(make), Adam(judge)
        share = np.pi / len(A.angles_rad) / 2 / side**2
        told = nn.functional.binary_cross_entropy_with_logits

        def learn(x: torch.Tensor, pace: float) -> torch.Tensor:
            projected = A(x)
            loss = share * whitened(projected - y).square().sum()
            if self.adversarial:
                with torch.autocast(device, torch.bfloat16):
                    word = judge(projected[None] / top)
                word = word.float()
                loss = loss + self.adversarial * told(word, torch.ones_like(word))
            making.step(loss, RATE * pace)
            if self.adversarial:
                with torch.autocast(device, torch.bfloat16):
                    real, fake = judge(y[None] / top), judge(projected.detach()[None] / top)
                real, fake = real.float(), fake.float()
                doubt = told(real, torch.ones_like(real)) + told(fake, torch.zeros_like(fake))
                judging.step(doubt, JUDGE_RATE)
            return loss

        return scale * self.descended(A, start, lambda: make(seen, start[None])[:, 0], learn)

    def network_cost(self, shape: Shape, side: int) -> Cost:
        rays = shape.frames * shape.columns
        judged = JUDGE_WORK * rays if self.adversarial else 0.0
        return Cost(WORK * side**2 + judged + EACH, 600.0 * side**2 + 400.0 * rays + 2e7)

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs behind 24 views over 120°, and a few steps."""
        from toolbox.tools.reconstruct.tomodip_tv import limited_discs

        return cls(steps=4), limited_discs()


def generator(seen: int) -> torch.nn.Module:
    """Fully connected layers from ``seen`` numbers of a sinogram to a coarse picture, then
    convolutions over it (laid out linearly) and a slice, once at full and once at half size."""
    import torch
    from torch import nn

    def convolve(inside: int, outside: int) -> list[nn.Module]:
        return [
            nn.Conv2d(inside, outside, 3, padding=1),
            nn.GroupNorm(4, outside),
            nn.LeakyReLU(0.1, inplace=True),
        ]

    class Generator(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.guess = nn.Sequential(
                nn.Linear(seen, HIDDEN),
                nn.Tanh(),
                nn.Linear(HIDDEN, HIDDEN),
                nn.Tanh(),
                nn.Linear(HIDDEN, LATENT**2),
            )
            self.fine = nn.Sequential(*convolve(2, WIDTH), *convolve(WIDTH, WIDTH))
            self.coarse = nn.Sequential(*convolve(WIDTH, 2 * WIDTH), *convolve(2 * WIDTH, WIDTH))
            self.join = nn.Sequential(*convolve(2 * WIDTH, WIDTH))
            self.last = nn.Conv2d(WIDTH, 1, 1)

        def forward(self, sinogram: torch.Tensor, start: torch.Tensor) -> torch.Tensor:
            shape = tuple(start.shape[-2:])
            coarse = self.guess(sinogram.flatten(1)).view(1, 1, LATENT, LATENT)
            coarse = nn.functional.interpolate(coarse, size=shape, mode="bilinear")
            fine = self.fine(torch.cat([coarse, start.to(coarse.dtype)], 1))
            deep = self.coarse(nn.functional.avg_pool2d(fine, 2, ceil_mode=True))
            deep = nn.functional.interpolate(deep, size=shape, mode="bilinear")
            out: torch.Tensor = self.last(self.join(torch.cat([fine, deep], 1)))
            return out

    return Generator()


def discriminator() -> torch.nn.Module:
    """Whether a sinogram was measured, place by place: convolutions, each of stride 2."""
    from torch import nn

    layers: list[nn.Module] = []
    inside = 1
    for outside in JUDGE:
        layers += [nn.Conv2d(inside, outside, 5, stride=2, padding=2), nn.LeakyReLU(0.2)]
        inside = outside
    return nn.Sequential(*layers, nn.Conv2d(inside, 1, 3, padding=1))
