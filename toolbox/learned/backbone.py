"""The backbone: one small network that turns images into features, frozen under light heads.

Three are trained, one for a domain (``STBM-P``, ``-S`` and ``-R`` in the literature, *sinogram–
tomogram big model*): ``backbone_projection``, ``backbone_sinogram``, ``backbone_reconstruction``.
The network is the same, the weights are not.

An encoder of four scales with plain 3 × 3 residual blocks and a narrow top-down path back to full
resolution, so that features are as fine as the pixels that a segmentation has to decide about.
After ConvNeXt (Liu et al. 2022, CVPR, 11976: normalisation over the channels before each change
of scale only, GELU, few activations), but with full instead of depthwise convolutions, which
processors compute at many times the rate; the top-down path is that of feature pyramids (Lin et
al. 2017, CVPR, 2117). What is hidden goes in as zero, and a second channel says so, as in context
encoders (Pathak et al. 2016, CVPR, 2536) and unlike the sparse convolutions of SparK (Tian et al.
2023, ICLR): as a part of the crops is shown whole, whole images are nothing new to the network.
"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch

DOMAINS = ("projection", "sinogram", "reconstruction")
WIDTHS = (16, 32, 64, 128)  # channels at full, half, quarter and eighth resolution
DEPTHS = (1, 1, 2, 2)  # blocks at each
FEATURES = WIDTHS[0]  # channels of what comes out, at full resolution
STAGES = (*WIDTHS, *WIDTHS[-2::-1])  # channels after each stage, down and up again
MULTIPLE = 8  # px: what sides the network can take
Image = NDArray[np.float32]


def network() -> torch.nn.Module:
    """The backbone, freshly initialised: images ``n, 2, y, x`` (grey value, 1 where it is shown)
    → the grey values that belong there, ``n, 1, y, x``; ``features`` gives what heads build on.
    """
    import torch
    from torch import nn

    class Norm(nn.LayerNorm):
        """Over the channels of each pixel."""

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return super().forward(x.permute(0, 2, 3, 1)).permute(0, 3, 1, 2)

    class Block(nn.Module):
        """x + a perceptron over 3 × 3 neighbours; begins almost as the identity."""

        def __init__(self, width: int) -> None:
            super().__init__()
            self.first = nn.Conv2d(width, width, 3, padding=1)
            self.second = nn.Conv2d(width, width, 3, padding=1)
            self.scale = nn.Parameter(torch.full((1, width, 1, 1), 0.2))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            gelu = nn.functional.gelu
            return x + self.scale * self.second(gelu(self.first(gelu(x))))

    def stage(width: int, depth: int) -> nn.Module:
        return nn.Sequential(*(Block(width) for _ in range(depth)))

    class Backbone(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pairs = list(pairwise(WIDTHS))
            self.stem = nn.Conv2d(2, WIDTHS[0], 3, padding=1)
            self.down = nn.ModuleList(stage(w, d) for w, d in zip(WIDTHS, DEPTHS, strict=True))
            self.coarser = nn.ModuleList(
                nn.Sequential(Norm(fine), nn.Conv2d(fine, coarse, 2, stride=2))
                for fine, coarse in pairs
            )
            self.finer = nn.ModuleList(
                nn.Sequential(Norm(coarse), nn.Conv2d(coarse, fine, 1), nn.Upsample(scale_factor=2))
                for fine, coarse in reversed(pairs)
            )
            self.up = nn.ModuleList(stage(w, 1) for w in WIDTHS[-2::-1])
            self.grey = nn.Conv2d(FEATURES, 1, 1)

        def features(
            self, images: torch.Tensor, adapters: Sequence[nn.Module] = ()
        ) -> torch.Tensor:
            """``n, FEATURES, y, x``; ``adapters``, one for each of ``STAGES``, add to what comes
            out of it."""

            def adapted(x: torch.Tensor, at: int) -> torch.Tensor:
                return x + adapters[at](x) if adapters else x

            x = self.stem(images)
            passed = []
            for at, blocks in enumerate(self.down):
                x = self.coarser[at - 1](x) if at else x
                x = adapted(blocks(x), at)
                passed.append(x)
            for at, blocks in enumerate(self.up):
                x = self.finer[at](x) + passed[-2 - at]
                x = adapted(blocks(x), len(WIDTHS) + at)
            return x

        def forward(self, images: torch.Tensor) -> torch.Tensor:
            return self.grey(self.features(images))

    return Backbone()


def shown(images: torch.Tensor) -> torch.Tensor:
    """Images ``n, 1, y, x`` as the backbone takes them when nothing is hidden."""
    import torch

    return torch.cat([images, torch.ones_like(images)], dim=1)
