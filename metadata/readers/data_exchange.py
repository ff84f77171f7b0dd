"""Data Exchange, the APS layout: ``/exchange/{data, data_white, data_dark, theta}``.

F. De Carlo et al., "Scientific data exchange: a schema for HDF5-based storage of raw and analyzed
data", J. Synchrotron Rad. 21 (2014) 1224.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from metadata import hdf5_file as h5
from metadata.angles import even_angles, fit_count, to_radians
from metadata.frames import Hdf5Frames
from metadata.scan_info import GreyState, ScanInfo
from metadata.stored_scan import Selection, StoredScan


def is_data_exchange(file: h5py.File) -> bool:
    return h5.dataset(file, "exchange/data") is not None


def open_data_exchange(file: h5py.File, path: Path) -> StoredScan:
    data = Hdf5Frames(file["exchange/data"])
    white, dark = (h5.dataset(file, f"exchange/data_{n}") for n in ("white", "dark"))
    flats = [Selection.all(Hdf5Frames(white))] if white is not None else []
    darks = [Selection.all(Hdf5Frames(dark))] if dark is not None else []
    warnings: list[str] = []
    theta = h5.dataset(file, "exchange/theta")
    values = h5.numbers(theta)
    assumed = values is None
    if values is None:
        angles = even_angles(data.shape[0], 0.0, np.pi, endpoint=False)
        warnings.append("The file has no angles: laid evenly over 0 to 180° (end left out).")
    else:
        angles, said = to_radians(values, h5.attribute(theta, "units"), "/exchange/theta")
        warnings += said
        angles, said = fit_count(angles, data.shape[0], "/exchange/theta")
        warnings += said
    info = ScanInfo(
        path=path, format="Data Exchange", projections=data.shape[0], rows=data.shape[1],
        columns=data.shape[2], flats=sum(s.index.size for s in flats),
        darks=sum(s.index.size for s in darks), dtype=str(data.dtype), state=GreyState.COUNTS,
        angles_rad=angles, angles_assumed=assumed,
        sample=h5.text(file, "measurement/sample/name"), warnings=tuple(warnings),
    )  # fmt: skip
    return StoredScan(info, Selection.all(data), flats, darks)
