"""Ring removal by a U-Net on the sinogram."""

from __future__ import annotations

from dataclasses import dataclass, replace
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from toolbox.learned.model_card import ModelCard
from toolbox.noise import MAD_TO_SIGMA
from toolbox.stripes import running_parabola
from toolbox.tool import Cost
from toolbox.tools.destripe.destriper import Destriper, Sinogram, stripe_card, widest
from toolbox.values import Shape

if TYPE_CHECKING:
    import torch

VIEWS = 4  # put together in a block of views …
MOST = 256  # … of which there are no more: longer scans have longer blocks
WINDOWS = (9, 33, 97)  # columns: stripes are what is narrower
RUNNING = (3, 9, 25)  # blocks of running means along the angle
ESTIMATES = len(WINDOWS) * (2 + len(RUNNING))
SEEN = ESTIMATES + len(WINDOWS) + 1  # channels
SURE = 0.2  # chosen on worlds of known families
HEAVY, BESIDE = 3.0, 9  # times the usual scatter; columns about a stripe so heavy
TOGETHER = 4  # blocks, side by side for the network
CHANNELS = (32, 48, 64, 64)  # of the levels, each of half the size
TILE, OVERLAP, MULTIPLE = 1024, 96, 32
ALL = 41  # col: all that the network finds
MODEL = ModelCard.of("stripe_network")


