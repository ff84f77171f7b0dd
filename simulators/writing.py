"""Writes simulated scans slab by slab, with the truth in a file of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import h5py
import numpy as np
from numpy.typing import NDArray

from metadata.dx_writer import write_dx
from metadata.errors import InputError
from metadata.nxtomo_writer import write_nxtomo
from metadata.whole_file import whole_file
from simulators.simulated_scan import SimulatedScan, simulate
from simulators.world import World

FORMATS = ("nxtomo", "dx")
SLAB_BYTES = 128 * 2**20  # of uint16 projections

Progress = Callable[[int, int], None]


def write_scan(world: World, path: Path, format: str = "nxtomo", *, volume: bool = True,
               progress: Progress | None = None) -> Path:  # fmt: skip
    """Write a world's scan (uint16 counts) as ``nxtomo`` or ``dx``; returns the path of the truth.

    Frames are made and written by blocks of rows, so memory does not grow with the number of rows
    but for the flats and darks. The truth is in ``PATH.truth.h5``, nothing of it in the scan:

    - the world's settings as attributes, ``notes``, ``materials`` and ``labels_of`` by index;
    - ``volume`` (``z, y, x``, 1/px at energy_kev) and ``labels`` (unless ``volume=False``);
    - ``center_px``, ``tilt_rad`` (angle), ``shifts_px`` (``angle, (row, col)``), its parts below
      ``shift_parts_px/``, ``beam`` (angle), ``flat_shifts_px`` (``angle, (row, col)``);
    - ``rings/steady`` (``row, col``), and tables: ``rings/segments`` (row, col, first, last,
      change), ``zingers`` (row, angle, col), ``dead`` and ``hot`` (row, col);
    - with a deformation, ``displacement`` (``(z, y, x), z, y, x`` on every eighth voxel, px).

    ``progress(done, of)`` hears of rows done, of the scan and then of its truth.
    """
    check_format(format)
    scan = simulate(world)
    info = scan.info
    facts: dict[str, Any] = {
        "flats": _whole(world, info.flats, scan.flats),
        "darks": _whole(world, world.darks, scan.darks),
        "pixel_size_m": world.pixel_size_m,
        "energy_kev": info.energy_kev,
        "distance_m": world.distance_m,
        "exposure_s": world.exposure_s,
        "sample": world.specimen,
        "probe": world.probe,
        "rows": world.rows,
    }
    if format == "nxtomo":
        write_nxtomo(path, _slabs(scan, progress), info.angles_rad, monitor=scan.monitor(),
                    flats_before=info.flats_before, **facts)  # fmt: skip
    else:
        write_dx(path, _slabs(scan, progress), info.angles_rad, **facts)
    truth = path.with_name(path.name + ".truth.h5")
    # Each chunk is written once and whole: keeping them would only fill the memory
    with whole_file(truth) as draft, h5py.File(draft, "w", rdcc_nbytes=2**20) as file:
        _write_truth(file, scan, volume, progress)
    return truth


def check_format(format: str) -> None:
    """Raise where there is no such format of scans."""
    if format not in FORMATS:
        raise InputError(f"The format is {format!r}, expected one of {', '.join(FORMATS)}.")


def _whole(world: World, count: int, frames: Callable[[slice], NDArray]) -> NDArray[np.uint16]:
    # Row by row: as float32, the flats of a large detector alone would fill the memory.
    found = np.empty((count, world.rows, world.columns), np.uint16)
    for row in range(world.rows):
        found[:, row] = frames(slice(row, row + 1))[:, 0]
    return found


def _slabs(scan: SimulatedScan, progress: Progress | None) -> Iterator[NDArray[np.uint16]]:
    world = scan.world
    fit = SLAB_BYTES // (2 * world.projections * world.columns)
    step = scan.block_rows * max(1, fit // scan.block_rows)
    for start in range(0, world.rows, step):
        stop = min(start + step, world.rows)
        yield scan.counts(slice(start, stop))
        if progress:
            progress(stop, 2 * world.rows)


def _write_truth(file: h5py.File, scan: SimulatedScan, volume: bool, progress: Progress | None
                 ) -> None:  # fmt: skip
    world = scan.world
    for name, value in world.to_dict().items():
        file.attrs[name] = "none" if value is None else value
    file["center_px"] = scan.truth_center
    file["tilt_rad"] = scan.truth_tilt
    file["shifts_px"] = scan.truth_shifts
    for name, part in scan.truth_shift_parts.items():
        file[f"shift_parts_px/{name}"] = part
    file["beam"] = scan.truth_beam
    file["flat_shifts_px"] = scan.truth_flat_shifts
    file["notes"] = list(scan.notes)
    file["labels_of"] = list(scan.specimen.labels)
    file["materials"] = [m.name for m in scan.specimen.materials]
    file["attenuation_per_px"] = scan.attenuation_per_px()
    if world.deformation_px:
        _write_displacement(file, scan)
    steady = file.create_dataset("rings/steady", (world.rows, world.columns), np.float32)
    tables = {
        "rings/segments": _Table(file, "rings/segments", ("row", "col", "first", "last", "change")),
        "zingers": _Table(file, "zingers", ("row", "angle", "col")),
        "dead": _Table(file, "dead", ("row", "col")),
        "hot": _Table(file, "hot", ("row", "col")),
    }
    slices = _slice_sets(file, world) if volume else None
    for row in range(world.rows):
        rings = scan.truth_rings(row)
        steady[row] = rings.steady
        tables["rings/segments"].add(row, np.column_stack([rings.segments, rings.change]))
        tables["zingers"].add(row, scan.truth_zingers(row))
        tables["dead"].add(row, scan.truth_dead(row)[:, None])
        tables["hot"].add(row, scan.truth_hot(row)[:, None])
        if slices:
            slices[0][row] = scan.truth(row)
            slices[1][row] = scan.labels(row)
        if progress:
            progress(world.rows + row + 1, 2 * world.rows)


def _slice_sets(file: h5py.File, world: World) -> tuple[h5py.Dataset, h5py.Dataset]:
    shape = (world.rows, world.columns, world.columns)
    how: dict[str, Any] = {"chunks": (1, *shape[1:]), "compression": "gzip",
                           "compression_opts": 1, "shuffle": True}  # fmt: skip
    values = file.create_dataset("volume", shape, np.float32, **how)
    values.attrs["units"] = "1/px"
    return values, file.create_dataset("labels", shape, np.uint8, **how)


def _write_displacement(file: h5py.File, scan: SimulatedScan, step: int = 8) -> None:
    world = scan.world
    z = np.arange(0, world.rows, step) - (world.rows - 1) / 2 + world.row_offset_px
    line = np.arange(0, world.columns, step) - (world.columns - 1) / 2
    field = scan.displacement(*np.meshgrid(z, line, line, indexing="ij"))
    file["displacement"] = field.astype(np.float32)
    file["displacement"].attrs["step_px"] = step
    file["displacement"].attrs["units"] = "px"


class _Table:
    """Rows of numbers that grow on disk; columns are named in the attribute ``columns``."""

    def __init__(self, file: h5py.File, name: str, columns: tuple[str, ...]) -> None:
        self._data = file.create_dataset(name, (0, len(columns)), np.float64,
                                         maxshape=(None, len(columns)), chunks=(4096, len(columns)),
                                         compression="gzip")  # fmt: skip
        self._data.attrs["columns"] = list(columns)

    def add(self, row: int, values: NDArray) -> None:
        """Put ``row`` before each line of values and append them."""
        if len(values):
            at = len(self._data)
            self._data.resize(at + len(values), axis=0)
            self._data[at:] = np.column_stack([np.full(len(values), row), values])
