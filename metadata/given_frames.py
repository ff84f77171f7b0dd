"""Flats or darks that the caller gives: a dataset of the scan, another file, or a folder."""

from __future__ import annotations

from pathlib import Path

from metadata import hdf5_file as h5
from metadata.errors import ScanError
from metadata.frames import Hdf5Frames, Selection

OF_KIND = {
    "flats": ("exchange/data_white", "exchange/data"),
    "darks": ("exchange/data_dark", "exchange/data"),
}


def read_frames(given: str | Path, name: str, scan: Path) -> Selection:
    """Frames for ``name`` (``flats`` or ``darks``).

    ``given`` is the path of a dataset in the scan, or of a file or folder (TIFF, XRM, ``.npy``,
    HDF5; a file of the scan's format gives its own flats or darks); ``FILE::DATASET`` names a
    dataset in another HDF5 file.
    """
    file, _, inside = str(given).partition("::")
    path = Path(file)
    if not inside and not path.exists() and scan.is_file() and h5.is_hdf5(scan):
        opened = h5.open_hdf5(scan)
        found = h5.dataset(opened, str(given))
        if found is not None:
            return Selection.all(Hdf5Frames(found))
        opened.close()
    if not path.exists():
        raise ScanError(
            f"{name}={str(given)!r} is neither a file or folder nor a dataset in {scan}. Expected "
            f"one of these, or FILE::DATASET."
        )
    if path.is_dir():
        from metadata.readers.tiff import TiffFrames, tiffs_in

        files = tiffs_in(path)
        if not files:
            raise ScanError(
                f"{name}={path} is a folder without .tif files. Name the one with them."
            )
        return Selection.all(TiffFrames(files))
    if h5.is_hdf5(path):
        return _from_hdf5(path, name, inside)
    from metadata.readers.xrm import XrmFile, XrmFrames, is_ole

    if is_ole(path):
        return Selection.all(XrmFrames(XrmFile(path)))
    if path.suffix == ".npy":
        from metadata.readers.npy import load_npy

        return Selection.all(load_npy(path))
    from metadata.readers.tiff import TiffFrames

    return Selection.all(TiffFrames([path]))


def _from_hdf5(path: Path, name: str, inside: str) -> Selection:
    from metadata.readers.nxtomo import find_entries, read_nxtomo
    from metadata.readers.plain_hdf5 import describe

    file = h5.open_hdf5(path)
    for place in (inside,) if inside else OF_KIND[name]:
        found = h5.dataset(file, place)
        if found is not None:
            return Selection.all(Hdf5Frames(found))
    if not inside and (entries := find_entries(file)):
        scan = read_nxtomo(path, entries)
        own = scan.flats if name == "flats" else scan.darks
        return own[0] if own else scan.projections
    stacks = [
        found
        for group in h5.groups(file)
        for member in group
        if (found := h5.dataset(group, member)) is not None and found.ndim == 3
    ]
    if len(stacks) == 1 and not inside:
        return Selection.all(Hdf5Frames(stacks[0]))
    raise ScanError(
        f"{name}={path}{'::' + inside if inside else ''} does not name one stack of frames. "
        f"{describe(file)} Give {name}='{path.name}::DATASET'."
    )
