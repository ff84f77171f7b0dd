"""What the frames of a scan show of the instrument, for the early warning."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.errors import TomoplanError
from metadata.scan import Scan
from metadata.scan_info import GreyState
from metadata.series import MetricInfo
from toolbox.jitter import jitter_level
from toolbox.kinds import DataKind
from toolbox.noise import noise_sigma
from toolbox.registry import make_tool
from toolbox.values import Block, Geometry

METRICS = {
    info.name: info
    for info in (
        MetricInfo("axis_position", "px", about="rotation axis on the detector, measured"),
        MetricInfo("axis_tilt", "deg", about="lean of the axis in the plane of the detector"),
        MetricInfo("flat_level", "counts", about="median of the flats over the darks"),
        MetricInfo("flat_level_per_current", "counts/mA", about="the same over the ring current"),
        MetricInfo("flat_shift_x", "px", about="columns that the flats' pattern has moved by"),
        MetricInfo("flat_shift_y", "px", about="rows that the flats' pattern has moved by"),
        MetricInfo("view_noise", "", about="noise of the attenuation, one standard deviation"),
        MetricInfo("view_shift", "px", about="RMS of the shifts from view to view"),
        MetricInfo("residual_shift", "px", about="the same after alignment to the neighbours"),
    )
}
LEAST_PROFILE = 32  # px, for a shift to be told
LIKE_ENOUGH = 0.5  # correlation of two profiles, for a shift to be believed


@dataclass(frozen=True)
class FrameMeasures:
    """Measures a scan on a few rows and views; implements
    :class:`metadata.sources.scan_measures.ScanMeasures`.

    What cannot be measured (no flats, too few views, an axis that the methods do not agree on) is
    left out. Shifts of the flats count from those of the reference, against which what is fixed to
    the detector works: of a pattern that stands still in part they are too small.
    """

    rows: int = 3
    views: int = 360

    def metrics(self) -> Mapping[str, MetricInfo]:
        return METRICS

    def measure(self, scan: Scan, reference: Scan | None) -> Mapping[str, float]:
        """Values by name, in the units of :data:`METRICS`."""
        found: dict[str, float] = {}
        if scan.info.flats:
            found |= _flat_level(scan)
            if reference is not None and reference.info.flats:
                found |= _flat_shift(scan, reference)
        sinogram = _attempt(lambda: self._sinogram(scan))
        if sinogram is not None:
            found |= _axis(sinogram)
            found["view_noise"] = noise_sigma(sinogram.values)
            found |= _shifts(sinogram)
        return {name: value for name, value in found.items() if np.isfinite(value)}

    def _sinogram(self, scan: Scan) -> Block:
        """Attenuation of some rows and views, ``row, angle, col``."""
        info = scan.info
        rows = np.unique(np.linspace(0.1, 0.9, self.rows) * (info.rows - 1)).round().astype(np.intp)
        rows = np.unique(rows)
        step = max(1, info.projections // self.views)
        frames = np.arange(0, info.projections, step)
        values = _rows_of(lambda r: scan.projections(slice(None, None, step), r), rows)
        geometry = Geometry(
            np.asarray(info.angles_rad)[frames], info.rows, info.columns, info.pixel_size_m
        )
        block = Block(
            values, DataKind.PROJECTIONS, info.state, geometry, rows, np.arange(len(frames)),
            flats=_rows_of(scan.flats, rows) if info.flats else None,
            darks=_rows_of(scan.darks, rows) if info.darks else None,
        )  # fmt: skip
        if block.state is GreyState.COUNTS:
            block = make_tool("flat_field" if info.flats else "air_normalisation", {})(
                projections=block
            )
        if block.state is GreyState.TRANSMISSION:
            block = make_tool("minus_log", {})(projections=block)
        return block.as_kind(DataKind.SINOGRAM)


def _rows_of(
    read: Callable[[slice], NDArray[np.float32]], rows: NDArray[np.intp]
) -> NDArray[np.float32]:
    return np.concatenate([read(slice(int(r), int(r) + 1)) for r in rows], axis=1)


def _attempt(work: Callable[[], Block]) -> Block | None:
    try:
        return work()
    except TomoplanError:
        return None


def _axis(sinogram: Block) -> dict[str, float]:
    from toolbox.centering import estimate_center

    try:
        center = estimate_center(sinogram, effort="quick")
    except TomoplanError:
        return {}
    if center.high - center.low > 0.02 * sinogram.geometry.columns:
        return {}  # the methods do not agree: no reading
    found = {"axis_position": center.column}
    if center.tilt_error_rad is not None:
        found["axis_tilt"] = float(np.degrees(center.tilt_rad))
    return found


def _shifts(sinogram: Block) -> dict[str, float]:
    """How far views jump, as they are and after alignment to their neighbours."""
    rms, _, high = jitter_level(sinogram)
    if high >= sinogram.values.shape[-1] / 4:  # nothing can be told
        return {}
    found = {"view_shift": rms}
    try:
        projections = sinogram.as_kind(DataKind.PROJECTIONS)
        shifts = make_tool("align_cross_correlation", {})(projections=projections)
        aligned = make_tool("apply_shifts", {})(projections=projections, shifts=shifts)
    except TomoplanError:
        return found
    found["residual_shift"] = jitter_level(aligned.as_kind(DataKind.SINOGRAM))[0]
    return found


# ---- flat fields ---------------------------------------------------------------------------------


def _mean_flat(scan: Scan) -> NDArray[np.float32]:
    """Mean flat over the mean dark, ``row, col``."""
    flat = scan.flats().mean(axis=0)
    return flat - scan.darks().mean(axis=0) if scan.info.darks else flat


def _flat_level(scan: Scan) -> dict[str, float]:
    level = float(np.median(_mean_flat(scan)))
    found = {"flat_level": level}
    current = scan.info.ring_current_ma
    if current is not None and sum(current) > 0:
        found["flat_level_per_current"] = level / (sum(current) / 2)
    return found


def _flat_shift(scan: Scan, reference: Scan) -> dict[str, float]:
    """How far the pattern of the flats lies from that of the reference."""
    mine, theirs = _mean_flat(scan), _mean_flat(reference)
    found = {}
    for name, axis in (("flat_shift_x", 0), ("flat_shift_y", 1)):
        shift = profile_shift(mine.mean(axis=axis), theirs.mean(axis=axis))
        if shift is not None:
            found[name] = shift
    return found


def profile_shift(profile: NDArray[np.float32], other: NDArray[np.float32]) -> float | None:
    """Pixels by which a profile lies after another, to a part of one; None where they are too short
    or not alike.

    The slow part of both is taken off; the highest correlation over shifts up to a quarter of the
    length, refined by the parabola through its neighbours.

    >>> x = np.arange(200)
    >>> wave = lambda x: np.sin(x / 5) + np.sin(x / 3.1)
    >>> round(profile_shift(wave(x - 2.3), wave(x)), 1)
    2.3
    """
    size = len(profile)
    if size < LEAST_PROFILE or size != len(other):
        return None
    most = size // 4
    a, b = (_detail(np.asarray(p, np.float64)) for p in (profile, other))
    inner = slice(most, size - most)
    template = b[inner] - b[inner].mean()
    windows = np.lib.stride_tricks.sliding_window_view(a, size - 2 * most)
    windows = windows - windows.mean(axis=1, keepdims=True)
    scale = np.linalg.norm(windows, axis=1) * np.linalg.norm(template)
    if not scale.min() > 0:
        return None
    likeness = windows @ template / scale
    best = int(np.argmax(likeness))
    if likeness[best] < LIKE_ENOUGH or not 0 < best < len(likeness) - 1:
        return None
    left, middle, right = likeness[best - 1 : best + 2]
    return float(best - most + 0.5 * (left - right) / (left - 2 * middle + right))


def _detail(profile: NDArray[np.float64]) -> NDArray[np.float64]:
    """A profile over its running mean of a sixteenth of its length and at least nine pixels."""
    width = max(len(profile) // 16, 9) | 1
    padded = np.pad(profile, width // 2, mode="edge")
    sums = np.cumsum(np.r_[0.0, padded])
    return profile - (sums[width:] - sums[:-width]) / width