@dataclass(frozen=True)
class StripeNetwork(Destriper):
    """A U-Net says for each column and block of views how far each of some plain estimates of the
    stripe is to be believed; the stripes are taken off, and what is left of heavy ones again.

    What is taken off is constant over a block of 4 views (more, where there are over 1024), and
    changes from block to block only where that is sure, so that fine detail of the specimen
    cannot go with it. Any number of views and columns, wider
    sinograms than 1024 columns in tiles that fade into each other; the unit does not matter.

    >>> StripeNetwork().card.split.value, sorted(StripeNetwork().card.weights)
    ('rows', ['stripe_network.safetensors'])
    """

    card = replace(
        stripe_card(
            name="stripe_network",
            title="stripe removal by a U-Net on the sinogram",
            title_zh="正弦图卷积网络去条纹",
            references=(
                "Ronneberger, Fischer & Brox 2015, MICCAI (the U-Net)",
                "Shi, Pelt & Batenburg 2025, J. Synchrotron Rad. 32, issue 2 (a network on the "
                "sinogram among others)",
                "Mildenhall et al. 2018, CVPR, 2502 (a network that weighs plain estimates)",
            ),
            limits="Learned on simulated scans. What stands still over many views is taken for a "
            "stripe in part. Differs from the papers: means of 4 views instead of the full "
            "sinogram, the network weighs running and steady high-passes instead of drawing the "
            f"stripes. {MODEL.summary}",
            library="torch",
            suits=MODEL.suits,
        ),
        version=MODEL.version,
        gpu=True,
        default_on=MODEL.wins,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
        metrics=MODEL.metrics,
    )
    strengths = (0, 3, 9, ALL)
    work = 45_000.0
    scratch = 8.0

    strength: Annotated[
        int | None, widest(f"widest stripe removed; {ALL} and more: all that the network finds")
    ] = ALL

    def clean(self, sinogram: Sinogram) -> Sinogram:
        from toolbox.learned.weights import trained

        found = stripes(trained("stripe_network", network), sinogram)
        if (self.strength or 0) < ALL:
            found -= running_parabola(found, 2 * (self.strength or 0) + 1)
        return sinogram - spread(found, len(sinogram))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        blocks = -(-shape.frames // views_of(shape.frames))
        inside = min(shape.columns, TILE) * (blocks + MULTIPLE)
        plain = 8.0 * shape.frames * shape.columns
        return Cost(self.work * shape.rows * blocks * shape.columns, plain + 400.0 * inside)

    @staticmethod
    def example_row() -> Sinogram:
        """A moving disc in noise with two stripes, axes ``angle, col``."""
        rng = np.random.default_rng(4)
        angle, column = np.mgrid[:90, :64].astype(np.float32)
        disc = np.sqrt(np.maximum(15**2 - (column - 32 - 12 * np.cos(angle / 30)) ** 2, 0)) / 30
        stripes = np.where(column == 20, 0.1, 0) + np.where((column == 44) & (angle > 40), -0.1, 0)
        return np.asarray(disc + stripes + rng.normal(0, 0.01, disc.shape), np.float32)


def clean(net: torch.nn.Module, sinogram: Sinogram) -> Sinogram:
    """One row, axes ``angle, col``, without all the stripes that a network finds."""
    return sinogram - spread(stripes(net, sinogram), len(sinogram))


def stripes(net: torch.nn.Module, sinogram: Sinogram) -> Sinogram:
    """The stripes of one row, axes ``block, col``, in its own unit. About heavy ones it looks
    twice: what they hid, and what was left of them, shows when they are gone."""
    from scipy.ndimage import maximum_filter1d

    means = block_means(sinogram)
    found = once(net, means)
    heavy = np.abs(found).max(axis=0) > HEAVY * scatter(means)
    if heavy.any():
        found += once(net, means - found) * maximum_filter1d(heavy, BESIDE)
    return found


def once(net: torch.nn.Module, means: Sinogram) -> Sinogram:
    """The stripes that a network finds in means, both with axes ``block, col``, at one look."""
    import torch

    from toolbox.learned.tiles import tiled
    from toolbox.learned.weights import infer

    unit = scatter(means)

    def process(part: Sinogram) -> Sinogram:
        fine = fine_parts(part)
        plain = estimates(fine)
        weights = infer(net, torch.from_numpy(seen(part, fine, plain))[None])[0].cpu().numpy()
        return weighed(weights, plain)

    found = tiled(means / unit, process, TILE, OVERLAP, MULTIPLE)
    return (settled(found) * unit).astype(np.float32)


def settled(found: Sinogram) -> Sinogram:
    """Stripes (axes ``block, col``, in the usual scatter of columns) that change along the angle
    only where they surely do: departures from each column's median shrink by the non-negative
    garrote (Breiman 1995, Technometrics 37, 373), and those below :data:`SURE` go.

    >>> settled(np.array([[1.0], [1.1], [1.0], [0.9], [9.0]], np.float32)).round(1).ravel().tolist()
    [1.0, 1.0, 1.0, 1.0, 9.0]
    """
    usual = np.median(found, axis=0)
    away = found - usual
    kept = np.maximum(1 - SURE**2 / np.maximum(away**2, np.float32(1e-30)), 0)
    return np.asarray(usual + away * kept, np.float32)


def views_of(views: int) -> int:
    """How many views go into a block.

    >>> views_of(180), views_of(1800)
    (4, 8)
    """
    return max(VIEWS, -(-views // MOST))


def block_means(sinogram: NDArray[np.floating]) -> Sinogram:
    """Means of blocks of neighbouring views, axes ``block, col``; the last may hold fewer."""
    starts = np.arange(0, len(sinogram), views_of(len(sinogram)))
    counts = np.diff(np.append(starts, len(sinogram)))
    return (np.add.reduceat(sinogram, starts, axis=0) / counts[:, None]).astype(np.float32)


def spread(blocks: Sinogram, views: int) -> Sinogram:
    """Values of blocks (axes ``block, col``) for each of their views."""
    return np.repeat(blocks, views_of(views), axis=0)[:views]


def scatter(means: Sinogram) -> np.float32:
    """The usual difference of neighbouring columns, as the σ of one of them: noise, fine
    structure and stripes. 1 where there is none."""
    steps = np.abs(np.diff(means, axis=1))
    usual = MAD_TO_SIGMA / np.sqrt(2) * float(np.median(steps)) if steps.size else 0.0
    return np.float32(usual or float(steps.mean() if steps.size else 0.0) or 1.0)


def fine_parts(means: Sinogram) -> Sinogram:
    """What is narrower than each window of columns, axes ``window, block, col``."""
    from scipy.ndimage import gaussian_filter1d

    found = [means - gaussian_filter1d(means, w / 4, axis=1, mode="nearest") for w in WINDOWS]
    return np.stack(found).astype(np.float32)


def estimates(fine: Sinogram) -> Sinogram:
    """Plain estimates of the stripes, axes ``estimate, block, col``: of what is narrower than each
    window, the median and the mean over all blocks and means over some. Large values count
    logarithmically, so that the specimen's edges do little and a small weight of them less."""
    from scipy.ndimage import uniform_filter1d

    found: list[NDArray[np.float32]] = []
    for part in np.arcsinh(fine):
        for steady in (np.median(part, axis=0), part.mean(axis=0)):
            found.append(np.broadcast_to(steady, part.shape))
        found += [uniform_filter1d(part, n, axis=0, mode="reflect") for n in RUNNING]
    return np.stack(found).astype(np.float32)


def seen(means: Sinogram, fine: Sinogram, plain: Sinogram) -> Sinogram:
    """What the network looks at, axes ``channel, block, col``: estimates, fine parts and means,
    large values logarithmically."""
    others = np.arcsinh(np.concatenate([fine, means[None] / 30]))
    return np.concatenate([plain, others]).astype(np.float32)


def weighed(weights: Sinogram, plain: Sinogram) -> Sinogram:
    """The stripes: estimates by the weights that the network gave them, and what it adds."""
    return np.asarray((weights[:-1] * plain).sum(axis=0) + weights[-1], np.float32)


def network() -> torch.nn.Module:
    """A U-Net (Ronneberger et al. 2015) from what is seen to a weight for each estimate, and one
    more channel; :data:`TOGETHER` neighbouring blocks go in and come out side by side."""
    import torch
    from torch import nn

    def convolve(inside: int, outside: int) -> nn.Sequential:
        layers: list[nn.Module] = []
        for first in (inside, outside):
            layers += [
                nn.Conv2d(first, outside, 3, padding=1, bias=False),
                nn.BatchNorm2d(outside),
                nn.ReLU(inplace=True),
            ]
        return nn.Sequential(*layers)

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            steps = list(pairwise(CHANNELS))
            sizes = (TOGETHER * SEEN, *CHANNELS)
            self.down = nn.ModuleList(convolve(a, b) for a, b in zip(sizes, CHANNELS, strict=False))
            self.up = nn.ModuleList(nn.ConvTranspose2d(b, a, 2, 2) for a, b in reversed(steps))
            self.join = nn.ModuleList(convolve(2 * a, a) for a, _ in reversed(steps))
            self.last = nn.Conv2d(CHANNELS[0], TOGETHER * (ESTIMATES + 1), 1)
            nn.init.zeros_(self.last.weight)  # begins as finding nothing
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            count, _, blocks, columns = x.shape
            h = x.unflatten(2, (-1, TOGETHER)).transpose(2, 3).flatten(1, 2)
            skips = []  # n, channel, blocks / 4, col
            for level, block in enumerate(self.down):
                h = block(nn.functional.avg_pool2d(h, 2) if level else h)
                skips.append(h)
            for up, join, skip in zip(self.up, self.join, reversed(skips[:-1]), strict=True):
                h = join(torch.cat([skip, up(h)], 1))
            apart = self.last(h).unflatten(1, (-1, TOGETHER)).transpose(2, 3)
            return apart.reshape(count, ESTIMATES + 1, blocks, columns)

    return Network()
