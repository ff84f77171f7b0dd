"""HDF5 without a layout that is known: the caller names the dataset."""

from __future__ import annotations

from pathlib import Path

import h5py

from metadata import hdf5_file as h5
from metadata.errors import ScanError
from metadata.found import Facts, Found, RawAngles
from metadata.frames import Selection
from metadata.readers.hdf5_frames import frames_at

THETA = ("theta", "angles", "rotation_angle", "angle")


def read_plain_hdf5(file: h5py.File, path: Path, name: str) -> Found:
    """Frames (``angle, row, col``) or a sinogram (``angle, col``) at ``name``; angles beside it
    are used where a dataset called theta, angles or rotation_angle has as many."""
    found = h5.dataset(file, name)
    if found is None and not h5.has(file, name):
        raise ScanError(
            f"{path} has no dataset {name!r}. {describe(file)} Give data= one of these."
        )
    frames = frames_at(file, path, name)
    angles = None
    if found is not None:
        for near in THETA:
            theta = h5.dataset(found.parent, near)
            values = h5.numbers(theta)
            if theta is not None and values is not None and values.size == frames.shape[0]:
                angles = RawAngles(values, h5.attribute(theta, "units"), theta.name)
                break
    notes = [h5.free_text(file), h5.free_text(found) if found is not None else ""]
    return Found(
        path=path,
        format="HDF5",
        projections=Selection.all(frames),
        angles=angles,
        facts=Facts() if found is None else _facts(found),
        notes=" ".join(notes),
        dataset=name,
    )


def _facts(data: h5py.Dataset) -> Facts:
    """Energy and pixel size, where attributes of the dataset give them with their unit."""
    units = {"energy_eV": 1e-3, "energy_kev": 1.0, "energy_keV": 1.0}
    energy = [factor * n for name, factor in units.items()
              if (n := h5.as_number(h5.attribute(data, name)))]  # fmt: skip
    sizes = {"pixel_um": 1e-6, "pixel_size_um": 1e-6, "pixel_m": 1.0, "pixel_size_m": 1.0}
    pixel = [factor * n for name, factor in sizes.items()
             if (n := h5.as_number(h5.attribute(data, name)))]  # fmt: skip
    return Facts(pixel_size_m=pixel[0] if pixel else None, energy_kev=energy[0] if energy else None)


def describe(root: h5py.Group) -> str:
    """The stacks and pictures of a file in words, for an error."""
    names = []
    for group in h5.groups(root):
        for name in group:
            found = h5.dataset(group, name)
            if found is not None and found.ndim in (2, 3) and found.dtype.kind in "iuf":
                size = " x ".join(map(str, found.shape))
                names.append(f"{found.name} ({size})")
    if not names:
        return "It holds no pictures or stacks."
    more = f" and {len(names) - 8} more" if len(names) > 8 else ""
    return f"It holds {', '.join(names[:8])}{more}."
