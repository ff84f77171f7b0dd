"""Shifts from the centre of mass, which must go around in a sine."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.align.mass_center import mass_centers, sine_fit
from toolbox.tools.align.vertical import vertical_shifts
from toolbox.tools.align.view_sample import ViewSample
from toolbox.values import Block, Shape, Shifts

ROWS = 32
AIR = 0.05  # of the highest attenuation; more at the edges means a sample wider than the field


@dataclass(frozen=True)
class AlignCenterOfMass(Tool):
    """Shifts of projections by their mass, px, axes ``angle, (row, col)``.

    Horizontally: how far a view's centre of mass lies from ``axis + x cos θ + y sin θ``, which
    that of a rigid sample follows (Helgason–Ludwig consistency of first order). Vertically: its
    row profile against that of all views. Sees drift as well as jitter. The sample must lie
    inside the field; where it does not, nothing is moved and a warning says so. The mean shift and
    a cosine and sine of the angle cannot be told from the axis and the sample's place (gauge).

    >>> AlignCenterOfMass().card.split.value, AlignCenterOfMass().card.output.kind.value
    ('sample', 'shifts')
    """

    card = ToolCard(
        name="align_center_of_mass",
        title="alignment by centre of mass",
        title_zh="质心法投影对齐",
        stage=Stage.ALIGN,
        domain=Domain.PROJECTION,
        inputs={
            "projections": grey(DataKind.PROJECTIONS, GreyState.TRANSMISSION, GreyState.ATTENUATION)
        },
        output=Port(DataKind.SHIFTS, unit="px", dtype="float64"),
        split=Split.SAMPLE,
        references=("Odstrčil et al. 2019, doi:10.1364/OE.27.036637, sec. 2",),
        limits="Needs the whole sample inside the field in every view, air on both sides and an "
        "even background; phase-contrast fringes are harmless, flux changes are not.",
        bands=1,
        band_rows=ROWS,
        default_on=False,
    )

    vertical: Annotated[bool, Param("look for vertical shifts too")] = True

    def __call__(self, *, projections: Block) -> Shifts:  # type: ignore[override]
        sample = ViewSample.of(projections, columns=2048, rows=ROWS)
        pixels = np.zeros((len(sample.order), 2))
        warnings = []
        centers, air = mass_centers(sample.values)
        if len(sample.order) < 8:
            warnings.append(f"{len(sample.order)} views are too few for a sine; nothing is moved")
        elif air > AIR:
            warnings.append(
                f"the sample is wider than the field ({100 * air:.0f} % of the highest attenuation "
                f"at an edge): its centre of mass is not known, nothing is moved horizontally; "
                f"take align_reprojection or align_cross_correlation"
            )
        else:
            rest = sine_fit(centers, sample.angles_rad)[0]
            pixels[:, 1] = sample.in_block(without_gauge(rest, sample.angles_rad))
        if self.vertical and len(sample.order) >= 8:
            pixels[:, 0] = vertical_shifts(projections)
        return Shifts(pixels, "centre of mass", tuple(warnings))

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        rows = min(shape.rows, ROWS)
        looked_at = float(shape.frames * rows * shape.columns)
        return Cost(30.0 * looked_at, 12.0 * looked_at)
