"""Shifts by iterative reprojection."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.tool import Cost, Tool
from toolbox.tools.align.gauge import without_gauge
from toolbox.tools.align.mass_center import mass_centers, sine_fit
from toolbox.tools.align.neighbours import neighbour_shifts
from toolbox.tools.align.reprojection import Reprojection, held_out_agreement
from toolbox.tools.align.view_sample import ViewSample, binned
from toolbox.values import Block, Center, Shape, Shifts

AIR = 0.05
ROWS = 4
COARSE = 160  # columns of the first level
SAME = 0.002  # of agreement; less is no difference


@dataclass(frozen=True)
class AlignReprojection(Tool):
    """Horizontal shifts of projections, px, axes ``angle, (row, col)``; vertical ones are 0.

    Starts from the comparison of neighbours or from the centre of mass, whichever makes views left
    out of a reconstruction agree better with it; then reconstructs a few rows, projects the slices,
    registers each view to its projection (sub-pixel, along the slope), moves it, and again; first
    in wide bins, then finer. Fixed stripes are estimated and taken off inside, so they do not hold
    the views (:class:`toolbox.tools.align.reprojection.Reprojection`). Where views left out of the
    reconstruction agree less with it afterwards than before, the start is kept, with a warning.

    The axis need not be known: it is followed with the shifts, from ``center`` where given. The
    mean shift and a cosine and sine of the angle are taken out (gauge), so look for the axis on
    the corrected projections.

    >>> AlignReprojection().card.split.value, AlignReprojection().card.output.kind.value
    ('sample', 'shifts')
    """

    card = ToolCard(
        name="align_reprojection",
        title="alignment by iterative reprojection",
        title_zh="迭代重投影对齐",
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
            "Dengler 1989, doi:10.1016/0304-3991(89)90263-2",
            "Gürsoy et al. 2017, doi:10.1038/s41598-017-12141-9",
        ),
        limits="Horizontal shifts only. Samples wider than the field and few, noisy views are "
        "corrected in part: there the comparison of neighbours often says as much as can be said.",
        bands=ROWS,
        band_rows=1,
        default_on=False,
    )

    rounds: Annotated[int, Param("most reconstructions at each binning", low=1, high=200)] = 20
    columns: Annotated[int, Param("most columns looked at, by binning", "px", low=64)] = 640

    def __call__(self, *, projections: Block, center: Center | None = None) -> Shifts:  # type: ignore[override]
        sample = ViewSample.of(projections, columns=self.columns, rows=ROWS)
        count = len(sample.order)
        if count < 8:
            warning = f"{count} views are too few to reconstruct from; nothing is moved"
            return Shifts(np.zeros((count, 2)), "reprojection", (warning,))
        centers, air = mass_centers(sample.values)
        truncated = air > AIR
        middle = (sample.values.shape[-1] - 1) / 2
        if center is not None:
            axis = (center.column + 0.5) / sample.bin_width - 0.5
        elif truncated:
            axis = middle
        else:
            axis = sine_fit(centers, sample.angles_rad)[1]
        axis = float(np.clip(axis, 0.5 * middle, 1.5 * middle))
        starts = {"neighbouring views": neighbour_shifts(sample.values)}
        if not truncated:
            starts["the centre of mass"] = sine_fit(centers, sample.angles_rad)[0]

        def agreement(shifts: NDArray[np.float64], at: float) -> float:
            return held_out_agreement(sample.values, sample.angles_rad, at, truncated, shifts)

        begun = {name: agreement(shifts, axis) for name, shifts in starts.items()}
        name = max(begun, key=lambda n: begun[n])
        start = starts[name]
        found = self._refined(sample.values, sample.angles_rad, axis, truncated, start)
        warnings = []
        if truncated:
            warnings.append("the sample is wider than the field: its shifts are less certain")
        before = agreement(start, axis + float(np.mean(found)))
        after = agreement(found, axis)
        if after < before - SAME:
            found = start
            warnings.append(
                f"reprojection did not help (views left out agree with the rest by {after:.3f} "
                f"after, {before:.3f} before): the shifts are those from {name}"
            )
        pixels = np.zeros((count, 2))
        pixels[:, 1] = sample.in_block(without_gauge(found, sample.angles_rad))
        return Shifts(pixels, "reprojection", tuple(warnings))

    def _refined(
        self,
        values: NDArray[np.float32],
        angles_rad: NDArray[np.float64],
        axis: float,
        truncated: bool,
        shifts: NDArray[np.float64],
    ) -> NDArray[np.float64]:
        """Coarse, then fine; only coarse where the sample is wider than the field: the finer, the
        more a view agrees with the reconstruction because it is in it."""
        coarse = max(values.shape[-1] // COARSE, 1)
        for width in [coarse] if truncated else sorted({coarse, 1}, reverse=True):
            level = Reprojection(
                binned(values, width), angles_rad, (axis + 0.5) / width - 0.5, truncated
            )
            shifts = level.refine(shifts / width, self.rounds) * width
        return shifts

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["projections"]
        columns = min(shape.columns, self.columns)
        looked_at = float(shape.frames * min(shape.rows, ROWS) * columns)
        transforms = 60.0 * looked_at + 5.0 * columns**2 * np.log2(columns + 2)
        return Cost(2.0 * self.rounds * transforms, 80.0 * looked_at + 40.0 * columns**2)
