"""Sparse-view slices cleaned by a U-Net (FBPConvNet)."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.learned.grey_levels import grey_levels
from toolbox.learned.model_card import ModelCard
from toolbox.learned.own_unit import in_own_unit
from toolbox.tool import Cost, Tool
from toolbox.tools.denoise.noisy_discs import noisy_discs
from toolbox.values import Block, Shape

if TYPE_CHECKING:
    import torch

WIDTHS = (16, 32, 64, 128, 256)  # channels of the levels; 64 to 1024 in the paper
LEVELS = len(WIDTHS)
TILE, OVERLAP, MULTIPLE = 1024, 128, 2 ** (LEVELS - 1)
COPIES = (0, 6, 1, 7, 2, 4, 3, 5)  # quarter turns, those from 4 on of the mirrored slice
__all__ = ["FBPConvNet", "averaged", "clean", "grey_levels", "network"]
MODEL = ModelCard.of("fbpconvnet")


@dataclass(frozen=True)
class FBPConvNet(Tool):
    """Slices of filtered back-projection from few views, without their streaks and noise, axes
    ``z, y, x``, each slice alone: x + U(x), a U-Net U that learned what to take away.

    Each slice is brought to one scale of grey values first and back after, so its unit does not
    matter. ``copies`` of it, turned and mirrored, are cleaned and averaged. Slices of any size;
    larger ones than 1024 px go in tiles that fade into each other.

    >>> FBPConvNet().card.split.value, sorted(FBPConvNet().card.weights)
    ('rows', ['fbpconvnet.safetensors'])
    """

    card = ToolCard(
        name="fbpconvnet",
        title="U-Net for slices from few views (FBPConvNet)",
        title_zh="稀疏视角切片的卷积网络（FBPConvNet）",
        stage=Stage.DENOISE,
        domain=Domain.RECONSTRUCTION,
        inputs={"volume": grey(DataKind.VOLUME, GreyState.ATTENUATION)},
        output=grey(DataKind.VOLUME),
        split=Split.ROWS,
        references=(
            "Jin, McCann, Froustey & Unser 2017, IEEE Trans. Image Process. 26, 4509, "
            "doi 10.1109/TIP.2017.2713099",
            "Ronneberger, Fischer & Brox 2015, MICCAI (the U-Net)",
        ),
        limits="Learned on simulated half turns of 60 to 120 views after filtered "
        "back-projection with the toolbox's default filter: other artefacts stay or mislead it, "
        "and fine structure may be invented or lost. Differs from the paper: a quarter of its "
        f"channels ({WIDTHS[0]} instead of 64, trained small on a CPU), grey levels set by each "
        f"slice, turned copies averaged, simulated specimens. {MODEL.summary}",
        library="torch",
        version=MODEL.version,
        gpu=True,
        default_on=MODEL.wins,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
        metrics=MODEL.metrics,
        suits=MODEL.suits,
    )

    copies: Annotated[
        int, Param("turned and mirrored copies of a slice to average", low=1, high=len(COPIES))
    ] = 2

    def __call__(self, *, volume: Block) -> Block:  # type: ignore[override]
        from toolbox.learned.weights import trained

        net = trained("fbpconvnet", network)
        slices = [averaged(net, image, self.copies) for image in volume.values]
        return volume.with_values(np.stack(slices) if slices else volume.values)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["volume"]
        inside = min(shape.frames, TILE) * min(shape.columns, TILE)
        return Cost(
            60_000.0 * self.copies * shape.voxels,
            400.0 * inside + 12.0 * shape.frames * shape.columns,
        )

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs in noise."""
        return cls(), {"volume": noisy_discs(noise=0.004)}


def averaged(net: torch.nn.Module, image: NDArray[np.float32], copies: int) -> NDArray[np.float32]:
    """The mean of a slice's cleaned copies, axes ``y, x``: turns and mirror images of a specimen
    are as likely as itself, and what the network errs by differs between them (self-ensemble,
    Timofte, Rothe & Van Gool 2016, CVPR, § 3.5)."""
    total = np.zeros_like(image, dtype=np.float32)
    for copy in COPIES[:copies]:
        turned = np.rot90(image[:, ::-1] if copy >= 4 else image, copy)
        back = np.rot90(clean(net, np.ascontiguousarray(turned)), -copy)
        total += back[:, ::-1] if copy >= 4 else back
    return total / np.float32(copies)


def clean(net: torch.nn.Module, image: NDArray[np.float32]) -> NDArray[np.float32]:
    """One slice, axes ``y, x``, through the network, in its own unit."""
    return in_own_unit(net, image, TILE, OVERLAP, MULTIPLE)


def convolve(inside: int, outside: int, times: int = 2) -> torch.nn.Sequential:
    """So many 3 × 3 convolutions, each with batch normalisation."""
    from torch import nn

    layers: list[nn.Module] = []
    for _ in range(times):
        layers += [
            nn.Conv2d(inside, outside, 3, padding=1, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(inplace=True),
        ]
        inside = outside
    return nn.Sequential(*layers)


def network(widths: Sequence[int] = WIDTHS, looks: int = 1) -> torch.nn.Module:
    """The U-Net of Jin et al. 2017 (fig. 3): five levels of so many channels, two or three 3 × 3
    convolutions each with batch normalisation, skips by concatenation, and the input (of several
    ``looks`` at a slice the first) added to the output. ``forward`` takes what is to become of
    the features of each level on the way down, where something is."""
    import torch
    from torch import nn

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.down = nn.ModuleList(
                convolve(looks if i == 0 else widths[i - 1], size, 3 if i == 0 else 2)
                for i, size in enumerate(widths)
            )
            pairs = list(zip(widths[1:], widths[:-1], strict=True))[::-1]
            self.up = nn.ModuleList(
                nn.ConvTranspose2d(below, size, 2, stride=2) for below, size in pairs
            )
            self.join = nn.ModuleList(convolve(2 * size, size) for _, size in pairs)
            self.last = nn.Conv2d(widths[0], 1, 1)
            nn.init.zeros_(self.last.weight)  # begins as the identity
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(
            self,
            x: torch.Tensor,
            change: Callable[[int, torch.Tensor], torch.Tensor] | None = None,
        ) -> torch.Tensor:
            h, skips = x, []  # n, look, y, x
            for level, block in enumerate(self.down):
                h = block(nn.functional.max_pool2d(h, 2) if level else h)  # n, 16 · 2^level, …
                h = change(level, h) if change else h
                skips.append(h)
            for up, join, skip in zip(self.up, self.join, reversed(skips[:-1]), strict=True):
                h = join(torch.cat([skip, up(h)], 1))
            return x[:, :1] + self.last(h)

    return Network()


def narrowed(known: Mapping[str, torch.Tensor], channels: int) -> dict[str, torch.Tensor]:
    """The weights of such a network, its lowest level with so many channels: those that weigh most
    on the way up."""
    weight = known["up.0.weight"].float().abs().sum((1, 2, 3))
    kept = weight.argsort(descending=True)[:channels].sort().values
    found = dict(known)
    lowest = f"down.{LEVELS - 1}."
    for name, value in known.items():
        if name == "up.0.weight" or (name.startswith(lowest) and value.ndim):
            found[name] = value[kept]
    second = f"{lowest}3.weight"  # sees the level's own channels, too
    found[second] = found[second][:, kept]
    return found
