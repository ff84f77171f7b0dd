"""The values that flow on the edges of a pipeline. Lengths in m, angles in rad, axis in columns."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.scan_info import ScanInfo
from toolbox.kinds import DataKind, GreyState


@dataclass(frozen=True, eq=False)
class Geometry:
    """Parallel-beam geometry of a stack. ``rows`` and ``columns`` count the whole detector
    (after any stitching), of which a block may hold a part of the rows. ``flats_before``: how many
    of the flats came before the projections, the others after; None where not known."""

    angles_rad: NDArray[np.float64]
    rows: int
    columns: int
    pixel_size_m: float | None = None
    energy_kev: float | None = None
    distance_m: float | None = None
    flats_before: int | None = None

    @classmethod
    def of(cls, info: ScanInfo) -> Geometry:
        return cls(
            np.asarray(info.angles_rad, dtype=np.float64),
            info.rows,
            info.columns,
            info.pixel_size_m,
            info.energy_kev,
            info.distance_m,
            info.flats_before,
        )


@dataclass(frozen=True, eq=False)
class Block:
    """A piece of a stack and where it lies in the whole.

    ``values`` is float32 (labels: an integer type) with axes by ``kind``: ``angle, row, col``
    (projections), ``row, angle, col`` (sinogram), ``z, y, x`` (volume, labels),
    ``material, z, y, x`` (materials).
    ``rows`` holds the index in the whole of each row (or z) here, increasing but not always
    contiguous (samples); ``frames`` the index of each projection here. ``geometry.angles_rad``
    lists the angles of the frames in this block. ``flats`` and ``darks`` (``frame, row, col``,
    same rows) and ``monitor`` (one per frame) ride along until a tool consumes them.
    """

    values: NDArray[Any]
    kind: DataKind
    state: GreyState
    geometry: Geometry
    rows: NDArray[np.intp]
    frames: NDArray[np.intp] = field(default_factory=lambda: np.empty(0, dtype=np.intp))
    flats: NDArray[np.float32] | None = None
    darks: NDArray[np.float32] | None = None
    monitor: NDArray[np.float64] | None = None

    def with_values(self, values: NDArray[Any], **changes: Any) -> Block:
        """The same place with other values (and other fields where given)."""
        return dataclasses.replace(self, values=values, **changes)

    def as_kind(self, kind: DataKind) -> Block:
        """Projections seen as sinogram or back: a view, no copy."""
        pair = {DataKind.PROJECTIONS, DataKind.SINOGRAM}
        if kind == self.kind:
            return self
        if {kind, self.kind} != pair:
            raise TypeError(f"a {self.kind} cannot be seen as {kind}")
        return dataclasses.replace(self, values=self.values.swapaxes(0, 1), kind=kind)

    @property
    def row_axis(self) -> int:
        """Which axis of ``values`` holds the rows (or z)."""
        return 1 if self.kind in (DataKind.PROJECTIONS, DataKind.MATERIALS) else 0

    def take_rows(self, chosen: slice) -> Block:
        """The block cut to some of its rows (positions within the block): views, no copy."""
        index: list[Any] = [slice(None)] * self.values.ndim
        index[self.row_axis] = chosen
        return dataclasses.replace(
            self,
            values=self.values[tuple(index)],
            rows=self.rows[chosen],
            flats=None if self.flats is None else self.flats[:, chosen],
            darks=None if self.darks is None else self.darks[:, chosen],
        )


@dataclass(frozen=True)
class Center:
    """The rotation axis: a 0-based column, its 95 % interval, and its tilt in the detector plane.

    ``column`` holds at the middle row; at another row it is
    ``column + tan(tilt_rad) * (row - middle)``.
    """

    column: float
    low: float
    high: float
    tilt_rad: float = 0.0
    method: str = ""
    warnings: tuple[str, ...] = ()
    tilt_error_rad: float | None = None  # standard error; None: one row, or rows close together

    def at_rows(self, rows: NDArray[np.intp], total_rows: int) -> NDArray[np.float64]:
        """The axis column at each of some rows of a detector with ``total_rows`` rows."""
        middle = (total_rows - 1) / 2
        return self.column + np.tan(self.tilt_rad) * (np.asarray(rows, np.float64) - middle)


@dataclass(frozen=True, eq=False)
class Shifts:
    """How far each projection lies from its ideal place, in px, axes ``angle, (row, col)``.

    The correction moves the frame by the negative of this.
    """

    pixels: NDArray[np.float64]
    method: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Transform:
    """Where each voxel of a reference lies in a moved volume, positions ``z, y, x`` in px.

    ``matrix`` (4 × 4) takes a reference position ``(z, y, x, 1)`` to the moved one. ``grid``, where
    there is one, holds what is to be added, axes ``z, y, x, component``, at nodes that begin at the
    reference position ``origin`` and lie ``spacing`` apart; between them it goes linearly, outside
    it stays as at the border. ``shape`` is the size of the reference.
    """

    matrix: NDArray[np.float64]
    shape: tuple[int, int, int]
    grid: NDArray[np.float32] | None = None
    origin: tuple[float, float, float] = (0.0, 0.0, 0.0)
    spacing: tuple[float, float, float] = (1.0, 1.0, 1.0)
    method: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Displacement:
    """How far the places of a reference moved, in px.

    ``vectors``: axes ``z, y, x, component`` (node by node; components z, y, x);
    ``correlation``: likeness of the two windows of a node, ``z, y, x``, 1: the same, 0: nothing in
    common; ``trusted``: nodes whose vector was measured, the others are medians of their
    neighbours; ``z``, ``y``, ``x``: places of the nodes in the reference.
    """

    vectors: NDArray[np.float32]
    correlation: NDArray[np.float32]
    trusted: NDArray[np.bool_]
    z: NDArray[np.float64]
    y: NDArray[np.float64]
    x: NDArray[np.float64]
    method: str = ""
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class Pattern:
    """Diffraction patterns: ``intensity`` with axes ``frame, bin`` over ``two_theta_deg`` (bin
    centres), its standard deviation by counting statistics, and the wavelength in m."""

    two_theta_deg: NDArray[np.float64]
    intensity: NDArray[np.float64]
    sigma: NDArray[np.float64]
    wavelength_m: float | None = None
    warnings: tuple[str, ...] = ()


@dataclass(frozen=True)
class Quantity:
    """A number with its unit, and an interval where one is known."""

    value: float
    unit: str = ""
    low: float | None = None
    high: float | None = None


@dataclass(frozen=True)
class Quantities:
    """Named numbers (porosity, mean diameter …) and tables (histograms as columns)."""

    values: dict[str, Quantity]
    tables: dict[str, dict[str, list[float]]] = field(default_factory=dict)


@dataclass(frozen=True)
class Shape:
    """Size of a stack: ``frames`` is the number of projections, or y of a volume."""

    frames: int
    rows: int
    columns: int

    @property
    def voxels(self) -> int:
        return self.frames * self.rows * self.columns
