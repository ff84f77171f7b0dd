"""NXstxm: pictures scanned point by point at several angles, as a stack of projections.

Reference: NeXus application definition NXstxm.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from metadata import hdf5_file as h5
from metadata.dates import iso_date
from metadata.found import Facts, Found, RawAngles
from metadata.frames import FrameSource, Hdf5Frames, RatioFrames, Selection
from metadata.scan_info import GreyState
from metadata.units import factor


def find_stxm(root: h5py.Group) -> h5py.Group | None:
    for group in h5.groups(root):
        data = h5.dataset(group, "data/data")
        if h5.text(group, "definition") == "NXstxm" and data is not None and data.ndim == 3:
            return group
    return None


def read_stxm(path: Path, group: h5py.Group) -> Found:
    """The detector divided by the monitor of each pixel: transmission up to a factor."""
    data: FrameSource = Hdf5Frames(group["data/data"])
    monitor = h5.dataset(group, "monitor/data", "control/data")
    warnings, state = [], None
    if monitor is not None and monitor.shape == group["data/data"].shape:
        data = RatioFrames(data, Hdf5Frames(monitor))
        state = GreyState.TRANSMISSION
        warnings.append(
            "A scanned picture (NXstxm): the values are detector / monitor, pixel by pixel."
        )
    theta = h5.dataset(group, "data/theta", "sample/theta", "sample/rotation_angle")
    values = h5.numbers(theta)
    angles = None
    if values is not None:
        angles = RawAngles(values, h5.attribute(theta, "units"), theta.name if theta else "")
        if np.any(np.diff(values) > 0) and np.any(np.diff(values) < 0):
            warnings.append("The angles are not in order; they are kept in order of acquisition.")
    return Found(
        path=path,
        format="NXstxm",
        projections=Selection.all(data),
        angles=angles,
        facts=Facts(
            pixel_size_m=_step(group),
            energy_kev=h5.number(group, "energy", "instrument/monochromator/energy"),
            start_time=iso_date(h5.text(group, "start_time")),
            sample=h5.text(group, "sample/name"),
            probe=h5.text(group, "instrument/source/probe"),
        ),
        notes=h5.free_text(group.file),
        state=state,
        warnings=tuple(warnings),
    )


def _step(group: h5py.Group) -> float | None:
    """The step of the fast axis, where it is even and has a unit."""
    found = h5.dataset(group, "data/x")
    if found is None or found.ndim not in (1, 2):
        return None
    scale = factor("length", h5.attribute(found, "units"))
    lines = np.atleast_2d(np.asarray(found[()], np.float64))
    steps = np.diff(lines, axis=1)
    if scale is None or not steps.size:
        return None
    step = abs(float(np.median(steps)))
    return step * scale if step > 0 and np.all(np.abs(np.abs(steps) - step) < 0.5 * step) else None
