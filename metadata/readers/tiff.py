"""TIFF: folders of frames (``Tomo/``, ``Flat_Before/`` … with a log) and multi-page files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import ScanError
from metadata.found import Facts, Found
from metadata.frames import Index, Selection
from metadata.readers.scan_log import find_log, read_log

SUFFIXES = (".tif", ".tiff")
KINDS = (
    ("skip", re.compile(r"180|preview|recon|slice|sino", re.IGNORECASE)),
    ("flats", re.compile(r"flat|white|bright|open|^ref|_ref", re.IGNORECASE)),
    ("darks", re.compile(r"dark", re.IGNORECASE)),
    ("projections", re.compile(r"tomo|proj|radio|scan|sample|^im", re.IGNORECASE)),
)


class TiffFrames:
    """Frames of TIFF files: each page of each file in order, ``frame, row, col``."""

    def __init__(self, files: list[Path]) -> None:
        self._pages: list[tuple[Path, int]] = []
        first = _pages(files[0])
        shape, self.dtype = first[0]
        for file in files:
            # Only a file by itself has its pages counted: opening thousands costs a minute.
            pages = len(first) if file is files[0] else (len(_pages(file)) if len(first) > 1 else 1)
            self._pages += [(file, page) for page in range(pages)]
        if len({s for s, _ in first}) > 1:
            raise ScanError(
                f"{files[0]} has pages of different sizes; expected frames of one size."
            )
        self.shape = (len(self._pages), *shape)
        self.chunks = (1, *shape)

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        start, stop, _ = rows.indices(self.shape[1])
        out = np.empty((len(frames), stop - start, self.shape[2]), self.dtype)
        for at, frame in enumerate(frames):
            file, page = self._pages[int(frame)]
            image = read_page(file, page)
            if image.shape != self.shape[1:] or image.dtype != self.dtype:
                raise ScanError(
                    f"{file} holds {image.shape[0]} x {image.shape[1]} pixels of {image.dtype}, "
                    f"the first file of the scan {self.shape[1]} x {self.shape[2]} of "
                    f"{self.dtype}. Expected frames of one size and type; take the file out or "
                    f"write it again."
                )
            out[at] = image[start:stop]
        return out

    def close(self) -> None:
        """No file is held open."""


def _pages(file: Path) -> list[tuple[tuple[int, int], np.dtype[Any]]]:
    import tifffile

    try:
        with tifffile.TiffFile(file) as opened:
            found: list[Any] = [(page.shape, page.dtype) for page in opened.pages]
    except Exception as error:  # tifffile raises whatever broken bytes lead to
        raise _damaged(file, error) from error
    for shape, dtype in found:
        if len(shape) != 2 or dtype is None or dtype.kind not in "iuf":
            raise ScanError(
                f"{file} holds a picture of shape {shape} and type {dtype}; expected grey values "
                f"with rows and columns, one picture a page."
            )
    if not found:
        raise _damaged(file, "no pages")
    return found


def read_page(file: Path, page: int) -> NDArray[Any]:
    """One page of a TIFF file, axes ``row, col``."""
    import tifffile

    try:
        return np.asarray(tifffile.imread(file, key=page))
    except Exception as error:
        raise _damaged(file, error) from error


def _damaged(file: Path, error: object) -> ScanError:
    return ScanError(
        f"{file} is not a readable TIFF file ({error}): damaged, cut off or something else. "
        f"Copy it again from where it was recorded, or take it out of the folder."
    )


def tiffs_in(folder: Path) -> list[Path]:
    """The TIFF files of a folder, in the order of the numbers in their names."""
    try:
        files = [f for f in folder.iterdir() if f.suffix.lower() in SUFFIXES and f.is_file()]
    except OSError as error:
        raise ScanError(
            f"{folder} cannot be listed ({error}). Ask for the right to read it."
        ) from (error)
    return sorted(files, key=_natural)


def _natural(file: Path) -> tuple[Any, ...]:
    parts = re.split(r"(\d+)", file.name)
    return tuple(int(p) if p.isdigit() else p.lower() for p in parts)


def _in_time(folder: Path) -> tuple[int, str]:
    """Frames taken before the scan come before those taken after it."""
    name = folder.name.lower()
    return (0 if "before" in name else 2 if "after" in name else 1, name)


def _kind(name: str) -> str | None:
    return next((kind for kind, pattern in KINDS if pattern.search(name)), None)


def read_tiff(path: Path) -> Found:
    """One TIFF file: a stack of projections, or a single page, which is a sinogram."""
    frames = TiffFrames([path])
    if frames.shape[0] > 1:
        return Found(path=path, format="TIFF stack", projections=Selection.all(frames))
    from metadata.frames import ArrayFrames

    return Found(
        path=path,
        format="TIFF sinogram",
        projections=Selection.all(ArrayFrames(read_page(path, 0))),
        warnings=("A single picture is taken as a sinogram: one row, angles from top to bottom.",),
    )


def read_tiff_folder(path: Path) -> Found:
    """A folder of TIFF files: in folders by kind, or together with the kind in their names."""
    groups: dict[str, list[list[Path]]] = {"projections": [], "flats": [], "darks": []}
    skipped: list[str] = []
    own = tiffs_in(path)
    if own:
        by_kind: dict[str, list[Path]] = {}
        for file in own:
            kind = _kind(file.stem)
            by_kind.setdefault(kind if kind in ("flats", "darks") else "projections", []).append(
                file
            )
        for kind, files in by_kind.items():
            groups[kind].append(files)
    for folder in sorted((f for f in path.iterdir() if f.is_dir()), key=_in_time):
        kind = _kind(folder.name)
        if kind in groups and not (kind == "projections" and own):
            files = tiffs_in(folder)
            if files:
                groups[kind].append(files)
        elif kind == "skip":
            skipped.append(folder.name)
    if not groups["projections"]:
        raise ScanError(
            f"{path} is a folder without projections: no .tif files in it, nor in a folder called "
            f"Tomo or Projections. Expected those, with flats and darks in Flat_Before, Flat_After "
            f"and Dark_Before; name the folder that holds them."
        )
    warnings: list[str] = []
    if len(groups["projections"]) > 1:
        names = ", ".join(files[0].parent.name for files in groups["projections"])
        warnings.append(f"Several folders hold projections ({names}): the first is taken.")
    if skipped:
        warnings.append(f"Not used: {', '.join(skipped)}.")
    frames = TiffFrames(groups["projections"][0])
    log = find_log(path)
    angles, monitor, facts = (None, None, Facts())
    if log is not None:
        angles, monitor, facts = read_log(log, frames.shape[0])
    return Found(
        path=path,
        format="TIFF folder",
        projections=Selection.all(frames),
        flats=tuple(Selection.all(TiffFrames(files)) for files in groups["flats"]),
        darks=tuple(Selection.all(TiffFrames(files)) for files in groups["darks"]),
        angles=angles,
        monitor=monitor,
        facts=facts,
        warnings=tuple(warnings),
    )
