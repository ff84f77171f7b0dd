"""Two tiles whose optics distort become one wider stack, the distortion told by a network."""

from __future__ import annotations

import dataclasses
from typing import TYPE_CHECKING

import numpy as np

from toolbox.learned.model_card import ModelCard
from toolbox.tool import Cost
from toolbox.tools.stitch.distortion import ROUNDS, ROWS, VIEWS, Looks, Stack
from toolbox.tools.stitch.stitch_distorted import StitchDistorted
from toolbox.values import Shape

if TYPE_CHECKING:
    import torch

WIDTHS = (32, 48, 64)  # channels of the U-Net's levels
MULTIPLE = 2 ** (len(WIDTHS) - 1)
AT_ONCE = 128  # views through the network
MODEL = ModelCard.of("stitch_network")


class StitchNetwork(StitchDistorted):
    """One stack from two tiles, axes ``angle, row, col``, that share some columns and were seen
    through optics that displace the image by the cube of the distance from their middle.

    As ``stitch_distorted``, with a U-Net in place of the registration: it looks at the columns
    that both tiles show and says how far each point of the right one is from where the left one
    has it, and how sure that is.

    >>> StitchNetwork().card.split.value, sorted(StitchNetwork().card.weights)
    ('rows', ['stitch_network.safetensors'])
    """

    card = dataclasses.replace(
        StitchDistorted.card,
        name="stitch_network",
        title="stitch two tiles, their distortion undone by a network",
        title_zh="拼接网络：校正畸变后拼接两块投影",
        references=(
            "Ronneberger, Fischer & Brox 2015, MICCAI (the U-Net)",
            *StitchDistorted.card.references[:1],
        ),
        limits="After Qin 2021, of which it was only known that a U-Net takes distorted images to "
        "reference images: here it says how far each point was displaced, so that nothing can be "
        f"invented. {StitchDistorted.card.limits} Learned on simulated sinograms with up to 8 px "
        f"of distortion at the sides. {MODEL.summary}",
        library="torch",
        version=MODEL.version,
        gpu=True,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
        metrics=MODEL.metrics,
        suits=MODEL.suits,
    )

    @staticmethod
    def looks() -> Looks:
        from toolbox.learned.weights import trained

        return seen_by(trained("stitch_network", network))

    def tuning_cost(self, **inputs: Shape) -> Cost:
        shape = inputs["right"]
        seen = float(min(shape.frames, VIEWS) * min(shape.rows, ROWS) * shape.columns)
        return Cost(200_000.0 * ROUNDS * seen, 200.0 * seen)


def seen_by(net: torch.nn.Module) -> Looks:
    """What a network says of strips; it is shown only the columns that both tiles have, as what
    is repeated at a border looks like an edge to it."""

    def looks(strips: Stack, inside: Stack) -> tuple[Stack, Stack]:
        columns = inside.all(axis=0)
        apart, weight = np.zeros((2, *strips.shape[1:]), np.float32)
        for at in range(0, strips.shape[2], AT_ONCE):
            views = slice(at, at + AT_ONCE)
            told, sure = clean(net, strips[:, :, views, columns])
            apart[:, views, columns], weight[:, views, columns] = told, np.exp(sure)
        return apart, weight

    return looks


def clean(net: torch.nn.Module, strips: Stack) -> Stack:
    """Strips ``tile, row, angle, col`` through the network: how far apart (px) and the logarithm of
    the weight, axes ``answer, row, angle, col``."""
    import torch

    from toolbox.learned.weights import infer

    rows, columns = strips.shape[2:]
    beyond = [(0, 0), (0, 0), (0, -rows % MULTIPLE), (0, -columns % MULTIPLE)]
    pair = np.pad(strips, beyond, mode="edge").transpose(1, 0, 2, 3)
    made = [infer(net, torch.from_numpy(np.ascontiguousarray(p[None])))[0] for p in pair]
    found = torch.stack(made, 1).cpu().numpy()
    return np.ascontiguousarray(found[..., :rows, :columns])


def network() -> torch.nn.Module:
    """A U-Net (Ronneberger et al. 2015) of three levels: the two strips of a row ``n, tile, angle,
    col`` → how far the right one's points are from the left one's along the columns, px, and the
    logarithm of a weight, ``n, answer, angle, col``."""
    import torch
    from torch import nn

    def convolve(inside: int, outside: int) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inside, outside, 3, padding=1),
            nn.ReLU(inplace=True),
            nn.Conv2d(outside, outside, 3, padding=1),
            nn.ReLU(inplace=True),
        )

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            pairs = list(zip((2, *WIDTHS), WIDTHS, strict=False))
            self.down = nn.ModuleList(convolve(a, b) for a, b in pairs)
            ups = list(reversed(pairs[1:]))
            self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, stride=2) for a, b in ups)
            self.join = nn.ModuleList(convolve(2 * a, a) for a, _ in ups)
            self.last = nn.Conv2d(WIDTHS[0], 2, 1)
            nn.init.zeros_(self.last.weight)
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h, skips = x, []
            for level, block in enumerate(self.down):
                h = block(nn.functional.max_pool2d(h, 2) if level else h)  # n, width, …
                skips.append(h)
            for up, join, skip in zip(self.up, self.join, reversed(skips[:-1]), strict=True):
                h = join(torch.cat([skip, up(h)], 1))
            apart, sure = self.last(h).float().split(1, 1)
            return torch.cat([apart, sure.clamp(-4, 4)], 1)

    return Network()
