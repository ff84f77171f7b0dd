"""Rows mixed by an axis that leans in the detector plane."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    import torch


class RowShear:
    """Linear interpolation between rows, ``row, angle, col``, by ``(col − axis) sin(tilt)`` rows.

    A slice across a leaning axis crosses the detector along a leaning line. Its columns are
    taken care of by the axis of each row; this takes care of its rows (rows outside count as
    the outermost). Exact to first order in the tilt.
    """

    def __init__(
        self, centers: NDArray[np.float64], columns: int, tilt_rad: float, device: str
    ) -> None:
        rows = len(centers)
        offset = (np.arange(columns) - centers[:, None]) * np.sin(tilt_rad)
        row = np.arange(rows)[:, None]
        self._to_frame = _taps(row + offset, rows, device)
        self._to_slice = _taps(row - offset, rows, device)

    def gather(self, y: torch.Tensor) -> torch.Tensor:
        """Rows along slices → rows of the detector."""
        return _interpolate(y, *self._to_frame)

    def scatter(self, y: torch.Tensor) -> torch.Tensor:
        """The adjoint of ``gather``."""
        return _spread(y, *self._to_frame)

    def straighten(self, y: torch.Tensor) -> torch.Tensor:
        """Rows of the detector → rows along slices (the inverse of ``gather``, interpolated)."""
        return _interpolate(y, *self._to_slice)


def _taps(
    position: NDArray[np.float64], rows: int, device: str
) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    import torch

    position = np.clip(position, 0, rows - 1)
    below = np.minimum(position.astype(np.int64), max(rows - 2, 0))
    share = (position - below).astype(np.float32)
    above = np.minimum(below + 1, rows - 1)
    return (
        torch.from_numpy(below).to(device),
        torch.from_numpy(above).to(device),
        torch.from_numpy(share).to(device),
    )


def _interpolate(
    y: torch.Tensor, below: torch.Tensor, above: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    def take(index: torch.Tensor) -> torch.Tensor:
        return y.gather(0, index[:, None].expand(-1, y.shape[1], -1))

    return take(below) * (1 - share)[:, None] + take(above) * share[:, None]


def _spread(
    y: torch.Tensor, below: torch.Tensor, above: torch.Tensor, share: torch.Tensor
) -> torch.Tensor:
    import torch

    found = torch.zeros_like(y)
    for index, part in ((below, 1 - share), (above, share)):
        found.scatter_add_(0, index[:, None].expand(-1, y.shape[1], -1), y * part[:, None])
    return found
