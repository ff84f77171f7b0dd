"""Rotation axis by a network that looks at slices."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.learned.model_card import ModelCard
from toolbox.tool import Cost, Tool
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    from collections.abc import Sequence

    import torch

    from toolbox.centering.evidence import Curves, Doubles
    from toolbox.centering.posterior import Posterior
    from toolbox.centering.sample import Sample
    from toolbox.centering.views import Views

WIDTH = 24  # channels of the first layer
SIDE = 64  # px of a patch
ROWS, PATCHES, VIEWS = 3, 120, 360  # patches in all rows together, at most
COARSEST = 200  # binned columns at the first look
COVER = 1.5  # times the disc, by patches
STEPS = (2.0, 1.0, 0.5)  # binned px between candidates: at the first look, then, at full size
MOST = 64  # half of the candidates at the first look
MODES = 4  # places that are looked at more closely
COLUMNS_A_VIEW = 5.0  # binned, of the views of a half turn: few views make no fine slices
MODEL = ModelCard.of("center_cnn")
# 100 views of 2560 columns and 126 degrees were found some px away: docs/measured_tools.md
SUITS = {"angular_coverage": (170.0, 190.0), "view_sufficiency": (0.05, 100.0)}


@dataclass(frozen=True)
class CenterCNN(Tool):
    """Rotation axis by a convolutional network that scores patches of slices at candidate axes,
    coarse to fine down to parts of a pixel, near the places that pairs of views, centres of mass
    and it itself find likely.

    The scores of patches from several rows add up as evidence; their scatter makes the interval.
    Half and full turns, offset axes, few views. ``about`` starts the search somewhere else than
    at the middle of the detector.

    >>> CenterCNN().card.split.value, CenterCNN().card.output.kind.value
    ('sample', 'center')
    """

    card = ToolCard(
        name="center_cnn",
        title="axis by a network that scores slices",
        title_zh="卷积网络评判切片求轴",
        stage=Stage.CENTER,
        domain=Domain.RECONSTRUCTION,
        inputs={
            "sinogram": grey(
                DataKind.SINOGRAM, GreyState.ATTENUATION, GreyState.PHASE, GreyState.TRANSMISSION
            )
        },
        output=Port(DataKind.CENTER, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=(
            "Yang, De Carlo, Phatak & Gürsoy 2017, J. Synchrotron Rad. 24, 469, "
            "doi 10.1107/S1600577516020117 (a network that tells well-centred slices)",
        ),
        limits="Tells no tilt of the axis. Very few views and limited angles of a specimen wider "
        "than the field leave it open, and it says so: `tomoplan bench center` prints what it "
        "finds on each real scan, beside the other methods. Differs from the paper: patches of "
        "band-passed slices instead of grey ones, no dense layers (any patch size), trained to "
        "rank candidates of one scan by their distance to the axis instead of telling good from "
        "bad ones, searched coarse to fine where direct methods and it find the axis likely. "
        f"Trained small on a CPU. {MODEL.summary}",
        library="torch",
        version=MODEL.version,
        bands=5,
        band_rows=1,
        gpu=True,
        default_on=MODEL.wins,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
        metrics=MODEL.metrics,
        suits=SUITS,
    )

    about: Annotated[
        float | None, Param("column to search around", "px", auto="the middle of the detector")
    ] = None

    def __call__(self, *, sinogram: Block) -> Center:  # type: ignore[override]
        from toolbox.centering.sample import Sample
        from toolbox.learned.weights import trained

        net = trained("center_cnn", network)
        return find(net, Sample.of(sinogram, ROWS), self.about)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        rows = min(shape.rows, ROWS)
        waves = min(shape.frames, VIEWS) * shape.columns * rows
        return Cost(2e9 * rows + 20_000.0 * waves, 1e8 + 400.0 * waves)


def find(net: torch.nn.Module, sample: Sample, about: float | None = None) -> Center:
    """The axis of a sample, px, with its 95 % interval: at each resolution the network compares
    the places that are the most probable by what it and the direct methods (pairs of views, centres
    of mass, Fourier wedge) said before, as a person would have given them a range."""
    from toolbox.centering.estimate import (
        EFFORTS,
        axis_prior,
        conclude,
        direct_curves,
        reach_of,
    )
    from toolbox.centering.evidence import weigh
    from toolbox.centering.methods import DRAWS, bin_for
    from toolbox.centering.posterior import Posterior

    rng = np.random.default_rng(0)
    known = axis_prior(sample)
    if about is not None:
        near = np.exp(-0.5 * ((known.columns - about) / reach_of(sample)) ** 2) + 1e-9
        known = Posterior(known.columns, known.density * near / (known.density @ near))
    guard = max(8.0, 0.01 * sample.columns)
    evidence = [weigh(c, DRAWS, rng, guard) for c in direct_curves(sample, EFFORTS["quick"])]
    finest = finest_bin(sample)
    bin_ = max(bin_for(sample.columns, COARSEST), finest)
    columns = candidates(known, STEPS[0] * bin_)
    while True:
        step = float(np.diff(columns).min())
        fine = bin_ == finest and step <= STEPS[2] * bin_ + 1e-9
        curves = scored(net, sample, columns, bin_)
        curves = spanning(known, curves, step, "cnn" if fine else "cnn_survey")
        evidence.append(weigh(curves, DRAWS, rng, guard=3.0 * bin_))
        found = known.given(evidence)
        if fine:
            break
        modes = highest(found.columns, found.density, MODES, 2 * step)
        if bin_ == finest:
            columns = candidates(known, STEPS[2] * bin_, modes[:1], 4 * bin_)
        else:
            bin_ = max(bin_ // 2, finest)
            columns = candidates(known, STEPS[1] * bin_, modes, 2 * step)
    return dataclasses.replace(conclude(sample, found, evidence, 0.0), method="cnn")


def finest_bin(sample: Sample) -> int:
    """How many columns to put together so that the views (:data:`VIEWS` at most) still make
    slices of them: no finer than in the worlds that the network learned from."""
    from toolbox.centering.methods import bin_for

    views = len(sample.thinned(VIEWS).angles_rad) * np.pi / max(sample.span_rad, np.pi / 2)
    return bin_for(sample.columns, int(COLUMNS_A_VIEW * views))


def candidates(
    known: Posterior, step: float, about: Sequence[float] = (), reach: float = 0.0
) -> Doubles:
    """Axes on a grid ``step`` px apart (wider where that would be too many) over all possible
    ones; of those, where ``about`` is given, the ones within ``reach`` px of it."""
    low, high = float(known.columns[0]), float(known.columns[-1])
    if not about:
        step = max(step, (high - low) / (2 * MOST))
    grid = low + step * np.arange(max(int(np.ceil((high - low) / step)) + 1, 9))
    if not about:
        return np.asarray(grid, np.float64)
    near = (np.abs(grid[:, None] - np.asarray(about)) <= reach).any(axis=1)
    return np.asarray(grid[near], np.float64)


def spanning(known: Posterior, curves: Curves, step: float, method: str) -> Curves:
    """The curves of a method with two candidates more at each end of what is possible, no better
    than the worst: the others were left out as improbable, not because they cannot be."""
    ends = known.columns[0] - 2 * step, known.columns[-1] + step
    columns = np.concatenate([ends[0] + [0, step], curves.columns, ends[1] + [0, step]])
    worst = np.repeat(curves.parts.min(axis=1, keepdims=True), 2, axis=1)
    parts = np.concatenate([worst, curves.parts, worst], axis=1)
    return dataclasses.replace(curves, method=method, columns=columns, parts=parts)


def highest(columns: Doubles, score: Doubles, count: int, apart: float) -> list[float]:
    """Up to ``count`` columns of the highest scores, highest first, ``apart`` px from each other.

    >>> highest(np.arange(5.0), np.array([1.0, 3.0, 2.9, 0.0, 2.0]), 2, 2.0)
    [1.0, 4.0]
    """
    found: list[float] = []
    left = score.astype(float)
    while len(found) < count and np.isfinite(left).any():
        found.append(float(columns[np.argmax(left)]))
        left[np.abs(columns - found[-1]) < apart] = -np.inf
    return found


def scored(net: torch.nn.Module, sample: Sample, columns: Doubles, bin_: int) -> Curves:
    """The network's scores of some axes (px), one part for each patch: as many as cover the slice,
    from 10 a row up to :data:`PATCHES` in all rows together."""
    import torch

    from toolbox.centering.evidence import Curves
    from toolbox.centering.patches import patches, spread_places
    from toolbox.learned.weights import infer

    views = sample.thinned(VIEWS).views(bin_, fine=0.7, coarse=8.0, limit=1.0)
    radius = reach(sample, views, columns)
    covering = int(COVER * np.pi * radius**2 / SIDE**2)
    places = spread_places(max(min(covering, PATCHES // len(sample.heights)), 10), radius)
    scores = []
    for start in range(0, len(places), 2):  # bounds the memory
        part = patches(views, columns, places[start : start + 2], SIDE)
        images = torch.from_numpy(part.reshape(-1, 1, SIDE, SIDE))
        found = torch.cat([infer(net, some) for some in images.split(256)])
        scores.append(found.cpu().numpy().reshape(len(part), -1, len(columns)))
    parts = np.concatenate(scores, axis=1).astype(np.float64)  # row, place, candidate
    heights = np.repeat(sample.heights, len(places))
    return Curves("cnn", columns, parts.reshape(-1, len(columns)), heights)


def reach(sample: Sample, views: Views, columns: Doubles) -> float:
    """How far from the axis the middles of patches lie, binned px: where the specimen is, and
    where the detector sees it from some views at least."""
    middle = float(views.from_pixels(np.asarray(columns.mean())))
    farther = max(middle, views.columns - 1 - middle)
    return float(max(min(0.8 * sample.radius / views.bin, farther - SIDE / 2), SIDE / 4))


def network(width: int = WIDTH) -> torch.nn.Module:
    """Patches ``n, 1, y, x`` → scores ``n``, higher the nearer the axis was to the right one."""
    import torch
    from torch import nn

    def layer(inside: int, outside: int, stride: int, size: int = 3) -> nn.Sequential:
        return nn.Sequential(
            nn.Conv2d(inside, outside, size, stride, size // 2, bias=False),
            nn.BatchNorm2d(outside),
            nn.ReLU(inplace=True),
        )

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            self.features = nn.Sequential(
                layer(1, width, 2, 5),  # n, 24, 32, 32
                layer(width, width, 1),
                layer(width, 2 * width, 2),  # n, 48, 16, 16
                layer(2 * width, 2 * width, 1),
                layer(2 * width, 4 * width, 2),  # n, 96, 8, 8
                layer(4 * width, 4 * width, 1),
            )
            self.score = nn.Sequential(
                nn.Linear(8 * width, 4 * width), nn.ReLU(inplace=True), nn.Linear(4 * width, 1)
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            h = self.features(x)
            pooled = torch.cat([h.mean((2, 3)), h.amax((2, 3))], 1)  # n, 192
            return self.score(pooled)[:, 0]

    return Network()
