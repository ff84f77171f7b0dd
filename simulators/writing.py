"""Writes simulated scans, with the truth in a file of its own."""

from __future__ import annotations

from dataclasses import asdict
from pathlib import Path

import h5py
import numpy as np

from metadata.nxtomo_writer import write_nxtomo
from simulators.world import World, simulate


def write_scan(world: World, path: Path) -> Path:
    """Write a world's scan as NXtomo (uint16 counts); returns the path of the truth.

    The truth (``PATH.truth.h5``) holds ``volume`` (``z, y, x``, 1/px), ``center_px``, ``shifts_px``
    (``angle, (row, col)``) and the world's settings as attributes; nothing of it is in the scan.
    """
    scan = simulate(world)
    step = max(1, 64_000_000 // (world.rows * world.columns * 4))
    pieces = (
        scan.projections(slice(start, start + step)).astype(np.uint16)
        for start in range(0, world.projections, step)
    )
    write_nxtomo(
        path,
        pieces,
        scan.info.angles_rad,
        flats=scan.flats().astype(np.uint16),
        darks=scan.darks().astype(np.uint16),
        monitor=scan.monitor(),
        pixel_size_m=world.pixel_size_m,
        energy_kev=world.energy_kev,
        distance_m=world.distance_m,
        sample=world.specimen,
    )
    truth = path.with_name(path.name + ".truth.h5")
    with h5py.File(truth, "w") as file:
        shape = (world.rows, world.columns, world.columns)
        volume = file.create_dataset("volume", shape, np.float32, chunks=(1, *shape[1:]),
                                     compression="gzip")  # fmt: skip
        volume.attrs["units"] = "1/px"
        for row in range(world.rows):
            volume[row] = scan.truth(row)
        file["center_px"] = scan.truth_center
        file["shifts_px"] = scan.truth_shifts
        for name, value in asdict(world).items():
            file.attrs[name] = "none" if value is None else value
    return truth
