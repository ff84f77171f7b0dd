"""Sinograms of few photons cleaned by a transformer over their views, then back-projection."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.kinds import DataKind, GreyState
from toolbox.learned.model_card import ModelCard
from toolbox.noise import MAD_TO_SIGMA
from toolbox.operators.blocks import solve_rows, solver_cost
from toolbox.tool import Cost
from toolbox.tools.denoise.neighbour_mean import neighbour_mean
from toolbox.tools.reconstruct.slices import (
    Size,
    SliceReconstruction,
    TiltHalo,
    reconstruction_card,
)
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

REACH = 2  # neighbouring rows looked at on either side
LOOKS = 5  # at each place of a sinogram
DARKEST = 0.05  # root of the transmission believed
BROAD = 6.0  # columns, σ of what is left out of the third and fourth look
LARGE = 4.0  # σ of the noise, where looks begin to count logarithmically
QUIETEST = 1e-4  # σ of the root of the transmission: below, there is hardly any noise
STEM, CHANNELS, HEADS, BLOCKS = 16, 96, 4, 4
PATCH = 4  # views and columns that make one token
NEAR = (1.0, 0.25, 0.0625, 0.0)  # of each head: what a token of distance loses of attention
TILE, OVERLAP = 512, 64
Lines = NDArray[np.float32]
MODEL = ModelCard.of("sinogram_transformer")


@dataclass(frozen=True)
class SinogramTransformer(SliceReconstruction):
    """Filtered back-projection of cleaned sinograms, ``row, angle, col`` to slices ``z, y, x`` in
    1/px: a transformer takes the noise of few photons out before.

    Each row is averaged with the two above it and the two below, where they show the same, and
    goes through the network as the root of the transmission, whose noise is the same everywhere
    (Anscombe 1948, Biometrika 35, 246); phase, whose noise is so already, as it is. Patches of 4
    views and 4 columns ask those of other views, then those of other columns. Sinograms of any
    size; larger ones than 512 views or columns go in tiles that fade into each other.

    >>> SinogramTransformer().halo(), sorted(SinogramTransformer().card.weights)
    (2, ['sinogram_transformer.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="sinogram_transformer",
            title="back-projection of sinograms that a transformer cleans",
            title_zh="正弦图变换器去噪后反投影",
            references=(
                "Yang, Li, Ge, Zhao, Si & Zhang 2023, IEEE Trans. Med. Imaging 42, 910, "
                "doi 10.1109/TMI.2022.3219856 (sinogram inner-structure transformer)",
                "Press, Smith & Lewis 2022, ICLR (attention that falls with distance)",
            ),
            limits="Learned on simulated half turns with enough views and 100 to 4000 photons a "
            "pixel: fine structure may be lost, and other faults must be mended before. Differs "
            "from the paper: only its part on the sinogram, without the network on the slice; "
            "patches of 4 views and 4 columns in place of whole views, so that any size will do; "
            "the square error after the square root of the ramp filter, which is that of the "
            "slice, as loss, in place of its losses of inner structure; neighbouring rows "
            f"averaged where they show the same. {MODEL.summary}",
            gpu=True,
            library="torch",
            default_on=MODEL.wins,
            suits=MODEL.suits,
            metrics=MODEL.metrics,
        ),
        halo=REACH,
        version=MODEL.version,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
    )

    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        from toolbox.learned.weights import trained

        net = trained("sinogram_transformer", network)
        return reconstructed(net, sinogram, center, self.size)

    def halo(self) -> int:
        return REACH + super().halo()

    @staticmethod
    def example_rows() -> Lines:
        """A moving disc in the noise of 300 photons, axes ``row, angle, col``."""
        rng = np.random.default_rng(4)
        angle, column = np.mgrid[:90, :64].astype(np.float32)
        disc = np.sqrt(np.maximum(15**2 - (column - 32 - 12 * np.cos(angle / 30)) ** 2, 0)) / 20
        counts = rng.poisson(300 * np.exp(-disc), (2 * REACH + 1, *disc.shape))
        return np.asarray(-np.log(np.maximum(counts, 1) / 300), np.float32)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        solving = solver_cost(shape, self.size, 1, arrays=2)
        inside = min(shape.frames, TILE) * min(shape.columns, TILE)
        return Cost(
            solving.operations + 90_000.0 * shape.voxels,
            solving.bytes + 4.0 * shape.voxels + 60.0 * shape.frames * shape.columns
            + 12.0 * STEM * inside,
        )  # fmt: skip


