"""Slices from a limited angle finished by a UNet++ that learned with an adversary."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolbox.learned.model_card import ModelCard
from toolbox.tool import Cost
from toolbox.tools.denoise.fbpconvnet import narrowed
from toolbox.tools.reconstruct.finished_slices import (
    LOOKS,
    Copies,
    FinishedSlices,
    Iterations,
    Strength,
    clean,
)
from toolbox.tools.reconstruct.sartconvnet import COPIES, ITERATIONS, looks, solve
from toolbox.tools.reconstruct.slices import Size, TiltHalo, reconstruction_card
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

WIDTHS = (16, 32, 64, 128, 224)  # channels of the levels; 32 to 512 in UNet++
NESTED = 2  # times as few channels in the blocks within
MODEL = ModelCard.of("unetpp_gan")
__all__ = ["COPIES", "UNetPlusPlusGAN", "begin", "clean", "looks", "network", "solve"]


@dataclass(frozen=True)
class UNetPlusPlusGAN(FinishedSlices):
    """Algebraic reconstruction (SART), then a UNet++ that learned with an adversary to take away
    what a limited angle did: ``row, angle, col`` to slices ``z, y, x`` in 1/px, each slice alone.

    x = max(t + G(t, s, w), 0), with the total variation reconstruction t, what SART makes of it,
    s, and the missing directions w (as :mod:`toolbox.tools.reconstruct.sartconvnet`). ``copies``
    of the slice, turned and mirrored, are averaged.

    >>> UNetPlusPlusGAN().card.split.value, sorted(UNetPlusPlusGAN().card.weights)
    ('rows', ['unetpp_gan.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="unetpp_gan",
            title="algebraic reconstruction finished by an adversarial UNet++",
            title_zh="代数重建加对抗训练的 UNet++",
            references=(
                "Wang, Ding, Liu & Xin 2020, Adv. Intell. Syst. 2, 2000152, "
                "doi 10.1002/aisy.202000152 (arXiv 2003.12259)",
                "Zhou, Siddiquee, Tajbakhsh & Liang 2018, DLMIA, 3, "
                "doi 10.1007/978-3-030-00889-5_1 (UNet++)",
            ),
            limits="Learned on simulated absorption scans of 90 to 130 degrees: what no view saw "
            "is guessed, fine structure may be invented or lost, and other faults (rings, a wrong "
            "axis) must be mended before. Differs from the paper, which inpaints sinograms first: "
            "one network on slices, which sees total variation, SART after it and the missing "
            "directions; half the channels of UNet++ and a quarter in the nested blocks, no deep "
            "supervision; the adversary has a small weight beside structural similarity. "
            "A slice of 1024 × 1024 px of as many views takes far longer than 2 s on two cores, "
            "most of it total variation. No real scan of a limited angle was at hand: planned "
            "where it is named. "
            f"{MODEL.summary}",
            gpu=True,
            library="torch",
            default_on=False,  # measured on no real scan of a limited angle
            suits=MODEL.suits,
            metrics=MODEL.metrics,
        ),
        version=MODEL.version,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
    )

    strength: Strength = None
    iterations: Iterations = ITERATIONS
    copies: Copies = COPIES
    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        return self.finish(network, solve, sinogram, center)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        one = super().cost(**inputs)
        side = self.size or shape.columns
        more = 30_000.0 * self.copies * shape.rows * side**2
        return Cost(one.operations + more, 1.3 * one.bytes)


def network() -> torch.nn.Module:
    """UNet++ (Zhou et al. 2018, fig. 1) over looks ``n, look, y, x``: block (i, j) sees all blocks
    (i, 0 … j − 1) of its level and, enlarged, block (i + 1, j − 1) below; the first look is added
    to the output."""
    import torch
    from torch import nn

    from toolbox.tools.denoise.fbpconvnet import convolve

    depth = len(WIDTHS)

    def width(i: int, j: int) -> int:
        outer = j in (0, depth - 1 - i)
        return WIDTHS[i] if outer else WIDTHS[i] // NESTED

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.blocks, self.enlarge = nn.ModuleDict(), nn.ModuleDict()
            for i in range(depth):
                above = WIDTHS[i - 1] if i else LOOKS
                self.blocks[f"{i}_0"] = convolve(above, WIDTHS[i], 2 if i else 3)
            for j in range(1, depth):
                for i in range(depth - j):
                    own = width(i, j)
                    known = sum(width(i, k) for k in range(j))
                    self.enlarge[f"{i}_{j}"] = nn.ConvTranspose2d(width(i + 1, j - 1), own, 2, 2)
                    self.blocks[f"{i}_{j}"] = convolve(known + own, own)
            self.last = nn.Conv2d(WIDTHS[0], 1, 1)
            nn.init.zeros_(self.last.weight)  # begins as the identity
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            known: list[list[torch.Tensor]] = []  # by level, then by block: n, channel, y, x
            for i in range(depth):
                below = nn.functional.max_pool2d(known[-1][0], 2) if i else x
                known.append([self.blocks[f"{i}_0"](below)])
            for j in range(1, depth):
                for i in range(depth - j):
                    name = f"{i}_{j}"
                    enlarged = self.enlarge[name](known[i + 1][j - 1])
                    known[i].append(self.blocks[name](torch.cat([*known[i], enlarged], 1)))
            return x[:, :1] + self.last(known[0][-1])

    return Network()


def begin(network: torch.nn.Module, unet: torch.nn.Module) -> None:
    """Give the outermost path the weights of a U-Net
    (:func:`toolbox.tools.denoise.fbpconvnet.network`), narrowed; what the nested blocks add to it
    begins with no weight."""
    import torch

    depth = len(WIDTHS)
    own, given = network.state_dict(), narrowed(unet.state_dict(), WIDTHS[-1])
    for name, value in given.items():
        kind, at, *rest = name.split(".")
        if kind == "last":
            own[name] = value
            continue
        i = int(at) if kind == "down" else depth - 2 - int(at)
        block = f"{i}_{0 if kind == 'down' else depth - 1 - i}"
        target = ".".join(["enlarge" if kind == "up" else "blocks", block, *rest])
        if own[target].shape != value.shape:  # skip and enlarged; the nested ones between them
            wide = torch.zeros_like(own[target])
            wide[:, : WIDTHS[i]], wide[:, -WIDTHS[i] :] = value.chunk(2, 1)
            value = wide
        own[target] = value
    network.load_state_dict(own)
