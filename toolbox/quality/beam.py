"""The operator of a block's rows, each about its own axis."""

from __future__ import annotations

from typing import TYPE_CHECKING

from toolbox.values import Block, Center

if TYPE_CHECKING:
    from toolbox.operators.parallel_beam import ParallelBeam


def beam_of(
    sinogram: Block, center: Center, size: int | None = None, views: slice = slice(None)
) -> ParallelBeam:
    """Parallel beam for some ``views`` of a sinogram (``row, angle, col``) and slices of ``size``
    px. Rows need not be neighbours; the lean of the axis enters as one axis a row."""
    from toolbox.devices import torch_device
    from toolbox.operators.blocks import slice_size
    from toolbox.operators.parallel_beam import ParallelBeam
    from toolbox.operators.weights import is_half_acquisition

    columns, angles = sinogram.values.shape[-1], sinogram.geometry.angles_rad
    return ParallelBeam(
        angles[views],
        columns,
        center.at_rows(sinogram.rows, sinogram.geometry.rows),
        size=size or slice_size(sinogram, center),
        device=torch_device(),
        half_acquisition=is_half_acquisition(angles, columns, center.column),
    )
