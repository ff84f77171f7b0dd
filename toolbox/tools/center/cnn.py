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
    import torch

    from toolbox.centering.evidence import Curves, Doubles, Evidence
    from toolbox.centering.posterior import Posterior
    from toolbox.centering.sample import Sample
    from toolbox.centering.views import Views

WIDTH = 24  # channels of the first layer
SIDE = 64  # px of a patch
ROWS, PATCHES, VIEWS = 3, 30, 360  # patches in all rows together
COARSEST = 200  # binned columns at the first look
STEPS = (2.0, 1.0, 0.5)  # binned px between candidates: at the first look, then, at full size
MOST = 64  # candidates at a time
LOOKS = 3  # at full size, at most: where scores do not narrow it down, more will not
MODEL = ModelCard.of("center_cnn")
# Real full turns and 100 views of 2560 columns were found up to 60 px away: docs/measured_tools.md
SUITS = {"angular_coverage": (170.0, 190.0), "view_sufficiency": (0.05, 100.0)}


@dataclass(frozen=True)
class CenterCNN(Tool):
    """Rotation axis by a convolutional network that scores patches of slices at candidate axes,
    coarse to fine down to parts of a pixel.

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
        limits="Tells no tilt of the axis. Right on some real scans and far off on others: "
        "`tomoplan bench center` prints what it finds on each, beside the other methods, and where "
        "it warned. Differs from the paper: patches of band-passed slices "
        "instead of grey ones, no dense layers (any patch size), trained to rank candidates of "
        "one scan by their distance to the axis instead of telling good from bad ones, searched "
        f"coarse to fine. Trained small on a CPU. {MODEL.summary}",
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
    """The axis of a sample, px, with its 95 % interval."""
    from toolbox.centering.estimate import axis_prior, conclude, reach_of
    from toolbox.centering.evidence import weigh
    from toolbox.centering.methods import DRAWS, bin_for
    from toolbox.centering.posterior import Posterior

    known = axis_prior(sample)
    if about is not None:
        near = np.exp(-0.5 * ((known.columns - about) / reach_of(sample)) ** 2) + 1e-9
        known = Posterior(known.columns, known.density * near / (known.density @ near))
    rng = np.random.default_rng(0)
    evidence: list[Evidence] = []
    bin_, full_size = bin_for(sample.columns, COARSEST), 0
    while True:
        step = STEPS[0] if not evidence else STEPS[2] if bin_ == 1 else STEPS[1]
        columns = candidates(known, step * bin_, first=not evidence)
        fine = bin_ == 1 and float(columns[1] - columns[0]) < 1
        curves = scored(net, sample, columns, bin_, 2 * PATCHES if fine else PATCHES)
        curves = dataclasses.replace(curves, method="cnn" if fine else "cnn_survey")
        evidence.append(weigh(curves, DRAWS, rng, guard=3.0 * bin_))
        known = known.given(evidence[-1:])
        full_size += bin_ == 1
        if full_size == LOOKS or (fine and len(evidence) > 1):
            break
        bin_ = max(bin_ // 2, 1)
    center = conclude(sample, known, evidence, 0.0)
    return dataclasses.replace(center, method="cnn")


def candidates(known: Posterior, step: float, first: bool) -> Doubles:
    """Evenly spaced axes, ``step`` px apart (more where that would be too many): all of the
    possible ones at first, then those that hold nearly all of the probability."""
    low, high = known.columns[0], known.columns[-1]
    if not first:
        low, high = known.interval(0.99)
        low, high = low - 2 * step, high + 2 * step
    step = max(step, (high - low) / (2 * MOST if first else MOST))
    count = max(int(np.ceil((high - low) / step)) + 1, 9)
    return np.asarray((low + high) / 2 + step * (np.arange(count) - (count - 1) / 2))


def scored(
    net: torch.nn.Module, sample: Sample, columns: Doubles, bin_: int, count: int = PATCHES
) -> Curves:
    """The network's scores of some axes (px), one part for each of ``count`` patches."""
    import torch

    from toolbox.centering.evidence import Curves
    from toolbox.centering.patches import patches, spread_places
    from toolbox.learned.weights import infer

    views = sample.thinned(VIEWS).views(bin_, fine=0.7, coarse=8.0, limit=1.0)
    places = spread_places(count // len(sample.heights), reach(sample, views, columns))
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
