"""Shifts of views from a feature that all of them show, segmented by a U-Net and followed."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.learned.model_card import ModelCard
from toolbox.tool import Cost, Tool
from toolbox.tools.align.feature_tracks import Spots, tracks
from toolbox.tools.align.middle_rows import ROWS, binned, neighbouring_rows
from toolbox.tools.align.neighbours import neighbour_shifts
from toolbox.tools.align.vertical import vertical_shifts
from toolbox.tools.align.volume_reprojection import free_shifts
from toolbox.tools.denoise import fbpconvnet
from toolbox.values import Block, Shape, Shifts

if TYPE_CHECKING:
    import torch

WIDEST = 512  # columns at most, by binning
WIDTH = 8  # channels of the U-Net's first level
BROAD = 6.0  # px, σ of what is left out of the second look
PLACE = 16  # px: sides are made multiples of it
SURE, FAINT = 0.5, 0.1  # probability inside a spot, and beside it what still counts
SMALLEST = 6.0  # px of a spot
LEAST = 0.7  # of the views show a feature
WINDOW = 31  # views, whose rows are compared where a view shows none …
BESIDE = 15  # … and next to which it is taken to lie where they do
AT_ONCE = 24  # views through the network
SELDOM = -3.0  # logarithm of the odds of a feature at a px, before any training
MODEL = ModelCard.of("align_feature")
Stack = NDArray[np.float32]
Pixels = NDArray[np.float64]


@dataclass(frozen=True)
class AlignFeature(Tool):
    """Shifts of projections along and across the axis, px, axes ``angle, (row, col)``, from
    something dense that all of them show: a marker, a bead, a grain of metal.

    A U-Net segments such features in each view by itself. What moves from view to view as a point
    of the sample does, on a sine of the angle at one height, is followed; how far it lies off is
    the shift of the view, the median over all that are followed. No reconstruction is made, so
    the axis need not be known, and the sample may be wider than the field, as long as the feature
    is inside of it. Where fewer than 7 views in 10 show one, nothing is moved, with a warning;
    views that do not show it go by the comparison of neighbours, with a warning.

    The mean shift and a cosine and sine of the angle are taken out (gauge), so look for the axis
    on the corrected projections.

    >>> AlignFeature().card.split.value, sorted(AlignFeature().card.weights)
    ('sample', ['align_feature.safetensors'])
    """

    card = ToolCard(
        name="align_feature",
        title="alignment by a common feature",
        title_zh="共同特征跟踪对齐",
        stage=Stage.ALIGN,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(
                DataKind.PROJECTIONS, GreyState.TRANSMISSION, GreyState.ATTENUATION, GreyState.PHASE
            )
        },
        output=Port(DataKind.SHIFTS, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=(
            "Topal, Löffler & Zschech 2020, Sci. Rep. 10, 7682, doi 10.1038/s41598-020-64733-7 "
            "(features followed through the views by a network)",
            "Fu et al. 2022 (a U-Net segments what all views show, and its centre is followed; its "
            "text was not at hand)",
            "Fischler & Bolles 1981, Commun. ACM 24, 381 (lines through what agrees)",
        ),
        limits="Something dense and compact must be seen in nearly all views, whole, in the middle "
        f"{ROWS} rows: without it nothing can be said. Learned on simulated grains of metal. "
        "Differs from the papers: the U-Net of the toolbox's FBPConvNet, half as wide; the cores "
        "of features are segmented, which stay apart for longer; several features are followed "
        "together, found by trying sines through three spots; no classifier of features. "
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

    def __call__(self, *, projections: Block) -> Shifts:  # type: ignore[override]
        from toolbox.learned.weights import trained

        return self.found(trained("align_feature", network), projections)

    def found(self, net: torch.nn.Module, projections: Block) -> Shifts:
        """The shifts that a network finds."""
        values, angles, order = neighbouring_rows(projections)
        pixels = np.zeros((len(angles), 2))
        if len(angles) < 8:
            warning = f"{len(angles)} views are too few to follow anything; nothing is moved"
            return Shifts(pixels, "common feature", (warning,))
        width = -(-values.shape[-1] // WIDEST)
        small = binned(values, width, ROWS)
        found, shifts = tracks(spots(segmented(net, small)), angles, small.shape[-1])
        known = np.isfinite(shifts[:, 1])
        if not found or known.mean() < LEAST:
            warning = "no feature is common to the views; nothing is moved"
            return Shifts(pixels, "common feature", (warning,))
        warnings = []
        if not known.all():
            warnings.append(
                f"{np.count_nonzero(~known)} of {len(angles)} views do not show the feature: their "
                f"shifts are from the comparison of neighbours"
            )
            plain = np.stack(
                [vertical_shifts(projections, WINDOW)[order] / width, neighbour_shifts(small)], 1
            )
            shifts = filled(shifts, plain)
        pixels[order] = free_shifts(shifts * width, angles)
        return Shifts(pixels, "common feature", tuple(warnings))

    @staticmethod
    def reference_looks() -> Stack:
        """Views of a bead in something else, axes ``angle, look, row, col``."""
        row, column = np.mgrid[:32, :64].astype(np.float32)
        rest = np.sqrt(np.maximum(1 - ((column - 32) / 26) ** 2, 0)) * (1 + 0.1 * np.sin(row / 2))
        beads = [np.maximum(25 - (row - 16) ** 2 - (column - at) ** 2, 0) for at in (20, 34, 44)]
        return looks(np.stack([rest + np.sqrt(bead) / 4 for bead in beads], axis=1))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        whole = float(shape.frames * min(shape.rows, ROWS) * shape.columns)
        width = -(-shape.columns // WIDEST)
        looked_at = whole / width**2
        return Cost(30_000.0 * looked_at, 12.0 * whole + 24.0 * looked_at)


def filled(shifts: Pixels, plain: Pixels) -> Pixels:
    """Shifts, axes ``angle, (row, col)``, where not known (nan) by plain ones; these stand off the
    known ones by what they do in the median of the 15 nearest views that have both.

    >>> known = np.array([[1.0, 5.0], [np.nan, np.nan], [2.0, 6.0]])
    >>> filled(known, np.array([[0.0, 0.0], [3.0, 0.5], [1.0, 1.0]]))[1].tolist()
    [4.0, 5.5]
    """
    at = np.flatnonzero(np.isfinite(shifts[:, 1]))
    made = shifts.copy()
    for view in np.flatnonzero(np.isnan(shifts[:, 1])):
        near = at[np.argsort(np.abs(at - view), kind="stable")[:BESIDE]]
        made[view] = plain[view] + np.median(shifts[near] - plain[near], axis=0)
    return made


def segmented(net: torch.nn.Module, values: Stack) -> Stack:
    """How sure a network is of a feature at each px of views ``row, angle, col``; axes ``angle,
    row, col``."""
    import torch

    from toolbox.learned.weights import infer

    rows, views, columns = values.shape
    seen = looks(values)
    parts = [seen[i : i + AT_ONCE] for i in range(0, views, AT_ONCE)]
    found = [infer(net, torch.from_numpy(part))[:, 0].sigmoid().cpu().numpy() for part in parts]
    return np.concatenate(found)[:, :rows, :columns].astype(np.float32)


def looks(values: Stack) -> Stack:
    """What the network sees of views ``row, angle, col``, axes ``angle, look, row, col``: each
    as it is, and what is narrow in it, by the highest of the scan; the edge goes on to multiples
    of 16 px."""
    from scipy.ndimage import gaussian_filter

    views = values.transpose(1, 0, 2)
    high = max(float(np.quantile(views[:, ::2, ::2], 0.999)), 1e-12)
    views = np.clip(views / np.float32(high), -1, 2)
    narrow = views - gaussian_filter(views, (0, BROAD, BROAD), mode="nearest")
    seen = np.stack([2 * views - 1, 4 * narrow], axis=1).astype(np.float32)
    beyond = [(0, 0), (0, 0), *((0, -size % PLACE) for size in views.shape[1:])]
    return np.pad(seen, beyond, mode="edge")


def spots(sure: Stack) -> Spots:
    """Features in views ``angle, row, col`` of probabilities: connected places, their middles by
    probability; without those that touch the border, which are not whole."""
    from scipy.ndimage import center_of_mass, find_objects, label

    found: list[tuple[int, float, float, float]] = []
    rows, columns = sure.shape[1:]
    for view, image in enumerate(sure):
        labels, _ = label(image > FAINT)
        for index, (down, across) in enumerate(find_objects(labels), start=1):
            inside = (down.start > 0 and down.stop < rows) or rows == 1
            if not inside or across.start == 0 or across.stop == columns:
                continue
            mass = np.where(labels[down, across] == index, image[down, across], 0)
            if mass.max() < SURE or mass.sum() < SMALLEST:
                continue
            y, x = center_of_mass(mass)
            found.append((view, down.start + y, across.start + x, float(mass.sum())))
    table = np.array(found, float).reshape(-1, 4)
    return Spots(table[:, 0].astype(np.intp), table[:, 1], table[:, 2], table[:, 3])


def network() -> torch.nn.Module:
    """The U-Net of :mod:`toolbox.tools.denoise.fbpconvnet`, half as wide, of two looks at a view;
    above 0 where a feature is; begins with hardly any."""
    import torch

    net = fbpconvnet.network([WIDTH * 2**level for level in range(fbpconvnet.LEVELS)], 2)
    torch.nn.init.constant_(net.get_parameter("last.bias"), SELDOM)
    return net
