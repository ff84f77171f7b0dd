"""Writes a scan as NXtomo, whole or piece by piece."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from itertools import chain
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import ArrayLike, NDArray

from metadata.errors import InputError
from metadata.whole_file import whole_file


def write_nxtomo(
    path: str | Path,
    projections: NDArray | Iterable[NDArray],
    angles_rad: ArrayLike,
    *,
    flats: NDArray | None = None,
    darks: NDArray | None = None,
    monitor: ArrayLike | None = None,
    pixel_size_m: float | None = None,
    energy_kev: float | None = None,
    distance_m: float | None = None,
    exposure_s: float | None = None,
    ring_current_ma: float | None = None,
    rotation_axis_px: float | None = None,
    start_time: str | None = None,
    end_time: str | None = None,
    sample: str | None = None,
    probe: str = "x-ray",
    compression: str | None = None,
    chunks: tuple[int, int, int] | None = None,
    rows: int | None = None,
    flats_before: int | None = None,
) -> Path:
    """Write an NXtomo file: flats first, then darks, then the projections; with ``flats_before``
    only so many flats first, the others last.

    ``projections`` has axes ``angle, row, col``, or is an iterator of such pieces in order, each
    written as it comes, so that a scan larger than memory can be written. With ``rows``, the pieces
    hold all angles of some rows each, in order, ``rows`` rows together. ``flats`` and ``darks``
    have axes ``frame, row, col``; angles in rad, one for each projection; ``monitor`` one for each
    projection. The file appears under its name only when it is complete.

    Raises :class:`InputError` where shapes do not fit, :class:`WorkError` where the disk refuses.

    Reference: NeXus application definition NXtomo.
    """
    path = Path(path)
    angles = np.asarray(angles_rad, dtype=np.float64).ravel()
    pieces = _pieces(projections)
    first = next(pieces, None)
    if first is None:
        raise InputError(f"{path}: no projections were given, expected at least one piece of them.")
    frame = (rows or first.shape[1], first.shape[2])
    before = [(1, flats), (2, darks)]
    for name, frames in (("flats", flats), ("darks", darks)):
        if frames is not None and frames.shape[1:] != frame:
            raise InputError(
                f"{path}: {name} have frames of {frames.shape[1:]}, the projections of "
                f"{frame} (rows, columns). Give frames of one size."
            )
    count = sum(0 if frames is None else len(frames) for _, frames in before) + angles.size
    after = None
    if flats is not None and flats_before is not None:
        before[0] = (1, flats[:flats_before])
        after = flats[flats_before:]
    with whole_file(path) as part, h5py.File(part, "w") as file:
        entry = _group(file, "entry", "NXentry")
        file.attrs["default"] = "entry"
        entry["definition"] = "NXtomo"
        detector = _group(_group(entry, "instrument", "NXinstrument"), "detector", "NXdetector")
        data = detector.create_dataset(
            "data",
            (count, *frame),
            first.dtype,
            chunks=chunks or ((1, *frame) if compression else None),
            compression=compression,
            shuffle=bool(compression) or None,
        )
        keys = np.zeros(count, np.int32)
        at = 0
        for key, frames in before:
            if frames is not None and len(frames):
                data[at : at + len(frames)] = frames
                keys[at : at + len(frames)] = key
                at += len(frames)
        lead = at
        stop = lead + angles.size
        fill(data, lead, stop, chain([first], pieces), path, by_rows=rows is not None)
        if after is not None and len(after):
            data[stop:] = after
            keys[stop:] = 1
        detector["image_key"] = keys
        _number(detector, "x_pixel_size", pixel_size_m, "m")
        _number(detector, "y_pixel_size", pixel_size_m, "m")
        _number(detector, "distance", distance_m, "m")
        _number(detector, "count_time", exposure_s, "s")
        _number(detector, "x_rotation_axis_pixel_position", rotation_axis_px, "pixel")
        source = _group(entry["instrument"], "source", "NXsource")
        source["probe"] = probe
        _number(source, "current", ring_current_ma, "mA")
        if energy_kev is not None:
            beam = _group(entry["instrument"], "beam", "NXbeam")
            _number(beam, "incident_energy", energy_kev, "keV")
        place = _group(entry, "sample", "NXsample")
        if sample:
            place["name"] = sample
        tail = count - stop
        degrees = np.rad2deg(np.pad(angles, (lead, tail), mode="edge"))
        place["rotation_angle"] = degrees
        place["rotation_angle"].attrs["units"] = "degree"
        if monitor is not None:
            reading = np.asarray(monitor, dtype=np.float64).ravel()
            if reading.size != angles.size:
                raise InputError(
                    f"{path}: {reading.size} monitor readings for {angles.size} projections. "
                    f"Give one for each projection."
                )
            control = _group(entry, "control", "NXmonitor")
            control["data"] = np.pad(reading, (lead, tail), mode="mean")
        for name, value in (("start_time", start_time), ("end_time", end_time)):
            if value:
                entry[name] = value
        view = _group(entry, "data", "NXdata")
        view.attrs["signal"] = "data"
        for name, target in (
            ("data", data),
            ("image_key", detector["image_key"]),
            ("rotation_angle", place["rotation_angle"]),
        ):
            view[name] = h5py.SoftLink(target.name)
    return path


def _pieces(projections: NDArray | Iterable[NDArray]) -> Iterator[NDArray]:
    if isinstance(projections, np.ndarray):
        yield projections
    else:
        yield from projections


def fill(data: h5py.Dataset, lead: int, stop: int, pieces: Iterable[NDArray], path: Path, *,
         by_rows: bool) -> None:  # fmt: skip
    """Write pieces of projections into the frames ``lead`` to ``stop`` of ``data``, one after the
    other along the angles or, ``by_rows``, along the rows. Raises :class:`InputError` unless they
    fill them."""
    angles, rows, columns = stop - lead, data.shape[1], data.shape[2]
    at = 0
    for piece in pieces:
        if by_rows:
            if piece.shape != (angles, piece.shape[1], columns) or at + piece.shape[1] > rows:
                raise InputError(
                    f"{path}: a piece of projections has the shape {piece.shape} where "
                    f"{rows - at} rows of {columns} columns were still expected for {angles} "
                    f"angles. Give as many projections as angles, of one size."
                )
            data[lead:stop, at : at + piece.shape[1]] = piece
            at += piece.shape[1]
        else:
            if piece.shape[1:] != (rows, columns) or at + len(piece) > angles:
                raise InputError(
                    f"{path}: a piece of projections has the shape {piece.shape} where "
                    f"{angles - at} frames of {(rows, columns)} were still expected for {angles} "
                    f"angles. Give as many projections as angles, of one size."
                )
            data[lead + at : lead + at + len(piece)] = piece
            at += len(piece)
    if by_rows and at != rows:
        raise InputError(
            f"{path}: {at} rows of projections came where {rows} were expected. Give all rows."
        )
    if not by_rows and at != angles:
        raise InputError(
            f"{path}: {at} projections came for {angles} angles. Give as many projections as "
            f"angles."
        )


def _group(parent: h5py.Group, name: str, kind: str) -> h5py.Group:
    group = parent.create_group(name)
    group.attrs["NX_class"] = kind
    return group


def _number(group: h5py.Group, name: str, value: float | None, unit: str) -> None:
    if value is not None:
        group[name] = value
        group[name].attrs["units"] = unit
