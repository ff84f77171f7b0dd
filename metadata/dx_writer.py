"""Writes a scan as Data Exchange, whole or piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from metadata.errors import InputError
from metadata.nxtomo_writer import fill
from metadata.whole_file import whole_file


def write_dx(
    path: str | Path,
    projections: NDArray | Iterable[NDArray],
    angles_rad: ArrayLike,
    *,
    flats: NDArray | None = None,
    darks: NDArray | None = None,
    pixel_size_m: float | None = None,
    energy_kev: float | None = None,
    distance_m: float | None = None,
    exposure_s: float | None = None,
    ring_current_ma: float | None = None,
    start_time: str | None = None,
    sample: str | None = None,
    probe: str = "x-ray",
    rows: int | None = None,
) -> Path:
    """Write a Data Exchange file: ``/exchange/{data, data_white, data_dark, theta}`` with theta in
    degrees. The layout has no place for a beam monitor.

    ``projections`` has axes ``angle, row, col``, or is an iterator of such pieces in order, each
    written as it comes; with ``rows``, the pieces hold all angles of some rows each. ``flats`` and
    ``darks`` have axes ``frame, row, col``. The file appears under its name only when it is
    complete.

    Raises :class:`InputError` where shapes do not fit, :class:`WorkError` where the disk refuses.

    Reference: De Carlo et al. 2014, J. Synchrotron Rad. 21, 1224.
    """
    path = Path(path)
    angles = np.asarray(angles_rad, dtype=np.float64).ravel()
    pieces: Iterator[NDArray] = iter(
        [projections] if isinstance(projections, np.ndarray) else projections
    )
    first = next(pieces, None)
    if first is None:
        raise InputError(f"{path}: no projections were given, expected at least one piece of them.")
    frame = (rows or first.shape[1], first.shape[2])
    with whole_file(path) as part, h5py.File(part, "w") as file:
        file["implements"] = "exchange:measurement"
        data = file.create_dataset("exchange/data", (angles.size, *frame), first.dtype)
        data.attrs["axes"] = "theta:y:x"
        fill(data, 0, angles.size, chain([first], pieces), path, by_rows=rows is not None)
        for name, frames in (("data_white", flats), ("data_dark", darks)):
            if frames is None:
                continue
            if frames.shape[1:] != frame:
                raise InputError(
                    f"{path}: {name} have frames of {frames.shape[1:]}, the projections of "
                    f"{frame} (rows, columns). Give frames of one size."
                )
            file[f"exchange/{name}"] = frames
            file[f"exchange/{name}"].attrs["axes"] = "theta:y:x"
        _put(file, "exchange/theta", np.rad2deg(angles), "deg")
        at = "measurement/instrument"
        _put(file, f"{at}/detector/actual_pixel_size_x", pixel_size_m, "m")
        _put(file, f"{at}/detector/distance", distance_m, "m")
        _put(file, f"{at}/detector/exposure_time", exposure_s, "s")
        _put(file, f"{at}/monochromator/energy", energy_kev, "keV")
        _put(file, f"{at}/source/current", ring_current_ma, "mA")
        _put(file, f"{at}/source/probe", probe)
        _put(file, "measurement/sample/name", sample)
        _put(file, "process/acquisition/start_date", start_time)
    return path


def _put(file: h5py.File, name: str, value: object, unit: str = "") -> None:
    if value is not None:
        file[name] = value
        if unit:
            file[name].attrs["units"] = unit
