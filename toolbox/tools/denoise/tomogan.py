"""Slices of few photons cleaned by a network that learned with an adversary (TomoGAN)."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param
from toolbox.learned.model_card import ModelCard
from toolbox.tool import Cost, Tool
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.denoise.denoiser_card import denoiser_card
from toolbox.tools.denoise.neighbour_mean import neighbour_mean
from toolbox.tools.denoise.noisy_discs import noisy_discs
from toolbox.values import Block, Shape

if TYPE_CHECKING:
    import torch

REACH = 2  # neighbours looked at on either side
COPIES = 2  # averaged by default
MODEL = ModelCard.of("tomogan")


@dataclass(frozen=True)
class TomoGAN(Tool):
    """Slices of scans with few photons, without their noise, axes ``z, y, x``: the mean of each
    and of the two above it and the two below, where they show the same, through a U-Net.

    Each slice is brought to one scale of grey values first and back after, so its unit does not
    matter. ``copies`` of it, turned and mirrored, are cleaned and averaged. Slices of any size;
    larger ones than 1024 px go in tiles that fade into each other. Where neighbours are missing,
    at the ends and in a single slice, more noise stays.

    >>> TomoGAN().card.split.value, TomoGAN().halo(), sorted(TomoGAN().card.weights)
    ('rows', 2, ['tomogan.safetensors'])
    """

    card = replace(
        denoiser_card(
            name="tomogan",
            title="network for slices of few photons (TomoGAN)",
            title_zh="低剂量切片的生成对抗网络（TomoGAN）",
            references=(
                "Liu, Bicer, Kettimuthu, Gursoy, De Carlo & Foster 2020, J. Opt. Soc. Am. A 37, "
                "422, doi 10.1364/JOSAA.375595",
                "Jin, McCann, Froustey & Unser 2017, IEEE Trans. Image Process. 26, 4509 (the "
                "U-Net)",
            ),
            limits="Learned on simulated half turns with enough views and 100 to 4000 photons a "
            "pixel, after filtered back-projection with the toolbox's default filter: other "
            "artefacts stay or mislead it, and fine structure may be invented or lost. Differs "
            "from the paper: neighbouring slices are averaged where they show the same, in place "
            "of channels; the U-Net of the toolbox's own FBPConvNet as generator, begun with its "
            "weights, and its features instead of those of a VGG network; an adversary with "
            f"normalised weights instead of a gradient penalty. {MODEL.summary}",
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

    copies: Annotated[
        int,
        Param("turned and mirrored copies of a slice to average", low=1,
              high=len(fbpconvnet.COPIES)),
    ] = COPIES  # fmt: skip

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        from toolbox.learned.weights import trained

        net = trained("tomogan", network)
        slices = [clean(net, volume.values, z, self.copies) for z in range(len(volume.values))]
        return volume.with_values(np.stack(slices) if slices else volume.values)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        tile = fbpconvnet.TILE
        inside = min(shape.frames, tile) * min(shape.columns, tile)
        return Cost(
            (60_000.0 * self.copies + 1500.0 * REACH) * shape.voxels,
            400.0 * inside + 40.0 * shape.frames * shape.columns,
        )

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs in noise."""
        return cls(), {"volume": noisy_discs()}


def clean(
    net: torch.nn.Module,
    volume: NDArray[np.float32],
    at: int | None = None,
    copies: int = COPIES,
) -> NDArray[np.float32]:
    """One slice of a volume, axes ``z, y, x``, through the network, in its own unit; the middle
    one where none is named."""
    at = len(volume) // 2 if at is None else at
    return fbpconvnet.averaged(net, neighbour_mean(volume, at, REACH), copies)


def network() -> torch.nn.Module:
    """The U-Net of :mod:`toolbox.tools.denoise.fbpconvnet`."""
    return fbpconvnet.network()
