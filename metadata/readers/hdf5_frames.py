"""Frames of an HDF5 dataset, or the reason why there are none."""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from metadata import hdf5_file as h5
from metadata.errors import ScanError
from metadata.frames import FrameSource, Hdf5Frames, MissingFrames

UNKNOWN = np.dtype("V")  # no element size: nothing is known of the values


def frames_at(
    group: h5py.Group, path: Path, name: str, *, like: tuple[str, ...] = (), shape: int = 0
) -> FrameSource:
    """Frames of the dataset ``name``; where it is a link that leads nowhere, frames that cannot be
    read, as many as ``shape`` or the first of ``like`` says."""
    found = h5.dataset(group, name)
    if found is not None:
        return Hdf5Frames(found)
    lost = h5.dangling(group, name)
    if lost is None:
        raise ScanError(
            f"{path}: {group.name.rstrip('/')}/{name} is no dataset. Expected frames as angle, "
            f"row, col; give data= the path of the right dataset."
        )
    count = shape
    for other in like:
        values = h5.dataset(group, other)
        count = count or (values.size if values is not None else 0)
    if h5.leads_outside(group, name):
        why = (
            f"{path} keeps its frames in another file, {lost}, which is not there. Expected it at "
            f"{path.parent}; copy it beside {path.name} and open it again."
        )
    else:
        why = (
            f"{path} has a link to frames at {lost}, where nothing is. Expected a dataset in the "
            f"same file; copy the file again from where it was recorded, or give data= the path "
            f"of its frames."
        )
    return MissingFrames((count, 0, 0), UNKNOWN, why)
