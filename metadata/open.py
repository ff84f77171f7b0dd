"""Opens any scan by looking at its content."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import h5py
from numpy.typing import ArrayLike

from metadata import hdf5_file as h5
from metadata.assemble import assemble
from metadata.errors import ScanError
from metadata.found import Found
from metadata.frames import MissingFrames, Selection
from metadata.given_angles import read_angles
from metadata.given_frames import read_frames
from metadata.readers.data_exchange import is_data_exchange, read_data_exchange
from metadata.readers.npy import read_npy
from metadata.readers.nxtomo import find_entries, read_nxtomo
from metadata.readers.plain_hdf5 import describe, read_plain_hdf5
from metadata.readers.result_volume import find_volume, read_volume
from metadata.readers.stxm import find_stxm, read_stxm
from metadata.readers.tiff import SUFFIXES, TiffFrames, read_tiff, read_tiff_folder, tiffs_in
from metadata.readers.xrm import is_ole, read_xrm
from metadata.scan import Scan
from metadata.scan_info import Content, GreyState, ScanInfo
from metadata.stack import Stack, stack_of
from metadata.stored_scan import StoredScan


@dataclasses.dataclass(frozen=True, eq=False)
class Given:
    """What the caller says instead of the file."""

    data: str | None = None
    angles: str | Path | ArrayLike | None = None
    flats: str | Path | None = None
    darks: str | Path | None = None
    state: str | None = None
    content: str | None = None


def open_scan(
    path: str | Path,
    *,
    data: str | None = None,
    angles: str | Path | ArrayLike | None = None,
    flats: str | Path | None = None,
    darks: str | Path | None = None,
    state: str | None = None,
    content: str | None = None,
) -> Scan:
    """Open a scan, whatever its format: NXtomo, Data Exchange, NXstxm, TIFF folder or stack, single
    sinogram, TXRM, NumPy array, or bare HDF5 where ``data`` is given.

    ``data``: path of the dataset, or of the group to look in, within an HDF5 file. ``angles``: a
    range in degrees (``"0:180"``, end left out; ``"0:360:inclusive"``), a file, a dataset, or
    numbers in radians. ``flats``, ``darks``: a dataset of the file, another file, a folder, or
    ``FILE::DATASET``. ``state``: what the values mean (``counts``, ``transmission``,
    ``attenuation``). ``content``: what the file holds where that is not views over angles:
    ``volume`` (``z, y, x``) or ``images`` (``frame, row, col``). A reconstructed volume (NXtomoproc
    and others) is told by its content, a picture with a ``.poni`` of the same name beside it is a
    diffraction image. ``path`` may also be ``FILE::DATASET``.

    What can be repaired is, and ``info.warnings`` says so; what cannot raises :class:`ScanError`.
    """
    path, data = _inside(Path(path), data)
    given = Given(data, angles, flats, darks, state, content)
    found = _read(path, given)
    source = found.projections.source
    if isinstance(source, MissingFrames):
        raise ScanError(source.why)
    return _scan(found, given, look=True)


def read_info(
    path: str | Path,
    *,
    data: str | None = None,
    angles: str | Path | ArrayLike | None = None,
    flats: str | Path | None = None,
    darks: str | Path | None = None,
    state: str | None = None,
    content: str | None = None,
) -> ScanInfo:
    """What a scan says of itself, without looking at a single frame; arguments as
    :func:`open_scan`. Works also where the frames lie in a file that is not there (the size is 0
    where nothing tells it), with a warning."""
    path, data = _inside(Path(path), data)
    given = Given(data, angles, flats, darks, state, content)
    found = _read(path, given)
    source = found.projections.source
    if isinstance(source, MissingFrames):
        found = dataclasses.replace(found, warnings=(*found.warnings, source.why))
    with _scan(found, given, look=False) as scan:
        return scan.info


def _reopen(path: Path, given: Given) -> Scan:
    return open_scan(path, **{f.name: getattr(given, f.name) for f in dataclasses.fields(given)})


def _inside(path: Path, data: str | None) -> tuple[Path, str | None]:
    """The file and the dataset of ``FILE::DATASET``."""
    file, mark, name = str(path).rpartition("::")
    return (Path(file), name) if mark and data is None and not path.exists() else (path, data)


def _content(found: Found, given: Given) -> Content:
    if given.content is not None:
        try:
            return Content(given.content)
        except ValueError as error:
            raise ScanError(
                f"content={given.content!r} is unknown, expected one of {', '.join(Content)}."
            ) from error
    if found.content is Content.PROJECTIONS and found.path.with_suffix(".poni").is_file():
        return Content.IMAGES
    return found.content


def _scan(found: Found, given: Given, *, look: bool) -> StoredScan | Stack:
    path = found.path
    content = _content(found, given)
    if content is not Content.PROJECTIONS:
        state = None if given.state is None else _state(given.state)
        again = dataclasses.replace(given, content=content.value)
        return stack_of(found, content, state, lambda: (_reopen, (path.resolve(), again)))
    if given.flats is not None:
        flats = (read_frames(given.flats, "flats", path),)
        found = dataclasses.replace(found, flats=flats, flats_before=None)
    if given.darks is not None:
        found = dataclasses.replace(found, darks=(read_frames(given.darks, "darks", path),))
    stated = None
    if given.angles is not None:
        stated = read_angles(given.angles, found.projections.count, path)
    grey = None if given.state is None else _state(given.state)
    try:
        return assemble(
            found, stated, grey, look=look, reopen=lambda: (_reopen, (path.resolve(), given))
        )
    except ScanError:
        # An open file would be found as it was, were it replaced by a good one.
        found.close()
        raise


def _state(name: str) -> GreyState:
    try:
        return GreyState(name)
    except ValueError as error:
        raise ScanError(
            f"state={name!r} is unknown, expected one of {', '.join(GreyState)}."
        ) from error


def _read(path: Path, given: Given) -> Found:
    try:
        if path.is_dir() and given.content in (Content.VOLUME, Content.IMAGES):
            files = tiffs_in(path)
            if not files:
                raise ScanError(f"{path} is a folder without .tif files. Name the one with them.")
            return Found(path, "TIFF folder", Selection.all(TiffFrames(files)))
        if path.is_dir():
            return read_tiff_folder(path)
        if not path.exists():
            raise ScanError(
                f"{path} does not exist. Expected the path of a scan; check its spelling."
            )
        if path.stat().st_size == 0:
            raise ScanError(
                f"{path} is empty (0 bytes). Expected a scan; copy it again from where it was "
                f"recorded."
            )
        if h5.is_hdf5(path):
            return _read_hdf5(path, given)
        if is_ole(path):
            return read_xrm(path)
        if path.suffix == ".npy":
            return read_npy(path)
        if path.suffix.lower() in SUFFIXES:
            return read_tiff(path)
    except OSError as error:
        raise ScanError(
            f"{path} cannot be read ({error}). Ask for the right to read it, or copy it to where "
            f"you have it."
        ) from error
    if path.suffix.lower() in (".h5", ".hdf5", ".hdf", ".nxs", ".nx"):
        h5.open_hdf5(path).close()
    raise ScanError(
        f"{path} is none of the formats that tomoplan reads: HDF5 (NXtomo, Data Exchange), TIFF, "
        f"TXRM, NumPy. Convert it, or check that it is complete."
    )


def _read_hdf5(path: Path, given: Given) -> Found:
    file = h5.open_hdf5(path)
    try:
        return _by_content(file, path, given)
    except ScanError:
        file.close()
        raise
    except (KeyError, OSError, RuntimeError, ValueError, TypeError, MemoryError) as error:
        file.close()
        # What h5py raises where the bytes of a group, a type or an attribute are damaged.
        raise ScanError(
            f"{path} is damaged: its inside cannot be read (HDF5 says: {error}). Expected an "
            f"intact scan; copy it again from where it was recorded."
        ) from error


def _by_content(file: h5py.File, path: Path, given: Given) -> Found:
    root: h5py.Group = file
    if given.data is not None:
        chosen = h5.get(file, given.data)
        if not isinstance(chosen, h5py.Group):
            return read_plain_hdf5(file, path, given.data)
        root = chosen
    elif (volume := find_volume(file)) is not None:
        return read_volume(path, volume)
    elif is_data_exchange(file):
        return read_data_exchange(file, path)
    entries = find_entries(root)
    if entries:
        return read_nxtomo(path, entries)
    stxm = find_stxm(root)
    if stxm is not None:
        return read_stxm(path, stxm)
    raise ScanError(
        f"{path} holds no tomography scan that can be told: no NXtomo, Data Exchange or NXstxm. "
        f"{describe(root)} If one of these is a stack of projections or a sinogram, give data= its "
        f"path (and angles=)."
    )
