"""What a scan's file says of the instrument, as metrics."""

from __future__ import annotations

import math
from collections.abc import Mapping

from metadata.scan_info import ScanInfo
from metadata.series import MetricInfo
from metadata.sources.timestamps import parse_time

SAID: dict[str, MetricInfo] = {
    info.name: info
    for info in (
        MetricInfo("ring_current", "mA", about="mean of the lowest and the highest in the scan"),
        MetricInfo("ring_current_drop", "mA", about="from the highest to the lowest in the scan"),
        MetricInfo("photon_energy", "keV", about="as the file says"),
        MetricInfo("exposure", "s", about="of a frame, as the file says"),
        MetricInfo("detector_distance", "m", about="from the sample, as the file says"),
        MetricInfo("pixel_size", "um", about="as the file says"),
        MetricInfo("axis_said", "px", about="rotation axis on the detector, as the file says"),
        MetricInfo("scan_duration", "s", about="from the beginning to the end of the scan"),
    )
}


def said_by(info: ScanInfo) -> dict[str, float]:
    """The metrics of :data:`SAID` that a file tells."""
    low, high = info.ring_current_ma or (math.nan, math.nan)
    start, end = (parse_time(t or "") for t in (info.start_time, info.end_time))
    size = info.pixel_size_m
    found: Mapping[str, float | None] = {
        "ring_current": (low + high) / 2,
        "ring_current_drop": high - low if high > low else None,
        "photon_energy": info.energy_kev,
        "exposure": info.exposure_s,
        "detector_distance": info.distance_m,
        "pixel_size": None if size is None else size * 1e6,
        "axis_said": info.rotation_axis_px,
        "scan_duration": end - start if start is not None and end is not None else None,
    }
    return {n: float(v) for n, v in found.items() if v is not None and math.isfinite(v)}


def metric_of(name: str, unit: str, columns: int, usual: int) -> str:
    """The metric that a measurement belongs to. What is measured in pixels means another thing on
    frames of another width: these have metrics of their own.

    >>> metric_of("axis_position", "px", 1024, 2048), metric_of("noise", "", 1024, 2048)
    ('axis_position_1024', 'noise')
    """
    return name if columns == usual or unit != "px" else f"{name}_{columns}"
