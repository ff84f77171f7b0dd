"""Algebraic reconstruction from a limited angle finished by a U-Net (SARTConvNet)."""

from __future__ import annotations

import dataclasses
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
    clean,
    finished,
    looks_at,
)
from toolbox.tools.reconstruct.slices import Size, TiltHalo, reconstruction_card
from toolbox.values import Block, Center

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

ITERATIONS = 240  # of total variation, after which what no view saw has settled
PASSES, SUBSETS = 8, 8  # of SART
COPIES = 8  # all: they take little beside the total variation
MODEL = ModelCard.of("sartconvnet")
__all__ = ["SARTConvNet", "clean", "looks", "network", "solve"]


@dataclass(frozen=True)
class SARTConvNet(FinishedSlices):
    """Algebraic reconstruction (SART), then a U-Net that takes away what a limited angle did:
    ``row, angle, col`` to slices ``z, y, x`` in 1/px, each slice alone.

    x = max(t + U(t, s, w), 0): t is the total variation reconstruction, s what SART makes of it
    (it puts back what the views saw and t smoothed away), w tells which directions no view saw.
    Grey values are brought to one scale first and back after. ``copies`` of the slice, turned
    and mirrored, are averaged.

    >>> SARTConvNet().card.split.value, sorted(SARTConvNet().card.weights)
    ('rows', ['sartconvnet.safetensors'])
    """

    card = dataclasses.replace(
        reconstruction_card(
            name="sartconvnet",
            title="algebraic reconstruction finished by a U-Net (SARTConvNet)",
            title_zh="代数重建加卷积网络（SARTConvNet）",
            references=(
                "Wang, Liang, Cheng, Guo & Zeng 2020, PLoS ONE 15, e0226963, "
                "doi 10.1371/journal.pone.0226963",
                "Andersen & Kak 1984, Ultrason. Imaging 6, 81 (SART)",
                "Jin, McCann, Froustey & Unser 2017, IEEE Trans. Image Process. 26, 4509, "
                "doi 10.1109/TIP.2017.2713099 (the network)",
            ),
            limits="Learned on simulated absorption scans of 90 to 130 degrees: what no view saw "
            "is guessed, fine structure may be invented or lost, and other faults (rings, a wrong "
            "axis) must be mended before. Differs from the paper: SART over ordered subsets of "
            "views begins at the total variation reconstruction, which the network sees beside "
            "it, with the missing directions as two constant channels; it learned for structural "
            "similarity instead of square errors, and nothing is below zero. A slice of "
            "1024 × 1024 px of as many views takes far longer than 2 s on two cores, most of it "
            "total variation. On real scans without a part of their half turn it is, by SSIM, "
            "better than total variation on two of three, and TVConvNet as good or better on all: "
            "planned where it is named. "
            f"{MODEL.summary}",
            gpu=True,
            library="torch",
            default_on=False,  # on real scans TVConvNet is as good, and quicker
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


def solve(
    net: torch.nn.Module,
    A: ParallelBeam,
    y: torch.Tensor,
    strength: float,
    iterations: int,
    copies: int,
) -> torch.Tensor:
    """Slices ``z, y, x`` of some rows ``row, angle, col`` behind the operator."""
    return finished(net, A, *looks(A, y, strength, iterations), copies).clamp_min_(0)


def looks(
    A: ParallelBeam, y: torch.Tensor, strength: float, iterations: int
) -> tuple[Looks, Levels]:
    """What the network is told of each row, axes ``row, look, y, x``, and the level and spread of
    grey values that were taken out."""
    from toolbox.operators.solvers import sart, total_variation

    smooth = total_variation(A, y, strength, iterations, non_negative=True)
    return looks_at(A, smooth, sart(A, y, smooth, PASSES, SUBSETS, non_negative=True))


def network() -> torch.nn.Module:
    """The U-Net of :mod:`toolbox.tools.denoise.fbpconvnet` over all looks."""
    return fbpconvnet.network(looks=LOOKS)
