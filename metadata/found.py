"""What a reader found in a file, before angles, grey values and warnings are settled."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.frames import Selection
from metadata.scan_info import Content, GreyState


@dataclass(frozen=True, eq=False)
class RawAngles:
    """Angles as written: one per projection where the count is right, in a unit that may be
    missing; ``name`` says where they were."""

    values: NDArray[np.float64]
    unit: str | None
    name: str


@dataclass(frozen=True)
class Facts:
    """Circumstances of a scan, in the units of :class:`metadata.ScanInfo`."""

    pixel_size_m: float | None = None
    energy_kev: float | None = None
    distance_m: float | None = None
    exposure_s: float | None = None
    rotation_axis_px: float | None = None
    ring_current_ma: tuple[float, float] | None = None
    start_time: str | None = None
    end_time: str | None = None
    sample: str | None = None
    probe: str | None = None


@dataclass(frozen=True, eq=False)
class Found:
    """A scan as its format tells it. ``notes`` is free text in the file, which may say of what
    kind the values are; ``state`` is set where the format leaves no doubt. ``flats_before`` counts
    the flats before the first projection, where all others came after the last one."""

    path: Path
    format: str
    projections: Selection
    flats: tuple[Selection, ...] = ()
    darks: tuple[Selection, ...] = ()
    angles: RawAngles | None = None
    monitor: NDArray[np.float64] | None = None
    facts: Facts = field(default_factory=Facts)
    notes: str = ""
    state: GreyState | None = None
    warnings: tuple[str, ...] = ()
    content: Content = Content.PROJECTIONS
    dataset: str | None = None
    flats_before: int | None = None

    def close(self) -> None:
        """Let go of the files."""
        for selection in (self.projections, *self.flats, *self.darks):
            selection.source.close()
