"""A specimen wider or taller than the detector, scanned in overlapping tiles."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from simulators.random_streams import Stream, generator
from simulators.simulated_scan import SimulatedScan, simulate
from simulators.world import World


@dataclass(frozen=True, eq=False)
class Mosaic:
    """Tile scans with the same detector, row by row of tiles, and where they truly stand.

    ``nominal_px`` and ``offsets_px`` (``tile, (row, col)``): place of a tile's first pixel in the
    whole field as ordered and as it is. ``whole`` is the scan that one large detector would make,
    without the distortion that each tile has about its own middle: its ``truth(row)`` and
    ``truth_center`` are those of the stitched scan.
    """

    tiles: tuple[SimulatedScan, ...]
    nominal_px: NDArray[np.float64]
    offsets_px: NDArray[np.float64]
    whole: SimulatedScan


def mosaic(world: World, across: int = 2, down: int = 1, overlap_px: int = 40,
           stage_error_px: float = 0.0) -> Mosaic:  # fmt: skip
    """Scan a specimen in ``down`` × ``across`` tiles of ``world.rows`` × ``world.columns`` that
    overlap by ``overlap_px`` in both directions; the stage misses its place by a normal error of
    RMS ``stage_error_px`` in both (not for the first tile). ``world.center`` counts in the whole
    field (None: its middle); ``fill`` too.

    >>> two = mosaic(World("foam", columns=64, rows=1, projections=8), overlap_px=20)
    >>> two.offsets_px.tolist(), two.whole.info.columns
    ([[0.0, 0.0], [0.0, 44.0]], 108)
    """
    smallest = min(world.columns, world.rows if down > 1 else world.columns)
    if min(across, down) < 1 or not 0 <= overlap_px < smallest:
        raise InputError(
            f"A mosaic of {down} × {across} tiles that overlap by {overlap_px} px cannot be made "
            f"from tiles of {world.rows} × {world.columns} px (rows × columns); expected one tile "
            f"at least each way and an overlap from 0 to below {smallest} px."
        )
    step = np.array([world.rows - overlap_px, world.columns - overlap_px])
    grid = np.stack(np.meshgrid(np.arange(down), np.arange(across), indexing="ij"), axis=-1)
    nominal = (grid.reshape(-1, 2) * step).astype(np.float64)
    error = generator(world.seed, Stream.STAGE).normal(0, stage_error_px, nominal.shape)
    error[0] = 0
    if down == 1:
        error[:, 0] = 0  # one row of tiles is not asked to move along the axis
    offsets = nominal + error
    full = replace(
        world,
        columns=world.columns + int(step[1]) * (across - 1),
        rows=world.rows + int(step[0]) * (down - 1),
        specimen_seed=world.seed if world.specimen_seed is None else world.specimen_seed,
        detector_seed=world.seed if world.detector_seed is None else world.detector_seed,
    )
    beyond = 2 * np.ceil(np.abs(error).max())
    full = replace(full, radius_px=full.radius, height_px=full.height + beyond)
    middle = (full.rows - 1) / 2
    tiles = [
        replace(
            full,
            columns=world.columns,
            rows=world.rows,
            center=full.axis - offset[1],
            row_offset_px=full.row_offset_px + offset[0] + (world.rows - 1) / 2 - middle,
            seed=world.seed + 1 + number,
        )
        for number, offset in enumerate(offsets)
    ]
    whole = simulate(replace(full, distortion_px=0.0))
    return Mosaic(tuple(simulate(tile) for tile in tiles), nominal, offsets, whole)
