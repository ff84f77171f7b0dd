"""Slices of few photons cleaned by an encoder and decoder with self-attention (RED-CNN)."""

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
from toolbox.tools.denoise.neighbour_mean import neighbour_mean
from toolbox.tools.denoise.noisy_discs import noisy_discs
from toolbox.values import Block, Shape

if TYPE_CHECKING:
    import torch

REACH = 2  # neighbours looked at on either side
CHANNELS = 16  # 96 in the paper
LAYERS = 5  # each way
KERNEL = 5
ASKING, ANSWERING = 8, 32  # px that make one query; one key and value
MULTIPLE = ANSWERING
TILE, OVERLAP = 1024, 128
MODEL = ModelCard.of("red_cnn")


@dataclass(frozen=True)
class REDCNN(Tool):
    """Slices of scans with few photons, without their noise, axes ``z, y, x``: the mean of each
    and of the two above it and the two below, where they show the same, through an encoder and
    decoder.

    Each slice is brought to one scale of grey values first and back after, so its unit does not
    matter. Slices of any size; larger ones than 1024 px go in tiles that fade into each other.
    Where neighbours are missing, at the ends and in a single slice, more noise stays.

    >>> REDCNN().card.split.value, REDCNN().halo(), sorted(REDCNN().card.weights)
    ('rows', 2, ['red_cnn.safetensors'])
    """

    card = replace(
        denoiser_card(
            name="red_cnn",
            title="encoder and decoder with self-attention (RED-CNN)",
            title_zh="带自注意力的残差编解码网络（RED-CNN）",
            references=(
                "Chen, Zhang, Kalra, Lin, Chen, Liao, Zhou & Wang 2017, IEEE Trans. Med. Imaging "
                "36, 2524, doi 10.1109/TMI.2017.2715284",
                "Zhang, Goodfellow, Metaxas & Odena 2019, ICML (self-attention of images)",
            ),
            limits="Learned on simulated half turns with enough views and 100 to 4000 photons a "
            "pixel, after filtered back-projection with the toolbox's default filter: other "
            "artefacts stay or mislead it, and fine structure may be invented or lost. Differs "
            "from the paper: a sixth of its channels, borders kept, neighbouring slices "
            "averaged where they show the same, self-attention between encoder and decoder in "
            f"which places of 8 px ask places of 32 px. {MODEL.summary}",
            library="torch",
            halo=REACH,
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

        net = trained("red_cnn", network)
        slices = [clean(net, volume.values, z) for z in range(len(volume.values))]
        return volume.with_values(np.stack(slices) if slices else volume.values)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        inside = min(shape.frames, TILE) * min(shape.columns, TILE)
        return Cost(
            (80_000.0 + 1500.0 * REACH) * shape.voxels,
            600.0 * inside + 40.0 * shape.frames * shape.columns,
        )

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs in noise."""
        return cls(), {"volume": noisy_discs(64)}


def clean(
    net: torch.nn.Module, volume: NDArray[np.float32], at: int | None = None
) -> NDArray[np.float32]:
    """One slice of a volume, axes ``z, y, x``, through the network, in its own unit; the middle
    one where none is named."""
    image = neighbour_mean(volume, len(volume) // 2 if at is None else at, REACH)
    return in_own_unit(net, image, TILE, OVERLAP, MULTIPLE)


def network() -> torch.nn.Module:
    """The network of Chen et al. 2017 (fig. 1): five convolutions and five transposed ones, 5 × 5;
    what goes into the 1st, 3rd and 5th added to what comes out of the 5th, 3rd and 1st from the
    end; between them the self-attention of Zhang et al. 2019, by a factor that begins at 0."""
    import torch
    from torch import nn

    class Attention(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.query, self.key, self.value, self.out = (
                nn.Conv2d(CHANNELS, CHANNELS, 1) for _ in range(4)
            )
            self.share = nn.Parameter(torch.zeros(1))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            near = nn.functional.avg_pool2d(x, ASKING)  # n, channel, y / 8, x / 8
            far = nn.functional.avg_pool2d(x, ANSWERING)
            query, key, value = (
                layer(h).flatten(2).transpose(1, 2)  # n, place, channel
                for layer, h in ((self.query, near), (self.key, far), (self.value, far))
            )
            told = nn.functional.scaled_dot_product_attention(query, key, value)
            told = self.out(told.transpose(1, 2).unflatten(2, near.shape[2:]))
            spread = nn.functional.interpolate(told, scale_factor=ASKING, mode="nearest")
            return x + self.share * spread

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            sizes = (1, *(CHANNELS,) * LAYERS)
            pad = KERNEL // 2
            self.encode = nn.ModuleList(
                nn.Conv2d(a, b, KERNEL, padding=pad) for a, b in pairwise(sizes)
            )
            self.attend = Attention()
            self.decode = nn.ModuleList(
                nn.ConvTranspose2d(b, a, KERNEL, padding=pad)
                for a, b in reversed(list(pairwise(sizes)))
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h, kept = x, []
            for number, layer in enumerate(self.encode):
                if number % 2 == 0:
                    kept.append(h)
                h = torch.relu(layer(h))
            h = self.attend(h)
            for number, layer in enumerate(self.decode):
                h = layer(h)
                if number % 2 == 0:
                    h = h + kept.pop()
                if number + 1 < LAYERS:
                    h = torch.relu(h)
            return h

    return Network()
