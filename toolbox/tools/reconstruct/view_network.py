"""Views between the measured ones by a residual network on the sinogram, then back-projection."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.learned.model_card import ModelCard
from toolbox.operators.blocks import solve_rows, solver_cost
from toolbox.tool import Cost
from toolbox.tools.reconstruct.slices import (
    Size,
    SliceReconstruction,
    TiltHalo,
    reconstruction_card,
)
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

TIMES = 4  # as many views
LOOKS = 2  # at each view: between its neighbours, and through the reconstruction
CHANNELS = 40
SCALE = 8.0
DILATIONS = (1, 2, 1, 3, 1)  # of the residual blocks
TILE, OVERLAP = 1024, 64  # columns
Lines = NDArray[np.float32]
MODEL = ModelCard.of("view_network")


@dataclass(frozen=True)
class ViewNetwork(SliceReconstruction):
    """Filtered back-projection of four times as many views, ``row, angle, col`` to slices
    ``z, y, x`` in 1/px, each slice alone: a residual network on the sinogram says what lies
    between the views of a sparse scan.

    The network sees, of each view wanted, the straight line between its neighbours and the
    projection of the plain filtered back-projection, and corrects the former; the measured views
    lose noise likewise.

    >>> ViewNetwork().card.split.value, sorted(ViewNetwork().card.weights)
    ('rows', ['view_network.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="view_network",
            title="back-projection of views that a network adds",
            title_zh="正弦图残差网络补全视角后反投影",
            references=(
                "Liang, Yang, Kang & Xing 2018, Proc. SPIE 10573, 105731K, "
                "doi 10.1117/12.2293319 (a residual network on the sinogram adds views)",
                "He, Zhang, Ren & Sun 2016, CVPR, 770 (residual blocks)",
            ),
            limits="Learned on simulated absorption scans of 60 to 120 views over a half turn: "
            "other faults must be mended before. Differs from the paper: the four views of a "
            "group side by side as channels, the projection of the plain reconstruction beside "
            "straight lines between neighbours, the square error after the square root of the "
            "ramp filter, which is that of the slice, as loss, in place of that of the sinogram. "
            f"{MODEL.summary}",
            gpu=True,
            library="torch",
            default_on=MODEL.wins,
            suits=MODEL.suits,
            metrics=MODEL.metrics,
        ),
        version=MODEL.version,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
    )

    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        from toolbox.learned.weights import trained

        net = trained("view_network", network)
        return solve_rows(sinogram, center, self.size, partial(solve, net))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        dense = dataclasses.replace(shape, frames=TIMES * shape.frames)
        solving = solver_cost(dense, self.size, 1, arrays=6)
        looked_at = float(shape.frames * shape.columns)
        kept = 4.0 * shape.frames * min(shape.columns, TILE) * 6 * CHANNELS
        return Cost(solving.operations + 30_000.0 * shape.rows * looked_at, solving.bytes + kept)


def solve(net: torch.nn.Module, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
    """Slices ``z, y, x`` of some rows ``row, angle, col`` behind the operator."""
    import torch

    dense, seen = looks(A, y)
    added = np.stack([clean(net, one) for one in seen])
    return dense.fbp(torch.from_numpy(added).to(y.device), "shepp-logan")


def between(angles_rad: NDArray[np.float64]) -> NDArray[np.float64]:
    """Angles of four times as many views: each measured one, then three on the way to the next by
    angle; after the last they go on by its step.

    >>> np.rad2deg(between(np.deg2rad([0.0, 4.0]))).round().tolist()
    [0.0, 1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0]
    """
    steps = np.diff(angles_rad)
    steps = np.append(steps, steps[-1] if len(steps) else np.pi)
    return (angles_rad[:, None] + steps[:, None] * np.arange(TIMES) / TIMES).ravel()


def looks(A: ParallelBeam, y: torch.Tensor) -> tuple[ParallelBeam, list[Lines]]:
    """The operator of all views, and looks at them for each row, axes ``look, angle, col``: the
    straight lines between neighbours, and what the projections of the plain reconstruction have
    over them. Views go by increasing angle."""
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

    order = np.argsort(A.angles_rad, kind="stable")
    angles = between(A.angles_rad[order])
    dense = ParallelBeam(
        angles, A.columns, A.center, size=A.size, device=A.device, threads=A.threads,
        half_acquisition=A.half_acquisition, precision=A.precision,
    )  # fmt: skip
    # Row by row: what the network sees, in short floats, does not depend on which rows go together
    rows = [slice(row, row + 1) for row in range(len(y))]
    each = [dense.for_rows(at)(A.for_rows(at).fbp(y[at], "ramp")) for at in rows]
    projected = torch.cat(each).cpu().numpy()
    y = y[:, torch.from_numpy(order)]
    following = torch.cat([y[:, 1:], y[:, -1:]], 1)
    way = torch.arange(TIMES, device=y.device, dtype=y.dtype)[:, None] / TIMES
    straight = (y[:, :, None] * (1 - way) + following[:, :, None] * way).flatten(1, 2)
    lines = straight.cpu().numpy()
    pairs = zip(lines, projected - lines, strict=True)
    return dense, [np.stack(pair).astype(np.float32) for pair in pairs]


def clean(net: torch.nn.Module, seen: Lines) -> Lines:
    """All views, axes ``angle, col``, from the looks at them, ``look, angle, col``; the network in
    short floats (bfloat16), which takes a third of the time."""
    import torch

    from toolbox.learned.tiles import tiled

    level = unit(seen)
    device = next(net.parameters()).device

    def process(part: Lines) -> Lines:
        with torch.inference_mode(), torch.autocast(device.type, torch.bfloat16):
            return net(torch.from_numpy(part)[None].to(device))[0].cpu().numpy()

    # Tiles are square, views are not to be cut: columns alone are
    width = max(TILE, -(-seen.shape[1] // TIMES) * TIMES)
    found: Lines = tiled(seen / level, process, width, OVERLAP, TIMES) * level
    return found


def unit(seen: Lines) -> np.float32:
    """What values are counted in: the highest attenuation, nearly."""
    return np.float32(max(float(np.quantile(np.abs(seen[0]), 0.99)), 1e-12))


def network() -> torch.nn.Module:
    """Residual blocks over looks at views ``n, look, angle, col`` in units, the four of a group
    side by side as channels: the first look, corrected, ``n, angle, col``."""
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, dilation: int) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(CHANNELS, CHANNELS, 3, padding=1),
                nn.ReLU(inplace=True),
                nn.Conv2d(CHANNELS, CHANNELS, 3, padding=(1, dilation), dilation=(1, dilation)),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x + self.layers(x))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(TIMES * LOOKS, CHANNELS, (3, 7), padding=(1, 3)),
                nn.ReLU(inplace=True),
                *(Residual(dilation) for dilation in DILATIONS),
            )
            self.last = nn.Conv2d(CHANNELS, TIMES, (1, 3), padding=(0, 1))
            nn.init.zeros_(self.last.weight)  # begins with straight lines
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            groups = x.unflatten(2, (-1, TIMES)).transpose(2, 3).flatten(1, 2)
            # The error is small beside the views
            groups = (groups * SCALE).contiguous(memory_format=torch.channels_last)
            added = self.last(self.layers(groups)).float() / SCALE
            return x[:, 0] + added.transpose(1, 2).flatten(1, 2)

    return Network()