def reconstructed(
    net: torch.nn.Module, sinogram: Block, center: Center, size: int | None = None
) -> Block:
    """Slices ``z, y, x`` of a block of rows that a network cleaned."""
    rows = sinogram.as_kind(DataKind.SINOGRAM)
    values = np.asarray(rows.values, np.float32)
    phase = rows.state is GreyState.PHASE
    cleaned = [clean(net, values[part], at, phase) for part, at in neighbourhoods(rows.rows)]
    return projected_back(rows.with_values(np.stack(cleaned) if cleaned else values), center, size)


def projected_back(sinogram: Block, center: Center, size: int | None = None) -> Block:
    """Slices ``z, y, x`` of clean rows."""
    return solve_rows(sinogram, center, size, lambda A, y: A.fbp(y, "shepp-logan"))


def neighbourhoods(rows: NDArray[np.intp]) -> list[tuple[slice, int]]:
    """For each row the part of a block that holds it and its next neighbours on the detector, and
    its place there; rows of a sample stand alone.

    >>> neighbourhoods(np.array([4, 5, 6, 9]))
    [(slice(0, 3, None), 0), (slice(0, 3, None), 1), (slice(0, 3, None), 2), (slice(3, 4, None), 0)]
    """
    found = []
    for at in range(len(rows)):
        first, last = at, at
        while first > max(at - REACH, 0) and rows[first] - rows[first - 1] == 1:
            first -= 1
        while last < min(at + REACH, len(rows) - 1) and rows[last + 1] - rows[last] == 1:
            last += 1
        found.append((slice(first, last + 1), at - first))
    return found


def clean(net: torch.nn.Module, rows: Lines, at: int | None = None, phase: bool = False) -> Lines:
    """One row of a few neighbouring ones, ``row, angle, col`` in attenuation (or in phase, brought
    to the range of roots of the transmission and back), through a network; the middle one where
    none is named; axes ``angle, col``."""
    import torch

    from toolbox.learned.tiles import tiled
    from toolbox.learned.weights import infer

    at = len(rows) // 2 if at is None else at
    high = np.float32(2 * max(float(np.nanquantile(np.abs(rows[at]), 0.99)), 1e-12))
    seen, sigma = looks_at(1 - rows / high if phase else roots(rows), at)

    def process(part: Lines) -> Lines:
        return infer(net, torch.from_numpy(part)[None])[0].cpu().numpy()

    added = tiled(seen, process, TILE, OVERLAP, PATCH)
    made = seen[0] + sigma * added
    return high * (1 - made) if phase else attenuation(made)


def roots(attenuation: Lines) -> Lines:
    """Roots of the transmission; what is not finite counts as open beam."""
    with np.errstate(over="ignore"):
        return np.exp(np.clip(attenuation, -2, -2 * np.log(DARKEST)) * np.float32(-0.5))


def attenuation(roots: Lines) -> Lines:
    """Of roots of the transmission."""
    return np.asarray(-2 * np.log(np.maximum(roots, np.float32(DARKEST))), np.float32)


def looks(rows: Lines, at: int) -> tuple[Lines, np.float32]:
    """:func:`looks_at` roots of the transmission of rows in attenuation."""
    return looks_at(roots(rows), at)


def looks_at(rows: Lines, at: int) -> tuple[Lines, np.float32]:
    """What the network sees of a row among its neighbours, axes ``look, angle, col``, and σ of its
    noise, which is the same everywhere: the row, averaged over neighbours where they show the
    same; in units of σ, what it has itself over that, what is narrow, and what is narrow and in
    all views (stripes of the flats); and σ by its tens."""
    from scipy.ndimage import gaussian_filter1d

    rows = np.nan_to_num(rows, nan=1.0).astype(np.float32)
    mean = neighbour_mean(rows, at, REACH)
    sigma = noise(rows[at])
    narrow = (mean - gaussian_filter1d(mean, BROAD, axis=1, mode="nearest")) / sigma
    shared = np.broadcast_to(narrow.mean(axis=0), narrow.shape)
    own = (rows[at] - mean) / sigma
    level = np.full_like(mean, np.log10(sigma))
    finer = LARGE * np.arcsinh(np.stack([own, narrow, shared]) / LARGE)
    return np.concatenate([mean[None], finer, level[None]]).astype(np.float32), sigma


