"""NXtomo, as Diamond, ESRF and others write it; found by content."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from metadata import hdf5_file as h5
from metadata.angles import fit_count, to_radians
from metadata.frames import Hdf5Frames
from metadata.scan_info import GreyState, ScanInfo
from metadata.stored_scan import Selection, StoredScan


def find_entry(file: h5py.File) -> h5py.Group | None:
    for group in h5.groups(file):
        if (
            h5.text(group, "definition") == "NXtomo"
            or h5.attribute(group, "definition") == "NXtomo"
        ):
            return group
    return None


def open_nxtomo(file: h5py.File, path: Path, entry: h5py.Group) -> StoredScan:
    data = Hdf5Frames(entry["instrument/detector/data"])
    keys = np.asarray(entry["instrument/detector/image_key"][()]).astype(int)
    theta = h5.dataset(entry, "sample/rotation_angle", "data/rotation_angle")
    values = h5.numbers(theta)
    assert values is not None
    angles, warnings = to_radians(values, h5.attribute(theta, "units"), "rotation_angle")
    projections = np.flatnonzero(keys == 0)
    angles, said = fit_count(angles[projections], projections.size, "rotation_angle")
    flats, darks = np.flatnonzero(keys == 1), np.flatnonzero(keys == 2)
    monitor = h5.numbers(h5.dataset(entry, "control/data"))
    if monitor is not None:
        monitor = monitor[projections] if monitor.size == keys.size else None
    info = ScanInfo(
        path=path, format="NXtomo", projections=projections.size, rows=data.shape[1],
        columns=data.shape[2], flats=flats.size, darks=darks.size, dtype=str(data.dtype),
        state=GreyState.COUNTS, angles_rad=angles, sample=h5.text(entry, "sample/name", "title"),
        warnings=(*warnings, *said),
    )  # fmt: skip
    return StoredScan(
        info,
        Selection(data, projections),
        [Selection(data, flats)],
        [Selection(data, darks)],
        monitor,
    )
