"""NXtomo, as Diamond, ESRF, DIAD and others write it; found by content, not by path.

Reference: NeXus application definition NXtomo (https://manual.nexusformat.org).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import h5py
import numpy as np
from numpy.typing import NDArray

from metadata import hdf5_file as h5
from metadata.angles import evenly_spaced
from metadata.dates import iso_date
from metadata.errors import ScanError
from metadata.found import Facts, Found, RawAngles
from metadata.frames import FrameSource, MissingFrames, Selection
from metadata.readers.hdf5_frames import frames_at
from metadata.units import factor

KEYS = ("image_key_control", "image_key")
PROJECTION, FLAT, DARK = 0, 1, 2  # 3: invalid, -1: alignment (ESRF)
ANGLES = ("rotation_angle", "sample/rotation_angle", "data/rotation_angle")


@dataclass(frozen=True)
class Entry:
    """One scan in a file: its group and the dataset that says what each frame is."""

    group: h5py.Group
    key: h5py.Dataset | None


def find_entries(root: h5py.Group) -> list[Entry]:
    """Scans below a group: by ``definition`` of the value NXtomo (a dataset or an attribute), else
    by a detector with an image key."""
    stated = []
    for group in h5.groups(root):
        said = h5.text(group, "definition") or h5.attribute(group, "definition")
        if said == "NXtomo":
            stated.append(Entry(group, _find_key(group)))
    if stated:
        return stated
    for group in h5.groups(root):
        for name in KEYS:
            key = h5.dataset(group, name)
            if key is not None and key.ndim == 1:
                return [Entry(_entry_above(group), key)]
    return []


def read_nxtomo(path: Path, entries: list[Entry]) -> Found:
    """What the first entry says; frames are not read."""
    entry = entries[0]
    group = entry.group
    warnings: list[str] = []
    if len(entries) > 1:
        names = ", ".join(e.group.name for e in entries[1:])
        warnings.append(
            f"The file holds {len(entries)} scans: {group.name} is taken. Give data= to take "
            f"another ({names})."
        )
    keys = _keys(entry, path)
    data = _find_data(entry, path, None if keys is None else keys.size)
    if keys is None:
        keys = np.zeros(data.shape[0], int)
        warnings.append("There is no image_key: every frame is taken as a projection.")
    if keys.size != data.shape[0]:
        raise ScanError(
            f"{path}: {group.name} says what {keys.size} frames are (image_key) but holds "
            f"{data.shape[0]}. Expected one key for each frame; the scan was not written to its "
            f"end, or the key is of another scan."
        )
    chosen = np.flatnonzero(keys == PROJECTION)
    left = int(np.isin(keys, (PROJECTION, FLAT, DARK), invert=True).sum())
    if left:
        warnings.append(f"{left} frames are marked invalid or for alignment: left out.")
    angles, said = _find_angles(entry, keys, chosen)
    warnings += said
    monitor, ring, said = _control(group, keys, chosen)
    warnings += said
    if (h5.text(group, "instrument/detector/field_of_view") or "").lower() == "half":
        warnings.append("The file says half acquisition (field_of_view Half).")
    facts = _facts(entry, data, ring)
    return Found(
        path=path,
        format="NXtomo",
        projections=Selection(data, chosen),
        flats=_some(data, keys, FLAT),
        darks=_some(data, keys, DARK),
        angles=angles,
        monitor=monitor,
        facts=facts,
        notes=" ".join([h5.free_text(group.file), h5.free_text(group)]),
        warnings=tuple(warnings),
        flats_before=_flats_before(keys),
    )


def _flats_before(keys: NDArray[np.int64]) -> int | None:
    """How many flats came before the projections, none of them being among these."""
    flats, projections = np.flatnonzero(keys == FLAT), np.flatnonzero(keys == PROJECTION)
    if not flats.size or not projections.size:
        return None
    before = int(np.count_nonzero(flats < projections[0]))
    after = int(np.count_nonzero(flats > projections[-1]))
    return before if before + after == flats.size else None


def _some(data: FrameSource, keys: NDArray[np.int64], kind: int) -> tuple[Selection, ...]:
    index = np.flatnonzero(keys == kind)
    return (Selection(data, index),) if index.size else ()


def _entry_above(group: h5py.Group) -> h5py.Group:
    """The NXentry that a detector lies in, or the top-level group it lies in."""
    here = group
    while here.name != "/":
        if h5.attribute(here, "NX_class") in ("NXentry", "NXsubentry") or here.parent.name == "/":
            return here
        here = here.parent
    return here


def _find_key(group: h5py.Group) -> h5py.Dataset | None:
    for name in KEYS:
        for place in ("instrument/detector", "data/instrument/detector", "data"):
            found = h5.dataset(group, f"{place}/{name}")
            if found is not None:
                return found
    for below in h5.groups(group):
        for name in KEYS:
            found = h5.dataset(below, name)
            if found is not None and found.ndim == 1:
                return found
    return None


def _keys(entry: Entry, path: Path) -> NDArray[np.int64] | None:
    values = h5.numbers(entry.key)
    if values is None:
        return None
    if not np.all(np.isfinite(values)):
        raise ScanError(
            f"{path}: the image_key of {entry.group.name} holds values that are not numbers; "
            f"expected 0 (projection), 1 (flat), 2 (dark) or 3 (invalid)."
        )
    return values.astype(np.int64)


def _places(entry: Entry) -> Iterator[str]:
    yield from ("instrument/detector/data", "data/data", "data/instrument/detector/data")
    if entry.key is not None:
        # DIAD: /entry/instrument/imaging/image_key beside /entry/imaging/data.
        name = entry.key.parent.name.rsplit("/", 1)[-1]
        yield from (f"instrument/{name}/data", f"{name}/data")


def _find_data(entry: Entry, path: Path, count: int | None) -> FrameSource:
    lost: FrameSource | None = None
    for place in _places(entry):
        found = h5.dataset(entry.group, place)
        if found is not None and found.ndim in (2, 3):
            return frames_at(entry.group, path, place)
        if found is None and lost is None and h5.dangling(entry.group, place):
            missing = frames_at(entry.group, path, place, shape=count or 0)
            lost = _with_size(entry.group, missing)
    if lost is not None:
        return lost
    for group in h5.groups(entry.group):
        for name in group:
            found = h5.dataset(group, name)
            if found is not None and found.ndim == 3 and found.shape[0] == count:
                return frames_at(group, path, name)
    for place in _places(entry):
        found = h5.dataset(entry.group, place)
        if found is not None:
            size = " x ".join(map(str, found.shape)) or "one number"
            raise ScanError(
                f"{path}: {found.name} should hold the frames and is {size}; expected angle, row, "
                f"col. Give data= the path of such a dataset."
            )
    raise ScanError(
        f"{path}: {entry.group.name} is a tomography scan without frames; expected a dataset of "
        f"angle, row, col at instrument/detector/data or data/data. Give data= its path."
    )


def _with_size(group: h5py.Group, missing: FrameSource) -> FrameSource:
    """Frames that cannot be read, with the size that the camera's settings tell."""
    size = [0, 0]
    for below in h5.groups(h5.get(group.file, group.name.split("/")[1])):
        for axis, name in enumerate(("cam_roi_size_y", "cam_roi_size_x")):
            said = h5.as_number(h5.text(below, name))
            size[axis] = size[axis] or int(said or 0)
    if not isinstance(missing, MissingFrames):
        return missing
    return MissingFrames((missing.shape[0], size[0], size[1]), missing.dtype, missing.why)


