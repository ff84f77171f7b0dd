"""XRM and TXRM, the OLE files of Xradia (Zeiss) microscopes.

The layout is not published; names as found in files of APS 32-ID-C.
"""

from __future__ import annotations

import math
import threading
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.dates import iso_date
from metadata.errors import ScanError
from metadata.found import Facts, Found, RawAngles
from metadata.frames import Index, Selection

SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
TYPES: dict[int, np.dtype[Any]] = {3: np.dtype("u1"), 5: np.dtype("<u2"), 10: np.dtype("<f4")}


def is_ole(path: Path) -> bool:
    with path.open("rb") as file:
        return file.read(len(SIGNATURE)) == SIGNATURE


class XrmFile:
    """Streams of one file; reading is safe from several threads."""

    def __init__(self, path: Path) -> None:
        import olefile

        self.path = path
        self._lock = threading.Lock()
        try:
            self._file = olefile.OleFileIO(str(path))
        except Exception as error:  # olefile raises whatever broken bytes lead to
            raise self._damaged(error) from error

    def _damaged(self, error: object) -> ScanError:
        return ScanError(
            f"{self.path} is a damaged or incomplete XRM/TXRM file ({error}). Expected a complete "
            f"one; copy it again from where it was recorded."
        )

    def stream(self, name: str) -> bytes | None:
        try:
            with self._lock:
                if not self._file.exists(name):
                    return None
                return bytes(self._file.openstream(name).read())
        except Exception as error:
            raise self._damaged(error) from error

    def array(self, name: str, dtype: str) -> NDArray[Any]:
        """The numbers in a stream; none where it is missing."""
        raw = self.stream(name) or b""
        kind = np.dtype(dtype)
        return np.frombuffer(raw[: len(raw) // kind.itemsize * kind.itemsize], kind)

    def integer(self, name: str) -> int | None:
        values = self.array(f"ImageInfo/{name}", "<i4")
        return int(values[0]) if values.size else None

    def positive(self, name: str, scale: float) -> float | None:
        """The first number of a stream times ``scale``, where it means something."""
        values = self.array(f"ImageInfo/{name}", "<f4")
        if not values.size or not math.isfinite(values[0]) or values[0] <= 0:
            return None
        return float(values[0]) * scale

    def text(self, name: str) -> str | None:
        raw = (self.stream(name) or b"").split(b"\0")[0]
        return raw.decode("latin-1").strip() or None

    def close(self) -> None:
        self._file.close()


class XrmFrames:
    """The images of a file, ``frame, row, col``, top row first as stored."""

    def __init__(self, file: XrmFile) -> None:
        self._file = file
        sizes = [file.integer(name) for name in ("ImagesTaken", "ImageHeight", "ImageWidth")]
        kind = file.integer("DataType")
        dtype = TYPES.get(kind) if kind is not None else None
        if None in sizes or dtype is None:
            raise ScanError(
                f"{file.path} does not say the number, size or type of its images (type {kind}; "
                f"expected one of {sorted(TYPES)}). It is damaged or no XRM/TXRM file."
            )
        if file.integer("MosiacMode"):
            sizes[0] = 1  # the tiles are one picture
        self.shape = (int(sizes[0] or 0), int(sizes[1] or 0), int(sizes[2] or 0))
        if not all(0 < size < 1 << 20 for size in self.shape):
            raise ScanError(
                f"{file.path} says it holds {self.shape[0]} images of {self.shape[1]} x "
                f"{self.shape[2]} pixels, which cannot be. It is damaged; copy it again."
            )
        self.dtype = dtype
        self.chunks = (1, *self.shape[1:])

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        start, stop, _ = rows.indices(self.shape[1])
        out = np.empty((len(frames), stop - start, self.shape[2]), self.dtype)
        for at, frame in enumerate(frames):
            number = int(frame) + 1
            name = f"ImageData{(number - 1) // 100 + 1}/Image{number}"
            raw = self._file.stream(name) or b""
            if len(raw) != self.shape[1] * self.shape[2] * self.dtype.itemsize:
                raise ScanError(
                    f"{self._file.path}: image {number} holds {len(raw)} bytes, expected "
                    f"{self.shape[1]} x {self.shape[2]} of {self.dtype}. The file is incomplete; "
                    f"copy it again."
                )
            out[at] = np.frombuffer(raw, self.dtype).reshape(self.shape[1:])[start:stop]
        return out

    def close(self) -> None:
        self._file.close()


def read_xrm(path: Path) -> Found:
    """A series of images with angles; a mosaic or a single image is no scan, and is said to be."""
    file = XrmFile(path)
    frames = XrmFrames(file)
    angles = file.array("ImageInfo/Angles", "<f4").astype(np.float64)
    if file.integer("MosiacMode"):
        tiles = file.integer("MosiacRows"), file.integer("MosiacColumns")
        raise ScanError(
            f"{path} is a mosaic of {tiles[0]} x {tiles[1]} tiles at one angle "
            f"({frames.shape[1]} x {frames.shape[2]} pixels), not a tomography scan. Expected "
            f"images at several angles (.txrm)."
        )
    if frames.shape[0] == 1:
        raise ScanError(
            f"{path} holds one image, at {angles[0] if angles.size else 0:.3g}°; expected several "
            f"angles (.txrm). An image without sample can be given to a scan as flats={path.name}."
        )
    currents = file.array("ImageInfo/IonChamberCurrent", "<f4").astype(np.float64)
    monitor = currents if currents.size == frames.shape[0] and np.all(currents > 0) else None
    dates = (file.stream("ImageInfo/Date") or b"").ljust(40, b"\0")
    size = len(dates) // max(frames.shape[0], 1)
    first, last = (
        dates[start : start + size].split(b"\0")[0].decode("latin-1")
        for start in (0, max(0, size * (frames.shape[0] - 1)))
    )
    return Found(
        path=path,
        format="TXRM",
        projections=Selection.all(frames),
        angles=RawAngles(angles, "deg", "ImageInfo/Angles") if angles.size else None,
        monitor=monitor,
        facts=Facts(
            pixel_size_m=file.positive("PixelSize", 1e-6),
            energy_kev=file.positive("Energy", 1e-3),
            exposure_s=file.positive("ExpTimes", 1.0),
            start_time=iso_date(first),
            end_time=iso_date(last),
            sample=file.text("SampleInfo/SampleID"),
            probe="x-ray",
        ),
    )
