"""How much each view and each ray counts in an analytic reconstruction."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

GAP = 5.0  # times the usual step: a wider gap is missing data, not coarse sampling


def view_weights(angles_rad: NDArray[np.float64], period: float = np.pi) -> NDArray[np.float64]:
    """The angle that each view stands for, in rad: half the way to its neighbours on both sides.

    Angles count modulo ``period`` (π: a view and its mirror image are one direction). Views in
    one direction share its weight. A gap wider than five steps is missing data, not
    laid on the views beside it.

    >>> view_weights(np.array([0.0, np.pi / 4, np.pi / 2, 3 * np.pi / 4])) / np.pi
    array([0.25, 0.25, 0.25, 0.25])
    """
    angles = np.mod(np.asarray(angles_rad, np.float64), period)
    angles[period - angles < 1e-9] = 0.0
    order = np.argsort(angles, kind="stable")
    directions, which, counts = np.unique(
        np.round(angles[order] / 1e-9).astype(np.int64), return_inverse=True, return_counts=True
    )
    positions = directions * 1e-9
    if len(positions) == 1:
        return np.full(len(angles), period / len(angles))
    gaps = np.diff(positions, append=positions[0] + period)
    # The step between views, without the many tiny gaps that a half turn made twice leaves.
    step = float(np.median(gaps[gaps > 0.01 * period / len(gaps)]))
    widest = GAP * max(step, period / len(angles))
    halves = np.where(gaps > widest, step, gaps) / 2
    cells = (halves + np.roll(halves, 1)) / counts
    found = np.empty(len(angles))
    found[order] = cells[which]
    return found


def angular_coverage(angles_rad: NDArray[np.float64]) -> float:
    """The span of the angles with one mean step added, in rad."""
    angles = np.asarray(angles_rad, np.float64)
    span = float(np.ptp(angles))
    return span + span / max(len(angles) - 1, 1)


def missing_wedge(angles_rad: NDArray[np.float64]) -> tuple[float, float]:
    """The widest gap between the directions of the views that is missing data (see
    :func:`view_weights`): its part of a half turn, 0 where there is none, and its middle in rad.

    >>> share, middle = missing_wedge(np.deg2rad(np.arange(0.0, 120.0)))
    >>> round(180 * share), round(float(np.rad2deg(middle)), 1)
    (60, 149.5)
    """
    angles = np.sort(np.mod(np.asarray(angles_rad, np.float64), np.pi))
    gaps = np.diff(angles, append=angles[0] + np.pi)
    widest = int(np.argmax(gaps))
    step = float(np.median(gaps))
    missing = gaps[widest] - step if gaps[widest] > GAP * max(step, np.pi / len(angles)) else 0.0
    return float(missing / np.pi), float((angles[widest] + gaps[widest] / 2) % np.pi)


def is_half_acquisition(angles_rad: NDArray[np.float64], columns: int, center: float) -> bool:
    """Whether a full turn with the axis off the middle was made to widen the field: at least
    355° covered, and the axis more than 5 % of the width away from the middle."""
    full = angular_coverage(angles_rad) >= np.deg2rad(355)
    return full and abs(center - (columns - 1) / 2) > 0.05 * columns


def redundancy_weights(columns: int, center: float) -> NDArray[np.float64]:
    """Weight of each column of a full turn about an off-centre axis.

    A ray at distance s from the axis is measured again at −s half a turn later if that lies on
    the detector; w(s) + w(−s) = 1 with w rising as sin² over the overlap, and w = 1 outside it.
    """
    s = np.arange(columns) - center
    overlap = max(min(center, columns - 1 - center), 0.0) + 0.5
    toward_long_side = s if center < (columns - 1) / 2 else -s
    return np.sin(np.pi / 4 * (1 + np.clip(toward_long_side / overlap, -1, 1))) ** 2


def wide_size(columns: int, center: float) -> int:
    """Side of the slice that a half acquisition reaches, in px."""
    return 2 * round(max(center, columns - 1 - center)) + 1
