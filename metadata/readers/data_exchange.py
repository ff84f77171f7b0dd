"""Data Exchange, the APS layout: ``/exchange/{data, data_white, data_dark, theta}``.

F. De Carlo et al., "Scientific data exchange: a schema for HDF5-based storage of raw and analyzed
data", J. Synchrotron Rad. 21 (2014) 1224.
"""

from __future__ import annotations

from pathlib import Path

import h5py
import numpy as np

from metadata import hdf5_file as h5
from metadata.dates import iso_date
from metadata.found import Facts, Found, RawAngles
from metadata.frames import Selection
from metadata.readers.hdf5_frames import frames_at

INSTRUMENT = "measurement/instrument"
ROTATION = "process/acquisition/rotation"


def is_data_exchange(file: h5py.File) -> bool:
    return "exchange" in file and h5.has(file, "exchange/data")


def read_data_exchange(file: h5py.File, path: Path) -> Found:
    """What a Data Exchange file says; frames are not read."""
    data = frames_at(file, path, "exchange/data", like=("exchange/theta",))
    count = data.shape[0]
    warnings: list[str] = []
    angles = None
    theta = h5.dataset(file, "exchange/theta")
    values = h5.numbers(theta)
    if values is not None and values.size:
        angles = RawAngles(values, h5.attribute(theta, "units"), "/exchange/theta")
    else:
        angles, said = _planned_angles(file, count)
        warnings += said
    white, dark = (
        (Selection.all(frames_at(file, path, f"exchange/data_{name}")),)
        if h5.dataset(file, f"exchange/data_{name}") is not None
        else ()
        for name in ("white", "dark")
    )
    facts, said = _facts(file)
    stored = h5.dataset(file, "exchange/data")
    # A description of "transmission" is written by habit where there are flats: only without
    # flats are these words looked at.
    notes = " ".join([h5.free_text(file), h5.free_text(stored) if stored is not None else ""])
    return Found(
        path=path,
        format="Data Exchange",
        projections=Selection.all(data),
        flats=white,
        darks=dark,
        angles=angles,
        facts=facts,
        notes=notes,
        warnings=(*warnings, *said),
    )


def _planned_angles(file: h5py.File, count: int) -> tuple[RawAngles | None, list[str]]:
    """Angles from the planned start and step, where there are no measured ones."""
    found = h5.dataset(file, f"{ROTATION}/rotation_step")
    step = h5.number(file, "angle", f"{ROTATION}/rotation_step", default_unit="deg", positive=False)
    start = h5.number(
        file, "angle", f"{ROTATION}/rotation_start", default_unit="deg", positive=False
    )
    planned = h5.numbers(h5.dataset(file, f"{ROTATION}/num_angles"))
    if found is None or not step:
        return None, []
    said = (
        f"There is no /exchange/theta: angles from /{ROTATION} (start {np.rad2deg(start or 0):g}°, "
        f"step {np.rad2deg(step):g}°)."
    )
    warnings = [said]
    even = np.arange(count, dtype=np.float64) * step + (start or 0.0)
    if planned is not None and planned.size and planned[0] != count:
        warnings.append(
            f"The file says that {int(planned[0])} angles were planned but holds {count} "
            f"projections: taken as the first ones. Give angles= if they are others."
        )
    return RawAngles(even, "rad", f"/{ROTATION}"), warnings


def _facts(file: h5py.File) -> tuple[Facts, list[str]]:
    warnings: list[str] = []
    pixel = h5.number(
        file, "length", f"{INSTRUMENT}/detection_system/objective/resolution", default_unit="um"
    )
    if pixel is None:
        pixel = h5.number(file, "length", f"{INSTRUMENT}/detector/actual_pixel_size_x")
    if pixel is None:
        pixel = h5.number(file, "length", f"{INSTRUMENT}/detector/pixel_size_x")
        enlarged = h5.numbers(
            h5.dataset(file, f"{INSTRUMENT}/detection_system/objective/magnification")
        )
        if pixel is not None and enlarged is not None and enlarged.size and enlarged[0] > 1:
            pixel /= float(enlarged[0])
        elif pixel is not None:
            warnings.append(
                f"The pixel size {pixel * 1e6:g} µm is the detector's; the file has no "
                f"magnification, so it is taken as that at the sample."
            )
    current = h5.number(file, "current", f"{INSTRUMENT}/source/current", default_unit="mA")
    axis = None
    if isinstance(process := h5.get(file, "process"), h5py.Group):
        for name in process:
            # These settings are text; a centre is only one that was found or set for this scan.
            said = h5.text(process, f"{name}/find-rotation-axis/rotation-axis")
            axis = h5.as_number(said) if axis is None else axis
    return (
        Facts(
            pixel_size_m=pixel,
            energy_kev=h5.number(file, "energy", f"{INSTRUMENT}/monochromator/energy"),
            distance_m=h5.number(
                file,
                "length",
                f"{INSTRUMENT}/detector_motor_stack/setup/camera_distance",
                f"{INSTRUMENT}/detector_motor_stack/setup/z",
                f"{INSTRUMENT}/detector/distance",
            ),
            exposure_s=h5.number(
                file, "time", f"{INSTRUMENT}/detector/exposure_time", default_unit="s"
            ),
            rotation_axis_px=axis if axis and axis > 0 else None,
            ring_current_ma=None if current is None else (current, current),
            start_time=iso_date(
                h5.text(file, "process/acquisition/start_date", "measurement/sample/start_time")
            ),
            end_time=iso_date(
                h5.text(file, "process/acquisition/end_date", "measurement/sample/end_time")
            ),
            sample=h5.text(file, "measurement/sample/name"),
            probe=h5.text(file, f"{INSTRUMENT}/source/probe"),
        ),
        warnings,
    )
