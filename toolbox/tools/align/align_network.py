"""Shifts of views found by a network from each and the reprojection of the volume."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.learned.model_card import ModelCard
from toolbox.tool import Cost, Tool
from toolbox.tools.align.mass_center import mass_centers, sine_fit
from toolbox.tools.align.middle_rows import MOST_ROWS, ROWS, binned, neighbouring_rows
from toolbox.tools.align.neighbours import neighbour_shifts
from toolbox.tools.align.reprojection import held_out_agreement
from toolbox.tools.align.vertical import vertical_shifts
from toolbox.tools.align.volume_reprojection import VolumeReprojection, free_shifts, moved_views
from toolbox.values import Block, Center, Shape, Shifts

if TYPE_CHECKING:
    import torch

FEWEST_ROWS = 8  # of a level, for shifts along the axis
LEVELS = (192, 384)  # columns at most, by binning: first far, then near
AIR = 0.05  # of the highest attenuation left at the edges: the sample is wider than the field
SMOOTHINGS = (1.0, 2.5)  # px, of views and projections before their slopes are taken
PLACE = 4  # px on either side
CHANNELS = 32
DILATIONS = (1, 2, 4, 1)  # of the residual blocks
WINDOW = 31  # views, whose rows are compared where the sample is wider than the field
AT_ONCE = 24  # views through the network
SMALL = 0.02  # px RMS: a step of less is the last
SAME = 0.002  # of agreement; less is no difference
MODEL = ModelCard.of("align_network")
Stack = NDArray[np.float32]
Pixels = NDArray[np.float64]


@dataclass(frozen=True)
class AlignNetwork(Tool):
    """Shifts of projections along and across the axis, px, axes ``angle, (row, col)``.

    Reconstructs some neighbouring rows, projects them, shows a network each view beside its
    projection, and moves it by what the network says; again, first in wide bins, then in finer
    ones. The network registers the pair along the slope and weighs places by what it sees there.
    Starts from the centre of mass and the row profiles. Fixed stripes are estimated and taken off
    inside. With fewer than 8 rows, and where the rows look alike, nothing can be said about shifts
    along the axis, and those stay 0 or small. Where views left out of the reconstruction agree
    less with it afterwards than before, the start is kept, with a warning; where the sample is
    wider than the field, what neighbouring views and row profiles tell.

    The axis need not be known: it is followed with the shifts, from ``center`` where given. The
    mean shift and a cosine and sine of the angle are taken out (gauge), so look for the axis on
    the corrected projections.

    >>> AlignNetwork().card.split.value, sorted(AlignNetwork().card.weights)
    ('sample', ['align_network.safetensors'])
    """

    card = ToolCard(
        name="align_network",
        title="alignment by a network on views and reprojections",
        title_zh="投影与重投影配准网络",
        stage=Stage.ALIGN,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(
                DataKind.PROJECTIONS, GreyState.TRANSMISSION, GreyState.ATTENUATION, GreyState.PHASE
            ),
            "center": Port(DataKind.CENTER, unit="px", optional=True),
        },
        output=Port(DataKind.SHIFTS, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=(
            "Fu, Zhang, Wang, Li, Zhang, Yao, He, Wang, Huang, Yuan, Pianetta & Liu 2021, J. "
            "Synchrotron Rad. 28, 1909",
            "Dengler 1989, doi:10.1016/0304-3991(89)90263-2 (reprojection)",
            "Lucas & Kanade 1981, IJCAI, 674 (registration along the slope)",
        ),
        limits="Learned on simulated absorption scans with up to 5 px RMS of jitter. A slow drift "
        "along the axis is seen as jitter is; one across it as far as it is no sine of the angle. "
        "Differs from the paper: the network weighs the places of a view in a registration along "
        "the slope, and adds votes, in place of one fully connected answer, so that views may "
        "have any size and few steps of training do. Not asked where the sample is wider than the "
        "field: on a real scan it made worse what the comparison of neighbours had found. "
        f"{MODEL.summary}",
        library="torch",
        bands=1,
        band_rows=ROWS,
        version=MODEL.version,
        gpu=True,
        default_on=MODEL.wins,
        weights=MODEL.weights,
        training_data=MODEL.training_data,
        metrics=MODEL.metrics,
        suits=MODEL.suits,
    )

    rounds: Annotated[int, Param("most reconstructions at each binning", low=1, high=50)] = 8

    def __call__(self, *, projections: Block, center: Center | None = None) -> Shifts:  # type: ignore[override]
        from toolbox.learned.weights import trained

        return self.found(trained("align_network", network), projections, center)

    def found(
        self, net: torch.nn.Module, projections: Block, center: Center | None = None
    ) -> Shifts:
        """The shifts that a network finds."""
        values, angles, order = neighbouring_rows(projections)
        count = len(angles)
        pixels = np.zeros((count, 2))
        if count < 8:
            warning = f"{count} views are too few to reconstruct from; nothing is moved"
            return Shifts(pixels, "network", (warning,))
        centers, air = mass_centers(values)
        truncated = air > AIR
        middle = (values.shape[-1] - 1) / 2
        if center is not None:
            axis = center.column
        else:
            axis = middle if truncated else sine_fit(centers, angles)[1]
        axis = float(np.clip(axis, 0.5 * middle, 1.5 * middle))
        start = np.zeros((count, 2))
        start[:, 1] = neighbour_shifts(values) if truncated else sine_fit(centers, angles)[0]
        start[:, 0] = vertical_shifts(projections, WINDOW if truncated else None)[order]
        if truncated:
            pixels[order] = free_shifts(start, angles)
            wide = "the sample is wider than the field: its shifts are less certain"
            return Shifts(pixels, "comparison of neighbours", (wide,))
        shifts, width = start, 0
        for columns in LEVELS:
            last, width = width, -(-values.shape[-1] // columns)
            if width == last:
                break
            level = VolumeReprojection(
                binned(values, width), angles, (axis + 0.5) / width - 0.5, truncated
            )
            shifts = refined(net, level, shifts / width, self.rounds) * width
        warnings = []
        before = agreement(level, start / width, float(np.mean(shifts[:, 1])) / width)
        after = agreement(level, shifts / width, 0.0)
        if after < before - SAME:
            shifts = start
            warnings.append(
                f"reprojection did not help (views left out agree with the rest by {after:.3f} "
                f"after, {before:.3f} before): the shifts are those from the centre of mass"
            )
        pixels[order] = free_shifts(shifts, angles)
        return Shifts(pixels, "network", tuple(warnings))

    @staticmethod
    def reference_looks() -> Stack:
        """Views of a blob beside where it should be, axes ``angle, look, row, col``."""
        row, column = np.mgrid[:16, :32].astype(np.float32)
        by = np.array([[0.0, 0.0], [1.0, -2.0], [-0.5, 3.0]])
        there = np.exp(-((row - 8) ** 2 + (column - 15) ** 2) / 20)
        here = np.stack(
            [np.exp(-((row - 8 - y) ** 2 + (column - 15 - x) ** 2) / 20) for y, x in by]
        )
        pair = here.transpose(1, 0, 2), np.repeat(there[:, None], len(by), axis=1)
        return looks(*pair, np.zeros_like(by))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        whole = float(shape.frames * min(shape.rows, ROWS) * shape.columns)
        work, looked_at = 0.0, 0.0
        for columns in LEVELS if shape.columns > LEVELS[0] else LEVELS[:1]:
            width = -(-shape.columns // columns)
            rows = max(min(min(shape.rows, ROWS) // width, MOST_ROWS), 1)
            looked_at = float(shape.frames * rows * (shape.columns // width))
            work += self.rounds * 60_000.0 * looked_at
        return Cost(work, 12.0 * whole + 120.0 * looked_at)


def refined(net: torch.nn.Module, level: VolumeReprojection, shifts: Pixels, rounds: int) -> Pixels:
    """Shifts (and in their mean the rest of the axis) after at most so many rounds."""
    shifts = np.asarray(shifts, np.float64).copy()
    for _ in range(rounds):
        moved, expected = level.pairs(shifts)
        step = steps(net, looks(moved, expected, shifts))
        if len(moved) < FEWEST_ROWS:
            step[:, 0] = 0
        shifts += step
        if np.sqrt(np.mean(step**2)) < SMALL:
            break
    return shifts


def agreement(level: VolumeReprojection, shifts: Pixels, beside: float) -> float:
    """How well views left out of a reconstruction agree with it, the axis ``beside`` its place."""
    along = np.stack([shifts[:, 0], np.zeros(len(shifts))], axis=1)
    values = moved_views(level.values, -along)
    return held_out_agreement(
        values, level.angles_rad, level.center + beside, level.truncated, shifts[:, 1]
    )


def looks(moved: Stack, expected: Stack, shifts: Pixels) -> Stack:
    """What the network sees of each view, axes ``angle, look, row, col``: the view moved to its
    place and its projection, about their means and over the projection's spread, and where the
    view was inside the field. Sides are made multiples of 4, outside the field."""
    rows, _, columns = moved.shape
    pair = np.stack([moved, expected]).transpose(2, 0, 1, 3)  # angle, which, row, col
    pair = pair - pair.mean(axis=(2, 3), keepdims=True)
    spread = pair[:, 1].std(axis=(1, 2))[:, None, None, None]
    pair = pair / np.maximum(spread, np.float32(1e-3) * spread.max() + np.float32(1e-12))
    inside = [
        (np.arange(size) + by[:, None] >= 0) & (np.arange(size) + by[:, None] <= size - 1)
        for size, by in ((rows, shifts[:, 0]), (columns, shifts[:, 1]))
    ]
    mask = (inside[0][:, :, None] & inside[1][:, None, :])[:, None]
    seen = np.concatenate([pair, mask], axis=1).astype(np.float32)
    beyond = [(0, 0), (0, 0), (0, -rows % PLACE), (0, -columns % PLACE)]
    return np.pad(seen, beyond)


def steps(net: torch.nn.Module, seen: Stack) -> Pixels:
    """How far each view still is from its projection, axes ``angle, (row, col)``."""
    import torch

    from toolbox.learned.weights import infer

    parts = [seen[i : i + AT_ONCE] for i in range(0, len(seen), AT_ONCE)]
    found = [infer(net, torch.from_numpy(part)).cpu().numpy() for part in parts]
    return np.concatenate(found).astype(np.float64)


def network() -> torch.nn.Module:
    """Registration along the slope (Lucas & Kanade 1981) whose places are weighed by residual
    blocks (He et al. 2016, CVPR), which see its sums over 4 × 4 px at each smoothing; what they
    add are votes of their own and a factor, of one axis each."""
    import torch
    from torch import nn

    class Residual(nn.Module):
        def __init__(self, channels: int, dilation: int) -> None:
            super().__init__()
            self.layers = nn.Sequential(
                nn.Conv2d(channels, channels, 3, padding=dilation, dilation=dilation),
                nn.ReLU(inplace=True),
                nn.Conv2d(channels, channels, 3, padding=1),
            )

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            return torch.relu(x + self.layers(x))

    class Network(nn.Module):
        def __init__(self) -> None:
            super().__init__()
            count = len(SMOOTHINGS)
            self.layers = nn.Sequential(
                nn.Conv2d(8 * count + 1, CHANNELS, 3, padding=1),
                nn.ReLU(inplace=True),
                *(Residual(CHANNELS, dilation) for dilation in DILATIONS),
            )
            self.last = nn.Conv2d(CHANNELS, count + 6, 1)
            nn.init.zeros_(self.last.weight)  # begins as plain registration
            nn.init.zeros_(self.last.bias)  # type: ignore[arg-type]

        def forward(self, x: torch.Tensor) -> torch.Tensor:
            with torch.autocast(x.device.type, enabled=False):
                sums = torch.stack([slopes(x.float(), sigma) for sigma in SMOOTHINGS], 1)
                energy = sums[:, :, :2].sum(2, keepdim=True)
                usual = energy.mean((-2, -1), keepdim=True) + 1e-9
                alone = solved(sums.sum((-2, -1)))  # n, smoothing, axis
                everywhere = alone[..., None, None].expand(-1, -1, -1, *sums.shape[-2:])
                told = torch.cat([torch.asinh(sums / usual), everywhere], 2).flatten(1, 2)
                inside = nn.functional.avg_pool2d(x[:, 2:].float(), PLACE)
            found = self.last(self.layers(torch.cat([told, inside], 1))).float()
            count = len(SMOOTHINGS)
            weights = found[:, :count].clamp(-8, 8).exp()
            step = solved((weights[:, :, None] * sums).sum((1, 3, 4)))
            votes, worth, gain = found[:, count:].flatten(2).chunk(3, 1)  # n, axis, place
            factor = 1 + torch.tanh(gain.mean(2))
            return step * factor + (votes * worth.softmax(2)).sum(2)

    return Network()


def slopes(x: torch.Tensor, sigma: float) -> torch.Tensor:
    """Means over places of 4 × 4 px of what registration along the slope needs, axes ``n, sum,
    row, col``: squared slopes along and across, their product, slopes times what the view has
    over its projection, and that squared; 0 where the view was not inside the field."""
    import torch
    from torch.nn import functional

    reach = int(3 * sigma)
    at = torch.arange(-reach, reach + 1, device=x.device)
    bell = torch.exp(-(at**2) / (2 * sigma**2))
    bell = bell / bell.sum()
    smooth = functional.pad(x[:, :2], (reach, reach, reach, reach), mode="replicate")
    smooth = functional.conv2d(smooth, bell[:, None].expand(2, 1, -1, 1), groups=2)
    smooth = functional.conv2d(smooth, bell.expand(2, 1, 1, -1), groups=2)
    over = smooth[:, :1] - smooth[:, 1:]
    middle = functional.pad(smooth.mean(1, keepdim=True), (1, 1, 1, 1), mode="replicate")
    along = (middle[:, :, 2:, 1:-1] - middle[:, :, :-2, 1:-1]) / 2
    across = (middle[:, :, 1:-1, 2:] - middle[:, :, 1:-1, :-2]) / 2
    found = torch.cat(
        [along**2, across**2, along * across, along * over, across * over, over**2], 1
    )
    return functional.avg_pool2d(found * x[:, 2:], PLACE)


def solved(sums: torch.Tensor) -> torch.Tensor:
    """The shift ``…, (row, col)`` of least squares from sums ``…, sum``: ``over = −shift · slope``;
    no more than 4 px, 0 along an axis without slopes."""
    import torch

    yy, xx, xy, yo, xo = sums[..., :5].unbind(-1)
    least = 1e-3 * (yy + xx) + 1e-9
    yy, xx = yy + least, xx + least
    determinant = yy * xx - xy**2
    step = torch.stack([xy * xo - xx * yo, xy * yo - yy * xo], -1) / determinant[..., None]
    return 4 * torch.tanh(step / 4)