def noise(row: Lines) -> np.float32:
    """σ of white noise in a row ``angle, col``, from differences of neighbouring views."""
    if len(row) < 2:
        return np.float32(QUIETEST)
    steps = np.abs(np.diff(row, axis=0))
    return np.float32(max(MAD_TO_SIGMA / np.sqrt(2) * float(np.median(steps)), QUIETEST))


def network() -> torch.nn.Module:
    """Looks ``n, look, angle, col`` to what is to be added to the first, in σ, ``n, angle, col``:
    convolutions, patches of which each asks all others of its columns (other views), then all of
    its views (other columns), after Yang et al. 2023, and back."""
    import torch
    from torch import nn

    class Attention(nn.Module):
        """Along one axis of ``n, angle, col, channel``: 1 the angle, 2 the columns."""

        def __init__(self, axis: int) -> None:
            super().__init__()
            self.axis = axis
            self.norm = nn.LayerNorm(CHANNELS)
            self.ask = nn.Linear(CHANNELS, 3 * CHANNELS)
            self.out = nn.Linear(CHANNELS, CHANNELS)

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            lines = x.movedim(self.axis, 2)  # n, other, place, channel
            told = self.ask(self.norm(lines)).unflatten(-1, (3, HEADS, -1))
            query, key, value = told.permute(3, 0, 1, 4, 2, 5).flatten(1, 2)  # line, head, place, …
            place = torch.arange(lines.shape[2], device=x.device, dtype=query.dtype)
            away = (place[:, None] - place).abs()
            loss = -torch.tensor(NEAR, device=x.device, dtype=query.dtype)[:, None, None] * away
            if not self.training:  # four axes get a kernel without tables, slow to learn through
                loss = loss[None]
            heard = nn.functional.scaled_dot_product_attention(query, key, value, loss)
            heard = self.out(heard.transpose(1, 2).flatten(2)).unflatten(0, lines.shape[:2])
            return x + heard.movedim(2, self.axis)

    class Mix(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            wide = 2 * CHANNELS
            self.first = nn.Sequential(nn.LayerNorm(CHANNELS), nn.Linear(CHANNELS, wide))
            self.around = nn.Conv2d(wide, wide, 3, padding=1, groups=wide)
            self.last = nn.Sequential(nn.GELU(), nn.Linear(wide, CHANNELS))

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            around = self.around(self.first(x).movedim(-1, 1)).movedim(1, -1)
            return x + self.last(around)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.stem = nn.Sequential(
                nn.Conv2d(LOOKS, STEM, 3, padding=1),
                nn.GELU(),
                nn.Conv2d(STEM, STEM, 3, padding=1),
                nn.GELU(),
            )
            self.patch = nn.Conv2d(STEM, CHANNELS, PATCH, PATCH)
            parts = ((Attention(1), Attention(2), Mix()) for _ in range(BLOCKS))
            self.blocks = nn.Sequential(*(layer for part in parts for layer in part))
            self.spread = nn.ConvTranspose2d(CHANNELS, STEM, PATCH, PATCH)
            self.join = nn.Sequential(nn.Conv2d(2 * STEM, STEM, 3, padding=1), nn.GELU())
            self.last = nn.Conv2d(STEM, 1, 3, padding=1)
            nn.init.zeros_(self.last.weight)  # begins as adding nothing
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            fine = self.stem(x)
            tokens = self.blocks(self.patch(fine).movedim(1, -1))  # n, angle / 4, col / 4, channel
            coarse = self.spread(tokens.movedim(-1, 1))
            return self.last(self.join(torch.cat([fine, coarse], 1)))[:, 0]

    return Network()