def _find_angles(
    entry: Entry, keys: NDArray[np.int64], chosen: NDArray[np.intp]
) -> tuple[RawAngles | None, list[str]]:
    candidates = [h5.dataset(entry.group, name) for name in ANGLES]
    if not any(c is not None for c in candidates):
        for group in h5.groups(entry.group):
            for name in group:
                low = name.lower()
                if "theta" in low or "rotation_angle" in low:
                    candidates.append(h5.dataset(group, name))
    for found in candidates:
        values = h5.numbers(found)
        if found is None or values is None or values.size < 2:
            continue
        unit = h5.attribute(found, "units")
        if values.size == keys.size:
            return RawAngles(values[chosen], unit, found.name), []
        framed = values[chosen[chosen < values.size]]  # as far as the list goes
        if evenly_spaced(framed) and not evenly_spaced(values[: chosen.size]):
            return RawAngles(framed, unit, found.name), [
                f"{found.name} has {values.size} angles for {keys.size} frames: taken frame by "
                f"frame from the first, flats and darks included."
            ]
        return RawAngles(values, unit, found.name), [
            f"{found.name} has {values.size} angles for {keys.size} frames: taken as those of the "
            f"{chosen.size} projections."
        ]
    return None, []


def _control(
    group: h5py.Group, keys: NDArray[np.int64], chosen: NDArray[np.intp]
) -> tuple[NDArray[np.float64] | None, tuple[float, float] | None, list[str]]:
    """The monitor of each projection, and the ring current where that is what it is."""
    found = h5.dataset(group, "control/data")
    values = h5.numbers(found)
    if found is None or values is None or not np.isfinite(values).any():
        return None, None, []
    scale = factor("current", h5.attribute(found, "units"))
    good = values[np.isfinite(values) & (values > 0)]
    ring = None
    if scale is not None and good.size:
        ring = (float(good.min() * scale), float(good.max() * scale))
    if values.size == 1:
        return None, ring, []
    if values.size != keys.size:
        return (
            None,
            ring,
            [f"control/data has {values.size} readings for {keys.size} frames: not used."],
        )
    if not np.all(values[chosen] > 0):
        return None, ring, ["control/data has readings that are not above zero: not used."]
    return values[chosen], ring, []


