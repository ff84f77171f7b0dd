"""Total variation reconstruction finished by a U-Net (TVConvNet)."""

from __future__ import annotations

import dataclasses
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

from toolbox.learned.model_card import ModelCard
from toolbox.tools.denoise import fbpconvnet
from toolbox.tools.reconstruct.finished_slices import (
    LOOKS,
    Copies,
    FinishedSlices,
    Iterations,
    Levels,
    Looks,
    Strength,
    averaged,
    clean,
    finished,
    looks_at,
    turned,
    usual_strength,
)
from toolbox.tools.reconstruct.slices import Size, TiltHalo, reconstruction_card
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

__all__ = ["LOOKS", "Looks", "TVConvNet", "averaged", "clean", "looks", "network", "solve",
           "turned", "usual_strength"]  # fmt: skip
COPIES = 2
MODEL = ModelCard.of("tvconvnet")


@dataclass(frozen=True)
class TVConvNet(FinishedSlices):
    """Total variation reconstruction, then a U-Net that saw how it errs: ``row, angle, col`` to
    slices ``z, y, x`` in 1/px, each slice alone, from few views or a limited angle.

    x = t + U(t, f, w): the network U is told the total variation reconstruction t, which fits the
    data, the filtered back-projection f, which still has the fine structure that t lost, and
    which directions w no view saw. Grey values are brought to one scale first and back after.
    ``copies`` of it, turned and mirrored, are averaged.

    >>> TVConvNet().card.split.value, sorted(TVConvNet().card.weights)
    ('rows', ['tvconvnet.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="tvconvnet",
            title="total variation finished by a U-Net (TVConvNet)",
            title_zh="全变分重建加卷积网络（TVConvNet）",
            references=(
                "Bubba, Kutyniok, Lassas, März, Samek, Siltanen & Srinivasan 2019, Inverse "
                "Problems 35, 064002, doi 10.1088/1361-6420/ab10ca (a network completes what a "
                "sparse reconstruction cannot see)",
                "Jin, McCann, Froustey & Unser 2017, IEEE Trans. Image Process. 26, 4509, "
                "doi 10.1109/TIP.2017.2713099 (the network)",
            ),
            limits="Learned on simulated absorption scans of few views or of 90 to 130 degrees: "
            "what no view saw is guessed, fine structure may be invented or lost, and other "
            "faults (rings, a wrong axis) must be mended before. Differs from the papers: total "
            "variation instead of shearlets, the filtered back-projection beside it, the missing "
            "directions as two constant channels, a quarter of the channels of the U-Net. "
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

    strength: Strength = None
    iterations: Iterations = 60
    copies: Copies = COPIES
    size: Size = None
    tilt_halo: TiltHalo = None

    def __call__(self, *, sinogram: Block, center: Center) -> Block:  # type: ignore[override]
        return self.finish(network, solve, sinogram, center)


def solve(
    net: torch.nn.Module,
    A: ParallelBeam,
    y: torch.Tensor,
    strength: float,
    iterations: int,
    copies: int,
) -> torch.Tensor:
    """Slices ``z, y, x`` of some rows ``row, angle, col`` behind the operator."""
    return finished(net, A, *looks(A, y, strength, iterations), copies)


def looks(
    A: ParallelBeam, y: torch.Tensor, strength: float, iterations: int
) -> tuple[Looks, Levels]:
    """What the network is told of each row, axes ``row, look, y, x``, and the level and spread of
    grey values that were taken out."""
    from toolbox.operators.solvers import total_variation

    smooth = total_variation(A, y, strength, iterations, non_negative=True)
    return looks_at(A, smooth, A.fbp(y, "shepp-logan"))


def network(widths: Sequence[int] = fbpconvnet.WIDTHS) -> torch.nn.Module:
    """The U-Net of :mod:`toolbox.tools.denoise.fbpconvnet` over all looks."""
    return fbpconvnet.network(widths, LOOKS)
