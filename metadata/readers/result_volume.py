"""Reconstructed volumes, as tomoplan and other programs write them; found by content."""

from __future__ import annotations

from pathlib import Path

import h5py

from metadata import hdf5_file as h5
from metadata.found import Facts, Found
from metadata.frames import Selection
from metadata.readers.hdf5_frames import frames_at
from metadata.scan_info import Content, GreyState

PLACES = ("data/data", "reconstruction/results/data")  # NXtomoproc; nabu


def find_volume(file: h5py.File) -> h5py.Dataset | None:
    """The dataset of a reconstruction (``z, y, x``): an entry whose definition is NXtomoproc,
    results of nabu, ``/exchange/data`` with the axes z:y:x (tomocupy), ``/volume`` (tomopy-cli)."""
    for name in file:
        group = h5.get(file, name)
        if not isinstance(group, h5py.Group):
            continue
        said = h5.text(group, "definition") or h5.attribute(group, "definition")
        for place in PLACES if said == "NXtomoproc" else PLACES[1:]:
            found = h5.dataset(group, place)
            if found is not None and found.ndim == 3 and "rotation_angle" not in _axes(found):
                return found
    exchange = h5.dataset(file, "exchange/data")
    if exchange is not None and exchange.ndim == 3 and _axes(exchange).replace(":", "") == "zyx":
        return exchange
    plain = h5.dataset(file, "volume")
    return plain if plain is not None and plain.ndim == 3 and len(file) == 1 else None


def read_volume(path: Path, data: h5py.Dataset) -> Found:
    """The volume; its voxel size and what its values mean, where the file says so."""
    said = h5.attribute(data, "state")
    state = GreyState(said) if said in set(GreyState) else None
    energy = h5.number(data.file, "energy", "entry/instrument/beam/incident_energy",
                       default_unit="keV")  # fmt: skip
    return Found(
        path=path,
        format="volume",
        projections=Selection.all(frames_at(data.file, path, data.name)),
        facts=Facts(pixel_size_m=_pixel(data.parent), energy_kev=energy),
        state=state,
        content=Content.VOLUME,
        dataset=data.name,
    )


def _pixel(group: h5py.Group) -> float | None:
    """The size of a pixel in the slice: the last of three where slices are further apart."""
    sizes = h5.numbers(h5.dataset(group, "voxel_size"))
    first = h5.number(group, "length", "voxel_size")
    return first if first is None or sizes is None else float(first * sizes[-1] / sizes[0])


def _axes(data: h5py.Dataset) -> str:
    value = data.attrs.get("axes")
    if value is None:
        return ""
    return h5.as_text(value) if isinstance(value, str | bytes) else ":".join(map(h5.as_text, value))