def _facts(entry: Entry, data: FrameSource, ring: tuple[float, float] | None) -> Facts:
    group = entry.group
    above = [group]
    while above[-1].name != "/":
        above.append(above[-1].parent)
    detectors = ["instrument/detector"]
    if entry.key is not None:
        detectors.append(entry.key.parent.name)
    current = _first(above, "current", "instrument/source/current")
    if ring is None and current is not None:
        ring = (current, current)
    return Facts(
        pixel_size_m=_first(
            above, "length", "sample/x_pixel_size", *(f"{d}/x_pixel_size" for d in detectors)
        ),
        energy_kev=_first(
            above,
            "energy",
            "instrument/beam/incident_energy",
            "beam/incident_energy",
            "sample/beam/incident_energy",
            "instrument/monochromator/energy",
        ),
        distance_m=_first(
            above, "length", "sample/propagation_distance", *(f"{d}/distance" for d in detectors)
        ),
        exposure_s=_exposure(above, [f"{d}/count_time" for d in detectors]),
        rotation_axis_px=_axis(group, data),
        ring_current_ma=ring,
        start_time=_time(above, "start_time"),
        end_time=_time(above, "end_time"),
        sample=_text(above, "sample/name") or _text(above, "title"),
        probe=_text(above, "instrument/source/probe"),
    )


def _exposure(above: list[h5py.Group], places: list[str]) -> float | None:
    """The typical count time, at the detector or at any other that the file has."""
    found = next((d for g in above if (d := h5.dataset(g, *places)) is not None), None)
    if found is None:
        for below in h5.groups(above[-2] if len(above) > 1 else above[0]):
            if h5.attribute(below, "NX_class") == "NXdetector":
                found = found or h5.dataset(below, "count_time")
    times = h5.numbers(found)
    if found is None or times is None:
        return None
    times = times[np.isfinite(times) & (times > 0)]
    scale = factor("time", h5.attribute(found, "units") or "s")
    return float(np.median(times)) * scale if times.size and scale else None


def _axis(group: h5py.Group, data: FrameSource) -> float | None:
    values = h5.numbers(h5.dataset(group, "instrument/detector/x_rotation_axis_pixel_position"))
    if values is None or not values.size or not np.isfinite(values[0]):
        return None
    if h5.attribute(group, "version") is not None:
        # nxtomo of the ESRF counts from the middle of the detector.
        return float(values[0]) + (data.shape[2] - 1) / 2
    return float(values[0]) if values[0] > 0 else None


def _first(above: list[h5py.Group], quantity: str, *places: str) -> float | None:
    for group in above:
        value = h5.number(group, quantity, *places)
        if value is not None:
            return value
    return None


def _text(above: list[h5py.Group], place: str) -> str | None:
    return next((said for group in above if (said := h5.text(group, place))), None)


def _time(above: list[h5py.Group], place: str) -> str | None:
    return iso_date(_text(above, place))
