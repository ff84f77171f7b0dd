"""Slices of scans that drifted, corrected by a multiscale dense U-Net (MD-Unet)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Any, Self

import numpy as np
from numpy.typing import NDArray

from toolbox.learned.model_card import ModelCard
from toolbox.learned.own_unit import in_own_unit
from toolbox.tool import Cost, Tool
from toolbox.tools.denoise.denoiser_card import denoiser_card
from toolbox.tools.denoise.noisy_discs import noisy_discs
from toolbox.values import Block, Shape

if TYPE_CHECKING:
    import torch

WIDTHS = (24, 40, 64)  # channels of the three scales; 32, 64, 128 in MIMO-UNet
LAYERS = 3  # of a dense block
FOLD = 2  # px of the slice to a place of the finest scale, each way
MULTIPLE = FOLD * 2 ** (len(WIDTHS) - 1)
TILE, OVERLAP = 1024, 128
MODEL = ModelCard.of("md_unet")


@dataclass(frozen=True)
class MDUnet(Tool):
    """Slices of filtered back-projection of a scan over which the sample drifted slowly, axes
    ``z, y, x``, each slice alone, without the doubled edges and streaks that the drift left.

    Projections are not needed, and not looked at: what the drift was is not measured. Each slice
    is brought to one scale of grey values first and back after, so its unit does not matter.
    Slices of any size; larger ones than 1024 px go in tiles that fade into each other.

    >>> MDUnet().card.split.value, sorted(MDUnet().card.weights)
    ('rows', ['md_unet.safetensors'])
    """

    card = replace(
        denoiser_card(
            name="md_unet",
            title="multiscale dense U-Net for slices of drifting scans (MD-Unet)",
            title_zh="热漂移切片的多尺度密集 U 网络（MD-Unet）",
            references=(
                "Liu et al. 2022, Entropy 24, 967, doi 10.3390/e24070967 (MD-Unet)",
                "Cho, Ji, Hong, Jung & Ko 2021, ICCV, arXiv:2108.05054 (MIMO-UNet)",
                "Huang, Liu, van der Maaten & Weinberger 2017, CVPR (dense blocks)",
            ),
            limits="Learned on simulated absorption scans of half and full turns over which the "
            "sample drifts along and across the axis, after filtered back-projection about the "
            "axis that fits them best: other artefacts stay or mislead it, and fine structure may "
            "be invented or lost. Differs from the paper, of which the summary and the "
            "introduction were at hand: where the dense blocks stand and how wide they are is the "
            "toolbox's own choice, two pixels are folded into channels each way, the specimens "
            f"are simulated. {MODEL.summary}",
            library="torch",
        ),
        version=MODEL.version,
        gpu=True,
        default_on=MODEL.wins,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
        metrics=MODEL.metrics,
        suits=MODEL.suits,
    )

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        from toolbox.learned.weights import trained

        net = trained("md_unet", network)
        slices = [clean(net, image) for image in volume.values]
        return volume.with_values(np.stack(slices) if slices else volume.values)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        inside = min(shape.frames, TILE) * min(shape.columns, TILE)
        return Cost(60_000.0 * shape.voxels, 400.0 * inside + 12.0 * shape.frames * shape.columns)

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs in noise."""
        return cls(), {"volume": noisy_discs(64)}


def clean(net: torch.nn.Module, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """One slice, axes ``y, x``, through the network, in its own unit."""
    return in_own_unit(net, image, TILE, OVERLAP, MULTIPLE)


def network() -> torch.nn.Module:
    """The U-Net of Cho et al. 2021 (fig. 2), which takes the slice at three scales and gives it
    at three, with dense blocks: features of the smaller slices join those that come from above
    (FAM), and each level of the decoder sees those of all levels (AFF). Begins as the identity."""
    import torch
    from torch import nn

    def convolve(inside: int, outside: int, stride: int = 1) -> nn.Sequential:
        layer = nn.Conv2d(inside, outside, 3, stride=stride, padding=1)
        return nn.Sequential(layer, nn.ReLU(inplace=True))

    class Dense(nn.Module):
        """Each layer sees what came in and what the layers before it made; their sum over
        channels is added to what came in."""

        def __init__(self, width: int) -> None:
            super().__init__()
            growth = width // 2
            self.layers = nn.ModuleList(convolve(width + i * growth, growth) for i in range(LAYERS))
            self.fused = nn.Conv2d(width + LAYERS * growth, width, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            known = x
            for layer in self.layers:
                known = torch.cat([known, layer(known)], 1)
            return x + self.fused(known)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            first, total = WIDTHS[0], sum(WIDTHS)
            folded = FOLD**2
            self.first = convolve(folded, first)
            self.shallow = nn.ModuleList(
                nn.Sequential(convolve(folded, width // 2), convolve(width // 2, width))
                for width in WIDTHS[1:]
            )
            self.down = nn.ModuleList(convolve(a, b, stride=2) for a, b in pairwise(WIDTHS))
            self.attend = nn.ModuleList(
                nn.Conv2d(width, width, 3, padding=1) for width in WIDTHS[1:]
            )
            self.encode = nn.ModuleList(Dense(width) for width in WIDTHS)
            self.merge = nn.ModuleList(
                nn.Sequential(nn.Conv2d(total, width, 1), convolve(width, width))
                for width in WIDTHS[:-1]
            )
            self.up = nn.ModuleList(
                nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in pairwise(WIDTHS)
            )
            self.join = nn.ModuleList(nn.Conv2d(2 * width, width, 1) for width in WIDTHS[:-1])
            self.decode = nn.ModuleList(Dense(width) for width in WIDTHS)
            self.last = nn.ModuleList(nn.Conv2d(width, folded, 3, padding=1) for width in WIDTHS)
            for layer in self.last:
                for values in layer.parameters():
                    nn.init.zeros_(values)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return self.scales(x)[0]

        def scales(self, x: torch.Tensor) -> list[torch.Tensor]:
            """Slices ``n, 1, y, x``, finest first: each has half the size of the one before."""
            images = [x]
            for _ in WIDTHS[1:]:
                images.append(nn.functional.avg_pool2d(images[-1], 2))
            h, seen = self.first(nn.functional.pixel_unshuffle(x, FOLD)), []
            for level, encode in enumerate(self.encode):
                if level:
                    h = self.down[level - 1](h)
                    look = nn.functional.pixel_unshuffle(images[level], FOLD)
                    h = h + self.attend[level - 1](h * self.shallow[level - 1](look))
                h = encode(h)  # n, width, y / 2^(level + 1), …
                seen.append(h)
            found: list[torch.Tensor] = []
            for level in reversed(range(len(WIDTHS))):
                if level + 1 < len(WIDTHS):
                    size = seen[level].shape[-2:]
                    others = [nn.functional.interpolate(s, size=size) for s in seen]
                    merged = self.merge[level](torch.cat(others, 1))
                    h = self.join[level](torch.cat([merged, self.up[level](h)], 1))
                h = self.decode[level](h)
                change = nn.functional.pixel_shuffle(self.last[level](h), FOLD)
                found.insert(0, images[level] + change)
            return found

    return Network()
