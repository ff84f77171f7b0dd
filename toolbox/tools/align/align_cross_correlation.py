"""Jitter from comparing each projection to its neighbours."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.align.neighbours import neighbour_shifts
from toolbox.tools.align.vertical import vertical_shifts
from toolbox.tools.align.view_sample import ViewSample
from toolbox.values import Block, Shape, Shifts

VERTICAL_WINDOW = 31  # views


@dataclass(frozen=True)
class AlignCrossCorrelation(Tool):
    """Shifts of projections against their neighbours, px, axes ``angle, (row, col)``.

    Horizontally each view is registered to the mean of its neighbours and the most probable
    shifts are taken (:mod:`toolbox.tools.align.neighbours`); vertically its row profile to that of
    the 31 nearest views. Good for jitter from view to view. A slow drift looks like the sample's
    own motion to this comparison and is left alone, so errors do not add up over the scan.
    The mean shift and a cosine and sine of the angle are taken out (gauge): the axis is to be
    found on the corrected projections.

    >>> AlignCrossCorrelation().card.split.value, AlignCrossCorrelation().card.output.kind.value
    ('sample', 'shifts')
    """

    card = ToolCard(
        name="align_cross_correlation",
        title="alignment by neighbouring projections",
        title_zh="相邻投影互相关对齐",
        stage=Stage.ALIGN,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(
                DataKind.PROJECTIONS,
                GreyState.TRANSMISSION, GreyState.ATTENUATION, GreyState.PHASE,
            )
        },
        output=Port(DataKind.SHIFTS, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=(
            "Guckenberger 1982, doi:10.1016/0304-3991(82)90282-0",
            "Lucas & Kanade 1981, IJCAI, 674: registration along the slope",
        ),
        limits="Sees jitter, not drift; needs views close enough that neighbours are alike. Jitter "
        "over a fiftieth of the width is corrected in part. Vertical shifts need 8 rows or more "
        "and are found up to some 8 rows.",
        bands=1,
        band_rows=32,
        default_on=False,
    )  # fmt: skip

    vertical: Annotated[bool, Param("look for vertical shifts too")] = True

    def __call__(self, *, projections: Block) -> Shifts:  # type: ignore[override]
        sample = ViewSample.of(projections)
        warnings = []
        pixels = np.zeros((len(sample.order), 2))
        if len(sample.order) < 8:
            warnings.append(
                f"{len(sample.order)} views are too few to compare neighbours; nothing is moved"
            )
        else:
            found = without_gauge(neighbour_shifts(sample.values), sample.angles_rad)
            pixels[:, 1] = sample.in_block(found)
            if self.vertical:
                pixels[:, 0] = vertical_shifts(projections, VERTICAL_WINDOW)
        return Shifts(pixels, "cross-correlation of neighbours", tuple(warnings))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        rows, columns = min(shape.rows, 4), min(shape.columns, 1024)
        looked_at = float(shape.frames * rows * columns)
        return Cost(1500.0 * looked_at + 10.0 * shape.voxels, 60.0 * looked_at + 8.0 * shape.voxels)
