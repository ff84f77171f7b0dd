"""Slices from few views by a network with a branch for the sinogram and one for the slice
(ADB-Net)."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from toolbox.learned.model_card import ModelCard
from toolbox.tool import Cost
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct import finished_slices, tvconvnet, view_network
from toolbox.tools.reconstruct.finished_slices import (
    Copies,
    FinishedSlices,
    Iterations,
    Levels,
    Looks,
    Strength,
    clean,
    finished,
)
from toolbox.tools.reconstruct.slices import Size, TiltHalo, reconstruction_card
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

LOOKS = finished_slices.LOOKS + 1  # the last by the branch of the sinogram
WIDTHS = (16, 32, 64, 128, 208)  # channels of the levels in the branch of the slice
FUSED = 3  # levels in which the branches meet
SQUEEZE = 4  # times as few channels within the attention over channels
COPIES = 2
MODEL = ModelCard.of("adb_net")
__all__ = ["ADBNet", "clean", "looks", "network", "solve"]


@dataclass(frozen=True)
class ADBNet(FinishedSlices):
    """A network with two branches, one on the sinogram and one on the slice, which attention
    brings together: ``row, angle, col`` to slices ``z, y, x`` in 1/px, each slice alone, from few
    views.

    The branch of the sinogram adds three views between any two
    (:mod:`toolbox.tools.reconstruct.view_network`), which are back-projected; that of the slice is
    the U-Net of :mod:`toolbox.tools.reconstruct.tvconvnet`. In its first levels attention over
    channels, over the plane, and over both decides what comes in from the other branch.
    ``copies`` of the slice, turned and mirrored, are averaged.

    >>> ADBNet().card.split.value, sorted(ADBNet().card.weights)
    ('rows', ['adb_net.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="adb_net",
            title="attention between sinogram and slice (ADB-Net)",
            title_zh="正弦图与切片双分支注意力网络（ADB-Net）",
            references=(
                "Gao, Su, Zhang, Zhu, Tan, Cui, Long, Zheng, Liang & Ge 2023, Quant. Imaging Med. "
                "Surg. 13, 1360 (attention-based dual-branch network)",
                "Liang, Yang, Kang & Xing 2018, Proc. SPIE 10573, 105731K, "
                "doi 10.1117/12.2293319 (views added)",
            ),
            limits="Learned on simulated absorption scans of 60 to 120 views over a half turn: "
            "fine structure may be invented or lost, and other faults (rings, a wrong axis) must "
            "be mended before. Differs from the paper: the branch of the sinogram is the view "
            "network as it was trained alone, whose back-projected views, not features, meet "
            "those of the slice; total variation beside filtered back-projection in the branch "
            "of the slice, begun from TVConvNet; nothing is below zero. A slice of 1024 × 1024 px "
            "of as many views takes far longer than 2 s on two cores, most of it total variation "
            "and the added views. "
            "On real scans nearer than filtered back-projection and, on average, not nearer than "
            "TVConvNet, which is quicker: planned where it is named. "
            f"{MODEL.summary}",
            gpu=True,
            library="torch",
            default_on=False,  # on real scans no nearer than TVConvNet
            suits=MODEL.suits,
            metrics=MODEL.metrics,
        ),
        version=MODEL.version,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
    )

    strength: Strength = None
    iterations: Iterations = 60
    copies: Copies = COPIES
    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        return self.finish(network, solve, sinogram, center)

    def cost(self, **inputs: Shape) -> Cost:
        one = super().cost(**inputs)
        views = view_network.ViewNetwork(size=self.size).cost(**inputs)
        shape = inputs["sinogram"]
        side = self.size or shape.columns
        more = 20_000.0 * self.copies * shape.rows * side**2
        return Cost(one.operations + views.operations + more, 1.3 * one.bytes + views.bytes)


def solve(
    net: torch.nn.Module,
    A: ParallelBeam,
    y: torch.Tensor,
    strength: float,
    iterations: int,
    copies: int,
) -> torch.Tensor:
    """Slices ``z, y, x`` of some rows ``row, angle, col`` behind the operator."""
    given, levels = looks(net.sinogram, A, y, strength, iterations)  # type: ignore[arg-type]
    return finished(net, A, given, levels, copies).clamp_min_(0)


def looks(
    sinogram: torch.nn.Module, A: ParallelBeam, y: torch.Tensor, strength: float, iterations: int
) -> tuple[Looks, Levels]:
    """What the branch of the slice is told of each row, axes ``row, look, y, x`` (as TVConvNet is,
    then what the branch of the sinogram gives), and the level and spread of grey values that were
    taken out."""
    given, levels = tvconvnet.looks(A, y, strength, iterations)
    added = view_network.solve(sinogram, A, y).cpu().numpy()
    scaled = [(one - level) / spread for one, (level, spread) in zip(added, levels, strict=True)]
    return np.concatenate([given, np.stack(scaled)[:, None]], 1).astype(np.float32), levels


def network() -> torch.nn.Module:
    """Looks ``n, look, y, x`` to slices ``n, 1, y, x``; ``sinogram`` is the network that makes the
    last look."""
    import torch
    from torch import nn

    from toolbox.tools.denoise.fbpconvnet import convolve

    class Attention(nn.Module):
        """What comes into features of the slice from those of the sinogram, weighed over channels,
        over the plane, and over both."""

        def __init__(self, channels: int) -> None:
            super().__init__()
            both = 2 * channels
            self.channel = nn.Sequential(
                nn.AdaptiveAvgPool2d(1), nn.Conv2d(both, both // SQUEEZE, 1),
                nn.ReLU(inplace=True), nn.Conv2d(both // SQUEEZE, both, 1), nn.Sigmoid(),
            )  # fmt: skip
            self.plane = nn.Sequential(nn.Conv2d(2, 1, 7, padding=3), nn.Sigmoid())
            self.place = nn.Sequential(nn.Conv2d(both, both, 1), nn.Sigmoid())
            self.join = nn.Conv2d(both, channels, 1)
            nn.init.zeros_(self.join.weight)  # begins with the slice alone
            nn.init.zeros_(self.join.bias)  # type: ignore[arg-type]

        def forward(self, h: torch.Tensor, other: torch.Tensor) -> torch.Tensor:
            both = torch.cat([h, other], 1)
            flat = torch.cat([both.mean(1, keepdim=True), both.amax(1, keepdim=True)], 1)
            weight = self.channel(both) + self.plane(flat) + self.place(both)
            joined: torch.Tensor = h + self.join(both * weight)
            return joined

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.slice = fbpconvnet.network(WIDTHS, finished_slices.LOOKS)
            self.sinogram = view_network.network().requires_grad_(False)
            self.seen = nn.ModuleList(
                convolve(WIDTHS[i - 1] if i else 2, WIDTHS[i], 1 if i else 2) for i in range(FUSED)
            )
            self.attention = nn.ModuleList(Attention(size) for size in WIDTHS[:FUSED])

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            other = [torch.cat([x[:, :1], x[:, -1:]], 1)]  # n, 16 · 2^level, y, x
            for level, block in enumerate(self.seen):
                below = nn.functional.max_pool2d(other[-1], 2) if level else other[-1]
                other.append(block(below))

            def fuse(level: int, h: torch.Tensor) -> torch.Tensor:
                return self.attention[level](h, other[level + 1]) if level < FUSED else h

            return self.slice(x[:, : finished_slices.LOOKS], fuse)  # type: ignore[no-any-return]

    return Network()
