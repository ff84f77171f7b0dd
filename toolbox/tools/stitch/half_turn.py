"""Which views of a full turn look at each other."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError


@dataclass(frozen=True, eq=False)
class HalfTurn:
    """Views of the first half turn and, for each, the two views whose mean with ``share`` of the
    ``after`` one stands for the view from behind."""

    angles_rad: NDArray[np.float64]
    views: NDArray[np.intp]
    before: NDArray[np.intp]
    after: NDArray[np.intp]
    share: NDArray[np.float32]

    @classmethod
    def of(cls, angles_rad: NDArray[np.float64]) -> HalfTurn:
        """From the angles of a full turn in any order and direction.

        >>> half = HalfTurn.of(np.deg2rad(np.arange(0, 360, 60.0)))
        >>> half.views.tolist(), half.after.tolist()
        ([0, 1, 2], [3, 4, 5])
        """
        angles = np.asarray(angles_rad, np.float64)
        order = np.argsort(angles, kind="stable")
        sorted_angles = angles[order]
        step = float(np.median(np.diff(sorted_angles))) if len(angles) > 2 else 0.0
        span = float(np.ptp(angles)) + step if len(angles) else 0.0
        if not step or span < 2 * np.pi - 2.5 * step:
            raise InputError(
                f"The {len(angles)} views span {np.rad2deg(span):.1f}°, expected a full turn of "
                f"360° for each view to have one from behind. Leave merging out: reconstruct the "
                f"scan as it is."
            )
        first = sorted_angles[0]
        near = 0.05 * step
        chosen = np.flatnonzero(sorted_angles < first + np.pi - near)
        behind = sorted_angles[chosen] + np.pi
        # a turn closes: the first views stand for those one turn on
        closed = np.concatenate([sorted_angles, sorted_angles[:2] + 2 * np.pi])
        index = np.concatenate([order, order[:2]])
        after = np.clip(np.searchsorted(closed, behind - near), 1, len(closed) - 1)
        gap = closed[after] - closed[after - 1]
        share = np.clip((behind - closed[after - 1]) / np.maximum(gap, 1e-12), 0, 1)
        share = np.where(share > 0.95, 1.0, np.where(share < 0.05, 0.0, share))
        return cls(
            sorted_angles[chosen], order[chosen], index[after - 1], index[after],
            share.astype(np.float32),
        )  # fmt: skip
