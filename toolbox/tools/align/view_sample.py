"""The part of a sample that alignment looks at: attenuation, binned, views in order of angle."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolbox.attenuation import attenuation_of
from toolbox.kinds import DataKind
from toolbox.values import Block


@dataclass(frozen=True, eq=False)
class ViewSample:
    """Attenuation ``row, angle, col`` with views by increasing angle, columns in bins.

    ``order[i]`` is the place in the block of the ``i``-th view here.
    """

    values: NDArray[np.float32]
    angles_rad: NDArray[np.float64]
    order: NDArray[np.intp]
    bin_width: int

    @classmethod
    def of(cls, sinogram: Block, columns: int = 1024, rows: int = 4) -> ViewSample:
        """At most so many columns (binned) and rows (evenly chosen) of a block."""
        part = sinogram.as_kind(DataKind.SINOGRAM)
        order = np.argsort(part.geometry.angles_rad, kind="stable")
        count = len(part.values)
        chosen = np.unique(np.linspace(0, count - 1, min(rows, count)).astype(int))
        width = -(-part.values.shape[-1] // columns)
        values = attenuation_of(part.with_values(part.values[chosen][:, order]))
        return cls(binned(values, width), part.geometry.angles_rad[order], order, width)

    def in_block(self, shifts: NDArray[np.float64]) -> NDArray[np.float64]:
        """Horizontal shifts of the views here, in bins, as px in the order of the block."""
        placed = np.empty(len(shifts))
        placed[self.order] = shifts * self.bin_width
        return placed


def binned(values: NDArray[np.float32], width: int) -> NDArray[np.float32]:
    """Means of ``width`` neighbours along the last axis; what is left over is dropped."""
    if width == 1:
        return values
    kept = values.shape[-1] // width * width
    return values[..., :kept].reshape(*values.shape[:-1], -1, width).mean(axis=-1)
