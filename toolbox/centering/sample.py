"""The few rows in which the axis is sought, cleaned and put in order."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from toolbox.centering.views import FULL_TURN, Doubles, Floats, Views, textured
from toolbox.centering.wedge import support_radius
from toolbox.kinds import DataKind, GreyState
from toolbox.values import Block


@dataclass(frozen=True, eq=False)
class Sample:
    """Attenuation (or phase) of some rows, axes ``row, angle, col``, views in order of angle.

    ``heights``: each row's distance from the middle row, px; ``rows``: of the whole detector.
    """

    attenuation: Floats
    angles_rad: Doubles
    heights: Doubles
    rows: int

    @classmethod
    def of(cls, block: Block, most_rows: int) -> Sample:
        """Take up to ``most_rows`` rows, spread evenly; mend what is not finite; raise
        :class:`InputError` where nothing can tell the axis."""
        sinogram = block.as_kind(DataKind.SINOGRAM)
        values = sinogram.values
        if values.ndim != 3 or 0 in values.shape:
            raise InputError(
                f"The sinogram to find the rotation axis in is empty (shape {values.shape}, axes "
                f"row, angle, col). Give at least one row of at least 8 projections."
            )
        rows, views, columns = values.shape
        angles = np.asarray(block.geometry.angles_rad, np.float64)
        if len(angles) != views:
            raise InputError(
                f"The sinogram has {views} projections but {len(angles)} angles. Give one angle "
                f"for each projection."
            )
        if views < 8 or columns < 16:
            raise InputError(
                f"The rotation axis cannot be found in {views} projection(s) of {columns} columns: "
                f"at least 8 projections of 16 columns are needed. Give the axis (`axis at "
                f"{columns / 2:g}` in the request, known_center in a plan) or scan with more "
                f"projections."
            )
        if np.ptp(angles) < np.deg2rad(20):
            raise InputError(
                f"The projections span {np.rad2deg(np.ptp(angles)):.1f}°, too little to tell the "
                f"rotation axis (20° at least). Check the angles, or give the axis (`axis at "
                f"{columns / 2:g}` in the request, known_center in a plan)."
            )
        chosen = np.unique(np.linspace(0, rows - 1, most_rows + 2)[1:-1].round().astype(int))
        if rows <= most_rows:
            chosen = np.arange(rows)
        order = np.argsort(angles, kind="stable")
        taken = np.array(values[chosen][:, order], dtype=np.float32)
        if block.state == GreyState.TRANSMISSION:
            taken = -np.log(np.maximum(taken, np.float32(1e-6)))
        bad = ~np.isfinite(taken)
        if bad.all():
            raise InputError(
                "The sinogram holds no finite value, so no rotation axis can be found in it. "
                "Check the flat and dark fields and the logarithm before."
            )
        if bad.any():
            taken[bad] = np.median(taken[~bad])
        if float(np.ptp(taken)) <= 1e-6 * (abs(float(taken.mean())) + 1e-30):
            raise InputError(
                f"The sinogram is constant ({float(taken.flat[0]):.4g} everywhere): nothing in it "
                f"tells the rotation axis. Check that the beam was on and the rows hold specimen."
            )
        heights = np.asarray(block.rows, np.float64)[chosen] - (block.geometry.rows - 1) / 2
        return cls(taken, angles[order], heights, block.geometry.rows)

    @property
    def columns(self) -> int:
        return self.attenuation.shape[2]

    @property
    def step_rad(self) -> float:
        return float(np.median(np.diff(self.angles_rad)))

    @property
    def span_rad(self) -> float:
        """Span of the angles, one step included."""
        return float(np.ptp(self.angles_rad)) + self.step_rad

    @property
    def full_turn(self) -> bool:
        return self.span_rad > FULL_TURN

    @property
    def limits(self) -> tuple[float, float]:
        """Where the axis may lie, px: nearly anywhere for a full turn, else around the middle."""
        margin = (0.03 if self.full_turn else 0.2) * self.columns
        return margin, self.columns - 1 - margin

    @property
    def radius(self) -> float:
        """What the specimen may reach from the axis, px."""
        return support_radius(self.attenuation)

    def thinned(self, most_views: int) -> Sample:
        """Every n-th view."""
        every = -(-len(self.angles_rad) // most_views)
        return dataclasses.replace(
            self, attenuation=self.attenuation[:, ::every], angles_rad=self.angles_rad[::every]
        )

    def at_views(self, chosen: NDArray[np.intp]) -> Sample:
        """Some of the views (positions here)."""
        return dataclasses.replace(
            self, attenuation=self.attenuation[:, chosen], angles_rad=self.angles_rad[chosen]
        )

    def at_rows(self, chosen: NDArray[np.intp]) -> Sample:
        """Some of the rows (positions here)."""
        return dataclasses.replace(
            self, attenuation=self.attenuation[chosen], heights=self.heights[chosen]
        )

    def views(
        self, bin_: int, fine: float = 1.0, coarse: float = 16.0, limit: float = 2.0
    ) -> Views:
        """Band-passed, limited views (see :func:`toolbox.centering.views.textured`)."""
        return textured(self.attenuation, self.angles_rad, self.heights, bin_, fine, coarse, limit)
