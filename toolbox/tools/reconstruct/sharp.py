"""Sinogram to slice: learned back-projection, denoiser, super-resolution (SHARP)."""

from __future__ import annotations

import copy
import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.learned.fold_aspp import fold_aspp_unet
from toolbox.learned.grey_levels import grey_levels
from toolbox.learned.model_card import ModelCard
from toolbox.learned.rfdn import rfdn
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

COLUMNS = 256  # that the fully connected layer takes at a time
SHARED = 64  # of them with the next, where there are more
LOOKS = 3  # that the back-projection makes of a slice: smooth, as it is, what all views share
# px, σ with which the layer begins: of the first look, of what it leaves out of the third
SMOOTH, SLOW = 1.0, 6.0
STEP = 0.05  # what a step of the layer's weights counts, beside those that it begins with
FOLD = 4  # px of the slice to a place of the latent, each way
WIDTHS = (48, 64, 96)  # channels of the denoiser's levels
CHANNELS, BLOCKS = 40, 3  # of the super-resolution
TILE, OVERLAP, MULTIPLE = 768, 128, 64  # px of the slice
# The whole, and what is left out or replaced to see what each module is worth
VARIANTS = ("whole", "fixed", "without_denoiser", "without_super_resolution", "one_number")
Image = NDArray[np.float32]
MODEL = ModelCard.of("sharp")


