"""A U-Net with an atrous spatial pyramid of folded pixels at its bottom (Fold-ASPP).

Fold-ASPP: Zhao, Pang, Zhang, Lu & Zhang 2020, ECCV, 35, doi 10.1007/978-3-030-58536-5_3: before
an atrous convolution 2 × 2 neighbours are folded into channels, and unfolded after, so that it
compares patches in place of single, scattered pixels. U-Net: Ronneberger, Fischer & Brox 2015,
MICCAI. Differences: fewer channels, rates 1, 2 and 4, no pooling over the whole image (a tile
would come out otherwise than the whole).
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

RATES = (1, 2, 4)  # of the atrous convolutions
FOLD = 2  # px


def fold_aspp_unet(inside: int, widths: Sequence[int]) -> torch.nn.Module:
    """Images ``n, inside, y, x`` → features ``n, widths[0], y, x``, on so many levels of half the
    size each; sides are multiples of ``2 ** len(widths)``.

    >>> import torch
    >>> fold_aspp_unet(3, (8, 16))(torch.ones(1, 3, 16, 24)).shape
    torch.Size([1, 8, 16, 24])
    """
    import torch
    from torch import nn

    def convolve(before: int, after: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for one in (before, after):
            layers += [
                nn.Conv2d(one, after, 3, padding=1, bias=False),
                nn.BatchNorm2d(after),
                nn.ReLU(inplace=True),
            ]
        return nn.Sequential(*layers)

    class FoldASPP(nn.Module):
        def __init__(self, width: int) -> None:
            super().__init__()
            few = width // FOLD**2
            self.fewer = nn.ModuleList(nn.Conv2d(width, few, 1) for _ in RATES)
            self.atrous = nn.ModuleList(
                nn.Conv2d(few * FOLD**2, few * FOLD**2, 3, padding=rate, dilation=rate)
                for rate in RATES
            )
            self.here = nn.Conv2d(width, few, 1)
            self.fused = nn.Conv2d((len(RATES) + 1) * few, width, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            found = [self.here(x)]
            for fewer, atrous in zip(self.fewer, self.atrous, strict=True):
                folded = nn.functional.pixel_unshuffle(fewer(x), FOLD)
                found.append(nn.functional.pixel_shuffle(atrous(folded), FOLD))
            return x + self.fused(torch.relu(torch.cat(found, 1)))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            befores = [inside, *widths[:-1]]
            self.down = nn.ModuleList(convolve(b, w) for b, w in zip(befores, widths, strict=True))
            self.bottom = FoldASPP(widths[-1])
            self.up = nn.ModuleList(
                nn.ConvTranspose2d(deep, wide, 2, stride=2)
                for wide, deep in reversed(list(pairwise(widths)))
            )
            self.join = nn.ModuleList(convolve(2 * w, w) for w in reversed(widths[:-1]))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            passed = []
            for level, block in enumerate(self.down):
                x = block(nn.functional.max_pool2d(x, 2) if level else x)
                passed.append(x)
            x = self.bottom(x)
            for up, join, kept in zip(self.up, self.join, reversed(passed[:-1]), strict=True):
                x = join(torch.cat([kept, up(x)], 1))
            return x

    return Network()
