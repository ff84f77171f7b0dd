"""Denoised slices by a network that learns from the scan itself (Noise2Inverse)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING, Annotated, Any, Self

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.card import Param
from toolbox.kinds import DataKind, GreyState
from toolbox.operators.blocks import as_tensor, operator_for, projection_bytes, projection_work
from toolbox.tool import Cost
from toolbox.tools.reconstruct.slices import (
    Size,
    SliceReconstruction,
    TiltHalo,
    reconstruction_card,
)
from toolbox.values import Block, Center, Geometry, Shape

if TYPE_CHECKING:
    import torch

WIDTH, LEVELS = 16, 3  # channels of the first level, and levels
BATCH, CROP = 4, 96  # px
POOL_SIDE, POOL = 128, 192  # px, and how many pieces of slices are kept to crop from
RATE = 1e-3
TILE, OVERLAP = 1024, 64
WORK, LEARN = 370.0, 1000.0  # nominal operations for a pixel, applied and trained, as measured
FILTER = "shepp-logan"
SAMPLE = 6  # slices to train on
# Views by columns that a part needs: with fewer, the streaks of a part, which those of the others
# tell (all together have few), drown the noise. Trabecular bone, 160 columns, lost 2 dB by it.
DENSE = 0.6
MOST = 4  # parts


@dataclass(frozen=True)
class Noise2Inverse(SliceReconstruction):
    """Filtered back-projection without its noise: ``row, angle, col`` to slices ``z, y, x`` in
    1/px, by a U-Net trained on the scan itself.

    The views are dealt out to ``splits`` parts, each is reconstructed on its own, and the network
    learns to tell from the mean of the others what the part left out shows. Noise differs
    between them, so it cannot be told, and the specimen can. It learns on slices from all over
    the volume; then each slice is the mean of what the network makes of the means of all parts
    but one. ``network`` holds what was learned: a plan that ran gives the same slices again.

    >>> Noise2Inverse().needs_tuning(), Noise2Inverse(splits=2).splits
    (True, 2)
    """

    card = reconstruction_card(
        name="noise2inverse",
        title="filtered back-projection, denoised by a network trained on the scan itself",
        title_zh="自监督去噪重建（Noise2Inverse）",
        references=(
            "Hendriksen, Pelt & Batenburg 2020, IEEE Trans. Comput. Imaging 6, 1320, "
            "doi 10.1109/TCI.2020.3019647",
            "Ronneberger, Fischer & Brox 2015, MICCAI (the U-Net)",
        ),
        limits="Takes away only noise that differs from view to view: rings, streaks of few views "
        "and what a limited angle hides stay. Each part has its share of the views: with few of "
        "them, streaks of the parts count as noise or as structure. Differs from the paper: a "
        f"U-Net of {LEVELS} levels and {WIDTH} channels without batch normalisation that learns "
        "what to add to its input, minutes of training instead of hours, crops turned and "
        "mirrored, the toolbox's filter. "
        "Not yet shown to beat the conventional tools (`tomoplan bench tools`, part "
        "per_scan): planned only where it is named.",
        bands=SAMPLE,
        gpu=True,
        library="torch",
        default_on=False,
    )

    steps: Annotated[int, Param("steps of the training", low=1, high=100_000)] = 400
    splits: Annotated[
        int | None,
        Param("parts that the views are dealt out to", low=2, high=8,
              auto="four, or fewer where each would have too few views"),
    ] = None  # fmt: skip
    seed: Annotated[int, Param("seed of the training", low=0)] = 0
    padding: Annotated[
        str | None,
        Param("what lies beside the detector: nothing, or the edge going on",
              choices=("zero", "edge"), auto="edge where the sample reaches the edge of the field"),
    ] = None  # fmt: skip
    network: Annotated[
        str | None, Param("the trained network, as text", auto="trained on this scan")
    ] = None
    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        from toolbox.devices import torch_device

        if self.network is None or self.splits is None:
            tool = self.tune(sinogram=sinogram, center=center).tool
            return tool(sinogram=sinogram, center=center)  # type: ignore[no-any-return]
        net, level, spread = trained(self.network, torch_device())
        slices = [
            denoised(net, parts, level, spread)
            for parts in self._parts(sinogram, center, self.size, self.padding, self.splits)
        ]
        side = self.size or sinogram.values.shape[-1]
        values = np.stack(slices) if slices else np.empty((0, side, side), np.float32)
        return sinogram.with_values(
            values, kind=DataKind.VOLUME, frames=np.empty(0, np.intp),
            flats=None, darks=None, monitor=None,
        )  # fmt: skip

    def measured(
        self, sinogram: Block, center: Center, size: int
    ) -> tuple[dict[str, Any], list[str]]:
        from toolbox.learned.per_scan import mended
        from toolbox.operators.parallel_beam import is_truncated

        found: dict[str, Any] = {}
        notes = []
        views, columns = sinogram.as_kind(DataKind.SINOGRAM).values.shape[1:]
        splits = self.splits
        if splits is None:
            found["splits"] = splits = self._splits(Shape(views, 1, columns))
            notes.append(f"{views} views are dealt out to {splits} parts.")
            if views < 2 * DENSE * columns:
                notes.append(
                    "There are few views for this: streaks may stay or be taken for noise."
                )
        clean, bad = mended(sinogram.as_kind(DataKind.SINOGRAM).values)
        if bad:
            notes.append(f"{bad} values of the sample are not finite: the mean of the other views "
                         f"stands for each.")  # fmt: skip
        if self.padding is None:
            truncated = is_truncated(as_tensor(sinogram.as_kind(DataKind.SINOGRAM)
                                               .with_values(clean)))  # fmt: skip
            found["padding"] = "edge" if truncated else "zero"
            if truncated:
                notes.append("The sample reaches the edge of the field: the edge is continued.")
        if self.network is None:
            padding = self.padding or found["padding"]
            parts = self._parts(sinogram, center, size, padding, splits)
            pool = _pool(parts, len(sinogram.rows), self.seed)
            found["network"], before, after = train(pool, self.steps, self.seed)
            notes.append(
                f"Trained for {self.steps} steps on {len(sinogram.rows)} slices: what it makes of "
                f"the other parts of the views differs from the part left out by {after:.3g} "
                f"(mean square), the mean of the others itself by {before:.3g}."
            )
        return found, notes

    def _parts(
        self,
        sinogram: Block,
        center: Center,
        size: int | None,
        padding: str | None,
        splits: int,
    ) -> Iterator[NDArray[np.float32]]:
        """For each row its reconstructions from each part of the views, axes ``part, y, x``."""
        from toolbox.learned.per_scan import mended

        sinogram = sinogram.as_kind(DataKind.SINOGRAM)
        views = sinogram.values.shape[1]
        if views < 2 * splits:
            raise InputError(
                f"noise2inverse was given {views} views for {splits} parts, expected at "
                f"least two for each. Take fewer `splits`, or another reconstruction."
            )
        y = as_tensor(sinogram.with_values(mended(sinogram.values)[0]))
        dealt = [np.arange(first, views, splits) for first in range(splits)]
        pairs = [operator_for(sinogram, center, size, part).straightened(y[:, part].contiguous())
                 for part in dealt]  # fmt: skip
        for row in range(len(y)):  # one by one: two that travel together mix a little
            here = slice(row, row + 1)
            slices = [A.for_rows(here).fbp(part[here], FILTER, padding or "auto")[0].cpu().numpy()
                      for A, part in pairs]  # fmt: skip
            yield np.stack(slices)

    def _splits(self, shape: Shape) -> int:
        return self.splits or int(np.clip(shape.frames // (DENSE * shape.columns), 2, MOST))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        side = self.size or shape.columns
        inside = min(side, TILE) ** 2
        splits = self._splits(shape)
        network = splits * WORK * shape.rows * side**2
        return Cost(
            2 * projection_work(shape, self.size) + network,
            projection_bytes(shape, self.size) + 4.0 * (splits + 4) * side**2 + 250.0 * inside,
        )

    def tuning_cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        side = self.size or shape.columns
        training = (
            LEARN * self.steps * BATCH * min(CROP, side) ** 2 if self.network is None else 0.0
        )
        splits = self._splits(shape)
        kept = 4.0 * splits * POOL * min(POOL_SIDE, side) ** 2
        return Cost(
            2 * projection_work(shape, self.size) + training,
            projection_bytes(shape, self.size) + 8.0 * splits * side**2
            + 2 * kept + 400.0 * BATCH * CROP**2,
        )  # fmt: skip

    @classmethod
    def example(cls) -> tuple[Self, dict[str, Any]]:
        """Discs behind 32 noisy views, and a few steps."""
        rng = np.random.default_rng(4)
        angles = np.pi * np.arange(32) / 32
        u = np.arange(40) - 19.5
        rows = [0.04 * np.sqrt(np.maximum((12.0 - z) ** 2 - (u - 4 * np.cos(angles)[:, None]) ** 2,
                                          0)) for z in range(4)]  # fmt: skip
        values = (np.stack(rows) + rng.normal(0, 0.05, (4, 32, 40))).astype(np.float32)
        sinogram = Block(values, DataKind.SINOGRAM, GreyState.ATTENUATION,
                         Geometry(angles, 4, 40), np.arange(4), np.arange(32))  # fmt: skip
        return cls(steps=6), {"sinogram": sinogram, "center": Center(19.5, 19.0, 20.0)}


def _pool(parts: Iterator[NDArray[np.float32]], rows: int, seed: int) -> NDArray[np.float32]:
    """Pieces of slices from each part, axes ``piece, part, y, x``, at random places where there
    is something to see: the mean of a piece's parts is not constant."""
    rng = np.random.default_rng(seed)
    each = -(-POOL // rows)
    pieces = []
    for slices in parts:
        side = slices.shape[-1]
        piece = min(POOL_SIDE, side)
        reach = side - piece
        middle, radius = reach / 2, max(side / 2 - piece / 2, 0.0)
        found = 0
        while found < (each if reach else 1):
            top, left = rng.integers(0, reach + 1, 2)
            if np.hypot(top - middle, left - middle) > radius + 1:
                continue  # its middle lies outside the circle
            pieces.append(slices[:, top : top + piece, left : left + piece])
            found += 1
    return np.stack(pieces)


def train(pool: NDArray[np.float32], steps: int, seed: int) -> tuple[str, float, float]:
    """A network trained on pieces ``piece, part, y, x`` to tell one part from the mean of the
    others, as text; the mean square difference to the part left out without it and with it."""
    import torch

    from toolbox.devices import torch_device
    from toolbox.learned.per_scan import Adam, check_loss, packed, seeded, tell_training

    level, spread = _grey_levels(pool.mean(axis=1))
    device = torch_device()
    net = seeded(network, seed).to(device).to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    with torch.no_grad():
        net.get_parameter("last.weight").zero_()  # begins as the identity
    descent = Adam(net)
    rng = np.random.default_rng(seed + 1)
    shares, without = [], []
    for step in range(steps):
        fall = 0.02 + 0.98 * float(np.cos(np.pi * step / (2 * steps)) ** 2)
        given, wanted = (torch.from_numpy(v).to(device) for v in _batch(pool, rng, level, spread))
        with torch.autocast(device, torch.bfloat16):
            made = net(given.to(memory_format=torch.channels_last))
        loss = (made.float() - wanted).square().mean()
        descent.step(loss, RATE * fall)
        reached = float(loss.detach())
        if step >= steps - max(steps // 10, 1):
            shares.append(reached)
            without.append(float((given - wanted).square().mean()))
        if step % 10 == 0:
            check_loss(reached, "noise2inverse", step)
            tell_training(step / steps)
    check_loss(shares[-1], "noise2inverse", steps)
    square = spread**2
    return (
        packed(net, level, spread),
        square * float(np.mean(without)),
        square * float(np.mean(shares)),
    )


def _batch(
    pool: NDArray[np.float32], rng: np.random.Generator, level: float, spread: float
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """Crops, turned and mirrored by chance: means of all parts but one, and that one, axes
    ``crop, 1, y, x``."""
    pieces, parts, side, _ = pool.shape
    crop = min(CROP, side - side % 2 ** (LEVELS - 1))
    given, wanted = [], []
    for _ in range(BATCH):
        top, left = rng.integers(0, side - crop + 1, 2)
        piece = pool[rng.integers(pieces), :, top : top + crop, left : left + crop]
        piece = np.rot90(piece, int(rng.integers(4)), (1, 2))
        if rng.integers(2):
            piece = piece[:, :, ::-1]
        out = rng.integers(parts)
        given.append((piece.sum(axis=0) - piece[out]) / (parts - 1))
        wanted.append(piece[out])
    pair = (np.stack(given)[:, None], np.stack(wanted)[:, None])
    first, second = (np.asarray((v - level) / spread, np.float32) for v in pair)
    return first, second


def _grey_levels(images: NDArray[np.float32]) -> tuple[float, float]:
    """Middle and half the span from the 2nd to the 98th percentile of means of 4 × 4 pixels."""
    side = images.shape[-1] // 4 * 4
    coarse = images[:, :side, :side].reshape(len(images), side // 4, 4, side // 4, 4).mean((2, 4))
    low, high = np.percentile(coarse, (2, 98))
    return float(low + high) / 2, float(high - low) / 2 or 1.0


@lru_cache(maxsize=2)
def trained(text: str, device: str) -> tuple[torch.nn.Module, float, float]:
    """The network that some text holds, ready to infer, with the level and spread of grey values
    that it was trained at."""
    import torch

    from toolbox.learned.per_scan import unpacked

    net = network()
    level, spread = unpacked(net, text, 2)
    net = net.eval().requires_grad_(False).to(device)
    return net.to(memory_format=torch.channels_last), level, spread  # type: ignore[call-overload]


def denoised(
    net: torch.nn.Module, parts: NDArray[np.float32], level: float, spread: float
) -> NDArray[np.float32]:
    """A slice ``y, x`` from its reconstructions by part: the mean of what the network makes of
    the means of all parts but one; nothing outside the circle that all views see."""
    import torch

    from toolbox.learned.tiles import tiled
    from toolbox.learned.weights import infer

    def process(piece: NDArray[np.float32]) -> NDArray[np.float32]:
        return infer(net, torch.from_numpy(piece)[None, None])[0, 0].cpu().numpy()

    total = parts.sum(axis=0)
    made = np.zeros_like(total)
    for part in parts:
        given = ((total - part) / (len(parts) - 1) - level) / spread
        made += tiled(np.asarray(given, np.float32), process, TILE, OVERLAP, 2 ** (LEVELS - 1))
    side = parts.shape[-1]
    r = np.arange(side) - (side - 1) / 2
    inside = np.add.outer(r**2, r**2) <= (side / 2) ** 2
    return np.asarray((made / len(parts) * spread + level) * inside, np.float32)


def network() -> torch.nn.Module:
    """A U-Net: two 3 × 3 convolutions a level, skips by concatenation, the input added."""
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
            sizes = [WIDTH * 2**level for level in range(LEVELS)]
            self.down = nn.ModuleList(
                convolve(1 if i == 0 else sizes[i - 1], size) for i, size in enumerate(sizes)
            )
            self.up = nn.ModuleList(
                nn.ConvTranspose2d(2 * size, size, 2, stride=2) for size in reversed(sizes[:-1])
            )
            self.join = nn.ModuleList(convolve(2 * size, size) for size in reversed(sizes[:-1]))
            self.last = nn.Conv2d(WIDTH, 1, 1)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h, skips = x, []  # n, 1, y, x
            for level, block in enumerate(self.down):
                h = block(nn.functional.max_pool2d(h, 2) if level else h)
                skips.append(h)
            for up, join, skip in zip(self.up, self.join, reversed(skips[:-1]), strict=True):
                h = join(torch.cat([skip, up(h)], 1))
            return x + self.last(h)

    return Network()