@dataclass(frozen=True)
class Sharp(SliceReconstruction):
    """A sinogram straight to slices, without noise and rings: ``row, angle, col`` to slices
    ``z, y, x`` in 1/px, each row alone.

    The columns of each view, and those of the mean view (where rings show), go through one fully
    connected layer and are filtered and laid back along their rays; the slice is held as a latent
    of a quarter of its size each way, 16 numbers for each look at a place. A U-Net with a pyramid
    of folded atrous convolutions cleans the latent, and residual feature distillation makes the
    slice of it. Slices of any size: the layer takes 256 columns at a time, the networks tiles.

    >>> Sharp().card.split.value, sorted(Sharp().card.weights)
    ('rows', ['sharp.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="sharp",
            title="learned back-projection, denoiser and super-resolution (SHARP)",
            title_zh="全连接反投影、去噪与超分辨率重建（SHARP）",
            references=(
                "Zhao, Pang, Zhang, Lu & Zhang 2020, ECCV, 35, doi 10.1007/978-3-030-58536-5_3 "
                "(Fold-ASPP)",
                "Liu, Tang & Wu 2020, ECCV workshops, 41, doi 10.1007/978-3-030-67070-2_2 (RFDN)",
                "He, Wang & Ma 2020, IEEE Trans. Med. Imaging 39, 2076, "
                "doi 10.1109/TMI.2020.2964266 (one fully connected layer for all views)",
            ),
            limits="Learned on simulated half turns of 1200 views of 256 columns with few photons "
            "and steady rings: fine structure may be invented or lost, and other faults must be "
            "mended before. Differs from SHARP as published, whose text was not at hand, only its "
            "modules and its table: a layer from a whole sinogram to 64 × 64 places would have "
            "1.3 thousand million weights, so one of 256 columns serves all views, the rays and "
            "the ramp filter stay those of filtered back-projection, with which it begins, and "
            "the latent holds 16 numbers for each look at a place (with one alone, see the "
            "figures, what is finer is lost). It is no quicker than filtered back-projection "
            f"here. {MODEL.summary}",
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

        net = trained("sharp", network)
        return solve_rows(sinogram, center, self.size, partial(solve, net.get_submodule("whole")))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        solving = solver_cost(shape, self.size, LOOKS, arrays=4 * LOOKS)
        side = self.size or shape.columns
        inside = min(side, TILE) ** 2
        layer = 2.0 * 2 * LOOKS * COLUMNS * shape.voxels
        return Cost(
            solving.operations + layer + 20_000.0 * shape.rows * side**2,
            solving.bytes + 120.0 * inside,
        )


def solve(net: torch.nn.Module, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
    """Slices ``z, y, x`` of some rows ``row, angle, col`` behind the operator, one at a time."""
    import torch

    slices = [y.new_zeros((0, A.size, A.size))]
    for row in range(len(y)):
        here = slice(row, row + 1)
        with torch.inference_mode():
            seen = looks(net, A.for_rows(here), y[here])[0].cpu().numpy()
        found = torch.from_numpy(clear(net, seen))[None].to(y.device)
        slices.append(found * A.circle)
    return torch.cat(slices)


def clear(net: torch.nn.Module, seen: Image) -> Image:
    """Looks at one slice, axes ``look, y, x``, through denoiser and super-resolution: ``y, x``. In
    single precision: mixed would make much of the last digits in which machines differ."""
    import torch

    from toolbox.learned.tiles import tiled

    device = next(net.parameters()).device
    level, spread = scale(seen)

    def process(part: Image) -> Image:
        with torch.inference_mode():
            return net(torch.from_numpy(part)[None].to(device))[0, 0].cpu().numpy()

    found = tiled((seen - level) / spread, process, TILE, OVERLAP, MULTIPLE)
    return found * spread + level[0]


def scale(seen: Image) -> tuple[Image, np.float32]:
    """Levels ``look, 1, 1`` and spread of grey values to take out of looks at a slice; what all
    views share is a difference and has no level."""
    level, spread = grey_levels(seen[0])
    levels = np.full((LOOKS, 1, 1), level, np.float32)
    levels[-1] = 0
    return levels, np.float32(spread)


def clean(net: torch.nn.Module, sinogram: Image) -> Image:
    """The slice ``y, x`` of a sinogram ``angle, col`` of a half turn about the middle column."""
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

    angles = np.linspace(0, np.pi, len(sinogram), endpoint=False)
    A = ParallelBeam(angles, sinogram.shape[1], precision=1e-4)
    found = solve(net.get_submodule("whole"), A, torch.from_numpy(sinogram)[None])
    return np.asarray(found[0].numpy(), np.float32)


def network() -> torch.nn.ModuleDict:
    """All variants: SHARP whole, with plain filtered back-projection (``fixed``), without its
    denoiser, with one sub-pixel convolution in place of its super-resolution, and with one number
    for each look at a place of the latent."""
    from torch import nn

    return nn.ModuleDict({name: variant(name) for name in VARIANTS})


def variant(name: str) -> torch.nn.Module:
    """SHARP, or one without a module: looks ``n, look, y, x`` on one scale of grey values → slices
    ``n, 1, y, x``, and the fully connected layer that makes the looks."""
    import torch
    from torch import nn

    numbers = LOOKS * (1 if name == "one_number" else FOLD**2)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            if name != "fixed":
                self.connected = nn.Parameter(torch.zeros(LOOKS * COLUMNS, 2 * COLUMNS))
            if name == "without_denoiser":
                self.denoise: nn.Module = nn.Conv2d(numbers, WIDTHS[0], 3, padding=1)
            else:
                self.denoise = fold_aspp_unet(numbers, WIDTHS)
            if name == "without_super_resolution":
                last = nn.Conv2d(WIDTHS[0], FOLD**2, 3, padding=1)
                nn.init.zeros_(last.weight)
                nn.init.zeros_(last.bias)  # type: ignore[arg-type]
                self.enlarge: nn.Module = nn.Sequential(last, nn.PixelShuffle(FOLD))
            else:
                self.enlarge = rfdn(WIDTHS[0], FOLD, CHANNELS, BLOCKS)

        def forward(self, seen: torch.Tensor) -> torch.Tensor:
            if name == "one_number":
                latent = nn.functional.avg_pool2d(seen, FOLD)
                known = nn.functional.interpolate(
                    latent[:, :1], scale_factor=FOLD, mode="bilinear", align_corners=False
                )
            else:
                latent, known = nn.functional.pixel_unshuffle(seen, FOLD), seen[:, :1]
            return known + self.enlarge(self.denoise(latent)).float()

    return Network()


def looks(net: torch.nn.Module, A: ParallelBeam, y: torch.Tensor) -> torch.Tensor:
    """Back-projections ``n, look, y, x`` of rows ``n, angle, col`` behind an operator."""
    import torch

    from toolbox.operators.parallel_beam import is_truncated

    weights, learned = beginning().to(y.device), dict(net.named_parameters()).get("connected")
    if learned is not None:
        weights = weights + STEP * learned.float()
    with torch.autocast(y.device.type, enabled=False):
        beams = connect(weights, y).transpose(1, 2).flatten(0, 1)  # n · look, angle, col
        padding = "edge" if is_truncated(y) else "zero"
        found = for_looks(A, len(y)).fbp(beams, "shepp-logan", padding)
    return found.unflatten(0, (len(y), LOOKS))


def for_looks(A: ParallelBeam, rows: int) -> ParallelBeam:
    """The operator for all looks at each of its rows."""
    other = copy.copy(A)
    other.center = np.repeat(np.broadcast_to(A.center, rows), LOOKS)
    return other


def beginning() -> torch.Tensor:
    """The weights of the fully connected layer with which it begins, axes ``look · col out, col
    in · 2`` (of a view, then of the mean view): the view made smooth, the view as it is, and the
    mean view without what is smooth in it."""
    import torch

    at = torch.arange(COLUMNS, dtype=torch.float32)
    same, none = torch.eye(COLUMNS), torch.zeros(COLUMNS, COLUMNS)

    def smooth(sigma: float) -> torch.Tensor:
        weights = torch.exp(-0.5 * ((at[:, None] - at) / sigma) ** 2)
        return weights / weights.sum(1, keepdim=True)

    pairs = [(smooth(SMOOTH), none), (same, none), (none, same - smooth(SLOW))]
    return torch.cat([torch.cat(pair, 1) for pair in pairs])


def connect(weights: torch.Tensor, y: torch.Tensor) -> torch.Tensor:
    """Rows ``n, angle, col`` through the fully connected layer: ``n, angle, look, col``. Of fewer
    columns than it takes, the outermost go on; more go in windows that fade into each other."""
    import torch
    from torch import nn

    columns = y.shape[-1]
    if columns < COLUMNS:
        y = nn.functional.pad(y, (0, COLUMNS - columns), mode="replicate")
    both = torch.stack([y, y.mean(1, keepdim=True).expand_as(y)], 2)
    found = y.new_zeros((*y.shape[:2], LOOKS, y.shape[-1]))
    total = y.new_zeros(y.shape[-1])
    for start, share in windows(y.shape[-1]):
        place = slice(start, start + COLUMNS)
        fade = torch.from_numpy(share).to(y.device)
        part = nn.functional.linear(both[..., place].flatten(2), weights)
        found[..., place] += part.unflatten(2, (LOOKS, COLUMNS)) * fade
        total[place] += fade
    return (found / total)[..., :columns]


def windows(columns: int) -> Iterator[tuple[int, Image]]:
    """Where windows of the layer begin, and what each of their columns counts.

    >>> [start for start, _ in windows(256)], [start for start, _ in windows(600)]
    ([0], [0, 172, 344])
    """
    count = max(-(-(columns - SHARED) // (COLUMNS - SHARED)), 1)
    rise = (np.arange(COLUMNS, dtype=np.float32) + 1) / SHARED
    for i in range(count):
        share = np.ones(COLUMNS, np.float32)
        if i > 0:
            share = np.minimum(share, rise)
        if i + 1 < count:
            share = np.minimum(share, rise[::-1])
        yield round(i * (columns - COLUMNS) / max(count - 1, 1)), share
