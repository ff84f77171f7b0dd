"""Super-resolution by residual feature distillation (RFDN).

Liu, Tang & Wu 2020, ECCV workshops, 41, doi 10.1007/978-3-030-67070-2_2: blocks in which a part
of the channels is set aside after each shallow residual layer (distilled), fused and weighed by a
spatial attention that sees far; all blocks are fused in the end, and a sub-pixel convolution
(Shi et al. 2016, CVPR, 1874) enlarges the image. Differences: the number of channels and blocks
is the caller's; what comes in may have any number of channels.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import torch

SLOPE = 0.05  # of what is below zero
LEAST = 15  # px: the smallest side that the attention can take


def rfdn(inside: int, times: int, channels: int, blocks: int) -> torch.nn.Module:
    """Features ``n, inside, y, x`` → one image ``n, 1, times · y, times · x``; begins as zero.

    >>> import torch
    >>> rfdn(8, times=4, channels=16, blocks=2)(torch.ones(1, 8, 16, 20)).shape
    torch.Size([1, 1, 64, 80])
    """
    import torch
    from torch import nn

    def bent(x: torch.Tensor) -> torch.Tensor:
        return nn.functional.leaky_relu(x, SLOPE)

    class Attention(nn.Module):
        """Enhanced spatial attention (ESA): each place is weighed by what lies around it."""

        def __init__(self) -> None:
            super().__init__()
            few = channels // 4
            self.fewer = nn.Conv2d(channels, few, 1)
            self.passed = nn.Conv2d(few, few, 1)
            self.coarser = nn.Conv2d(few, few, 3, stride=2)
            self.seen = nn.ModuleList(nn.Conv2d(few, few, 3, padding=1) for _ in range(3))
            self.more = nn.Conv2d(few, channels, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            few = self.fewer(x)
            far = nn.functional.max_pool2d(self.coarser(few), 7, stride=3)
            far = torch.relu(self.seen[0](far))
            far = self.seen[2](torch.relu(self.seen[1](far)))
            far = nn.functional.interpolate(
                far, size=x.shape[-2:], mode="bilinear", align_corners=False
            )
            return x * torch.sigmoid(self.more(far + self.passed(few)))

    class Block(nn.Module):
        """Residual feature distillation (RFDB)."""

        def __init__(self) -> None:
            super().__init__()
            half = channels // 2
            self.kept = nn.ModuleList(nn.Conv2d(channels, half, 1) for _ in range(3))
            self.refined = nn.ModuleList(
                nn.Conv2d(channels, channels, 3, padding=1) for _ in range(3)
            )
            self.rest = nn.Conv2d(channels, half, 3, padding=1)
            self.fused = nn.Conv2d(4 * half, channels, 1)
            self.attention = Attention()

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            distilled = []
            for kept, refined in zip(self.kept, self.refined, strict=True):
                distilled.append(bent(kept(x)))
                x = bent(refined(x) + x)
            return self.attention(self.fused(torch.cat([*distilled, bent(self.rest(x))], 1)))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.first = nn.Conv2d(inside, channels, 3, padding=1)
            self.blocks = nn.ModuleList(Block() for _ in range(blocks))
            self.fused = nn.Conv2d(blocks * channels, channels, 1)
            self.smooth = nn.Conv2d(channels, channels, 3, padding=1)
            self.last = nn.Conv2d(channels, times**2, 3, padding=1)
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            first = h = self.first(x)
            found = []
            for block in self.blocks:
                h = block(h)
                found.append(h)
            h = self.smooth(bent(self.fused(torch.cat(found, 1)))) + first
            return nn.functional.pixel_shuffle(self.last(h), times)

    return Network()
