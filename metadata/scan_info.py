"""What a file says about a scan, known without loading a frame."""

from __future__ import annotations

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray


class GreyState(StrEnum):
    """What a grey value means; −log turns transmission into attenuation, and only once."""

    COUNTS = "counts"
    TRANSMISSION = "transmission"
    ATTENUATION = "attenuation"
    PHASE = "phase"


class Content(StrEnum):
    """What a file holds: views of a specimen over angles, slices of it, or pictures in a row
    (diffraction patterns)."""

    PROJECTIONS = "projections"
    VOLUME = "volume"
    IMAGES = "images"


@dataclass(frozen=True, eq=False)
class ScanInfo:
    """Geometry and circumstances of a scan: lengths in m, angles in rad, energy in keV, time in s.

    ``angles_rad`` has one entry per projection, in the order of acquisition, as close to what the
    file says as can be known (never shifted or sorted); ``angles_assumed`` says that the file had
    none and that they were laid evenly over ``angles_assumed_range``.
    Of a volume (``content``), ``rows`` counts z, ``projections`` y and ``columns`` x; volumes and
    images have no angles (zeros).
    """

    path: Path
    format: str
    projections: int
    rows: int
    columns: int
    flats: int
    darks: int
    dtype: str
    state: GreyState
    angles_rad: NDArray[np.float64] = field(repr=False)
    angles_assumed: bool = False
    pixel_size_m: float | None = None
    energy_kev: float | None = None
    distance_m: float | None = None
    exposure_s: float | None = None
    rotation_axis_px: float | None = None
    ring_current_ma: tuple[float, float] | None = None  # lowest, highest during the scan
    start_time: str | None = None  # ISO-8601
    end_time: str | None = None
    sample: str | None = None
    probe: str = "x-ray"  # "x-ray", "neutron", "electron"
    warnings: tuple[str, ...] = ()
    content: Content = Content.PROJECTIONS
    dataset: str | None = None  # within the file, where the caller or the content chose one
    flats_before: int | None = None  # of the flats; the others came after; None where not known

    @property
    def angle_start_rad(self) -> float:
        """Angle of the first projection."""
        return float(self.angles_rad[0])

    @property
    def angle_stop_rad(self) -> float:
        """Angle of the last projection."""
        return float(self.angles_rad[-1])

    @property
    def angular_range_rad(self) -> float:
        """Span of the angles, one mean step included: π for a half turn without its end point."""
        span = float(np.ptp(self.angles_rad))
        return span + span / max(self.projections - 1, 1)

    @property
    def bytes(self) -> int:
        """Size of the projections as stored, uncompressed."""
        return self.projections * self.rows * self.columns * np.dtype(self.dtype).itemsize

    def to_json(self) -> dict[str, Any]:
        """The fields of INTERFACE's ``scan`` object; angles as start, stop and range only."""
        return {
            "path": str(self.path),
            "format": self.format,
            "content": self.content.value,
            "dataset": self.dataset,
            "projections": self.projections,
            "rows": self.rows,
            "columns": self.columns,
            "flats": self.flats,
            "darks": self.darks,
            "dtype": self.dtype,
            "state": self.state.value,
            "angle_start_rad": self.angle_start_rad,
            "angle_stop_rad": self.angle_stop_rad,
            "angular_range_rad": self.angular_range_rad,
            "angles_assumed": self.angles_assumed,
            "pixel_size_m": self.pixel_size_m,
            "energy_kev": self.energy_kev,
            "distance_m": self.distance_m,
            "exposure_s": self.exposure_s,
            "rotation_axis_px": self.rotation_axis_px,
            "ring_current_ma": list(self.ring_current_ma) if self.ring_current_ma else None,
            "start_time": self.start_time,
            "end_time": self.end_time,
            "sample": self.sample,
            "probe": self.probe,
            "bytes": self.bytes,
            "warnings": list(self.warnings),
        }
