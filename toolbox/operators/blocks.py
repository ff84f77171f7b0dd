"""Blocks in and out of the operator."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Port, grey
from toolbox.devices import torch_device
from toolbox.kinds import DataKind, GreyState
from toolbox.operators.weights import is_half_acquisition, wide_size
from toolbox.tool import Cost
from toolbox.values import Block, Center, Shape

if TYPE_CHECKING:
    import torch

    from toolbox.operators.parallel_beam import ParallelBeam

NO_TILT_PX = 0.05  # rows mixed at the edge of the field below which a tilt is left to the centres


def slice_size(sinogram: Block, center: Center) -> int:
    """Side of the slices: the number of columns, or the wider field of a half acquisition."""
    columns = sinogram.values.shape[-1]
    if is_half_acquisition(sinogram.geometry.angles_rad, columns, center.column):
        return wide_size(columns, center.column)
    return columns


def tilt_rows(sinogram: Block, center: Center) -> int:
    """Neighbouring rows that a leaning axis mixes into a slice, at the edge of the field."""
    columns = sinogram.values.shape[-1]
    reach = max(center.column, columns - 1 - center.column) * abs(np.sin(center.tilt_rad))
    return 0 if reach < NO_TILT_PX else int(np.ceil(reach)) + 1


def reconstruction_ports() -> dict[str, Port]:
    """What every reconstruction takes."""
    return {
        "sinogram": grey(DataKind.SINOGRAM, GreyState.ATTENUATION, GreyState.PHASE),
        "center": Port(DataKind.CENTER),
    }


def measured_geometry(
    sinogram: Block, center: Center, size: int | None, tilt_halo: int | None
) -> tuple[int, int, list[str]]:
    """The side of a slice and the rows mixed, found where not given, with what to report."""
    notes = []
    if size is None:
        size = slice_size(sinogram, center)
        half = size != sinogram.values.shape[-1]
        notes.append(f"Half acquisition: slices are {size} px wide." if half
                     else f"Slices are {size} px wide, as the detector is.")  # fmt: skip
    if tilt_halo is None:
        tilt_halo = tilt_rows(sinogram, center)
        if tilt_halo:
            notes.append(f"The leaning axis mixes {tilt_halo} rows on each side.")
    return size, tilt_halo, notes


def operator_for(
    sinogram: Block,
    center: Center,
    size: int | None = None,
    views: NDArray[np.intp] | slice = slice(None),
    precision: float = 1e-3,
    threads: int | None = None,
) -> ParallelBeam:
    """The operator of a block's geometry. Rows that are not neighbours (samples) get the axis of
    their own row and are not mixed."""
    from toolbox.operators.parallel_beam import ParallelBeam

    centers = center.at_rows(sinogram.rows, sinogram.geometry.rows)
    neighbours = bool(np.all(np.diff(sinogram.rows) == 1)) and len(sinogram.rows) > 1
    tilted = neighbours and tilt_rows(sinogram, center) > 0
    return ParallelBeam(
        sinogram.geometry.angles_rad[views],
        sinogram.values.shape[-1],
        centers,
        tilt_rad=center.tilt_rad if tilted else 0.0,
        size=size or slice_size(sinogram, center),
        device=torch_device(),
        precision=precision,
        threads=threads,
        half_acquisition=is_half_acquisition(
            sinogram.geometry.angles_rad, sinogram.values.shape[-1], center.column
        ),
    )


def as_tensor(sinogram: Block) -> torch.Tensor:
    """The values ``row, angle, col`` as a float32 tensor on the device (shared where possible)."""
    import torch

    values = np.ascontiguousarray(sinogram.as_kind(DataKind.SINOGRAM).values, np.float32)
    if not values.flags.writeable:
        values = values.copy()
    return torch.from_numpy(values).to(torch_device())


def as_volume(sinogram: Block, slices: torch.Tensor) -> Block:
    """Slices ``z, y, x`` as a block at the rows of their sinogram."""
    return sinogram.with_values(
        slices.cpu().numpy(), kind=DataKind.VOLUME, frames=np.empty(0, np.intp),
        flats=None, darks=None, monitor=None,
    )  # fmt: skip


def solve_rows(
    sinogram: Block,
    center: Center,
    size: int | None,
    solver: Callable[[ParallelBeam, torch.Tensor], torch.Tensor],
) -> Block:
    """Rows through a solver that treats each on its own, a few at a time to bound the memory."""
    import torch

    from toolbox.operators.nufft import default_threads

    # Two rows travel together; over many iterations their crosstalk must stay small.
    operator = operator_for(sinogram, center, size, precision=1e-4)
    operator, y = operator.straightened(as_tensor(sinogram))
    height = 2 * default_threads()
    slices = [
        solver(operator.for_rows(part), y[part])
        for part in (slice(row, row + height) for row in range(0, len(y), height))
    ]
    return as_volume(sinogram, torch.cat(slices))


def volume_shape(sinogram: Shape, size: int | None) -> Shape:
    """Size of the volume of a sinogram."""
    side = size or sinogram.columns
    return Shape(frames=side, rows=sinogram.rows, columns=side)


def projection_work(sinogram: Shape, size: int | None) -> float:
    """Nominal operations of one projection or back-projection: spreading each wave over the
    kernel, and the transforms of the padded square."""
    side = size or sinogram.columns
    padded = (1.25 * side) ** 2
    waves = 1.1 * sinogram.frames * max(side, sinogram.columns)
    return sinogram.rows * (30.0 * waves + 2.5 * padded * np.log2(padded + 2))


def solver_cost(sinogram: Shape, size: int | None, iterations: int, arrays: int) -> Cost:
    """Cost of ``iterations`` projections and back-projections that keep ``arrays`` copies of the
    two rows per thread that are worked on together."""
    side = size or sinogram.columns
    rows = min(sinogram.rows, 4)
    kept = 4.0 * arrays * rows * (side**2 + sinogram.frames * sinogram.columns)
    work = 2.0 * (iterations + 1) * projection_work(sinogram, size)
    return Cost(work, kept + projection_bytes(sinogram, size))


def projection_bytes(sinogram: Shape, size: int | None) -> float:
    """Peak memory beside input and output: two rows travel as complex numbers."""
    side = size or sinogram.columns
    waves = 2.2 * sinogram.frames * max(side, sinogram.columns)
    return 8.0 * (3 * waves + 2 * (1.25 * side) ** 2)
