"""Stacks of frames on disk, read piece by piece in their own dtype."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from metadata.errors import ScanError

Index = NDArray[np.intp]


class FrameSource(Protocol):
    """Frames with axes ``frame, row, col``; reading is safe from several threads.

    ``chunks`` is the piece that is decoded as one (``frame, row, col``), so that reading a part of
    it costs as much as all of it; None where any part can be read alone.
    """

    @property
    def shape(self) -> tuple[int, int, int]: ...

    @property
    def dtype(self) -> np.dtype[Any]: ...

    @property
    def chunks(self) -> tuple[int, int, int] | None: ...

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        """Some frames (any order) and rows, in the stored dtype."""

    def close(self) -> None:
        """Let go of the file."""


@dataclass(frozen=True)
class Selection:
    """Some frames of a source, in order."""

    source: FrameSource
    index: Index

    @classmethod
    def all(cls, source: FrameSource) -> Selection:
        return cls(source, np.arange(source.shape[0]))

    @property
    def count(self) -> int:
        return int(self.index.size)


def runs(frames: Index, chunk: int) -> Iterator[tuple[int, int]]:
    """Start and length of the pieces of an increasing index that one read should fetch:
    neighbours, and frames of one chunk.

    >>> list(runs(np.array([0, 1, 2, 9, 11]), chunk=1))
    [(0, 3), (3, 1), (4, 1)]
    >>> list(runs(np.array([0, 1, 2, 9, 11]), chunk=8))
    [(0, 3), (3, 2)]
    """
    if not frames.size:
        return
    apart = (np.diff(frames) > 1) & (np.diff(frames // chunk) > 0)
    starts = [0, *(np.flatnonzero(apart) + 1).tolist()]
    for start, stop in zip(starts, [*starts[1:], frames.size], strict=True):
        yield start, stop - start


class Hdf5Frames:
    """Frames in an HDF5 dataset of three dimensions, or of two: one row a frame."""

    def __init__(self, data: h5py.Dataset) -> None:
        if data.ndim not in (2, 3) or data.dtype.kind not in "iuf":
            raise ScanError(
                f"{data.name} in {data.file.filename} has the shape {data.shape} and the type "
                f"{data.dtype}; expected numbers as angle, row, col or a sinogram as angle, col. "
                f"Give data= the path of the right dataset."
            )
        self._data = data
        self._flat = data.ndim == 2
        self.shape = _three(data.shape)
        self.dtype = np.dtype(data.dtype)
        self.chunks = _three(data.chunks) if data.chunks else None

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        frames = np.asarray(frames, dtype=np.intp)
        start, stop, _ = rows.indices(self.shape[1])
        out = empty_frames(self._data.name, frames.size, max(stop - start, 0), self)
        order = np.argsort(frames, kind="stable")
        wanted = frames[order]
        in_order = bool(np.all(order == np.arange(frames.size)))
        try:
            for first, length in runs(wanted, self.chunks[0] if self.chunks else 1):
                piece = wanted[first : first + length]
                low, high = int(piece[0]), int(piece[-1]) + 1
                got = self._data[low:high] if self._flat else self._data[low:high, start:stop]
                if self._flat:
                    got = got[:, None, :][:, start:stop]
                if high - low != length:
                    got = got[piece - low]
                if in_order:
                    out[first : first + length] = got
                else:
                    out[order[first : first + length]] = got
        except (OSError, RuntimeError, ValueError, KeyError, MemoryError) as error:
            where = (
                f"{self._data.file.filename}: {self._data.name}" if self._data else "A closed scan"
            )
            raise ScanError(
                f"{where} has frames that cannot be read (HDF5 says: {error}). Expected an intact, "
                f"open file; copy it again from where it was recorded."
            ) from error
        return out

    def close(self) -> None:
        if self._data:
            self._data.file.close()


def empty_frames(name: str, count: int, rows: int, source: FrameSource) -> NDArray[Any]:
    """Room for some frames, or an error: a damaged file may claim any size."""
    try:
        return np.empty((count, rows, source.shape[2]), source.dtype)
    except (MemoryError, ValueError) as error:
        raise ScanError(
            f"{count} frames of {rows} x {source.shape[2]} pixels of {name} do not fit into memory "
            f"({error}). Expected a piece that does; ask for fewer rows, or copy the file again if "
            f"it is not that large."
        ) from error


class ArrayFrames:
    """Frames in an array (in memory or mapped from a file) of three dimensions, or of two."""

    def __init__(self, array: NDArray[Any]) -> None:
        self._array = array if array.ndim == 3 else array[:, None, :]
        self.shape = _three(array.shape)
        self.dtype = array.dtype
        self.chunks = None

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        return np.asarray(self._array[:, rows][frames])

    def close(self) -> None:
        """Nothing is held open."""


class RatioFrames:
    """Frames divided by a monitor reading of each pixel, float32; no reading gives no number."""

    def __init__(self, data: FrameSource, monitor: FrameSource) -> None:
        self._data, self._monitor = data, monitor
        self.shape, self.chunks = data.shape, data.chunks
        self.dtype = np.dtype(np.float32)

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        above = self._data.read(frames, rows).astype(np.float32)
        below = self._monitor.read(frames, rows).astype(np.float32)
        with np.errstate(divide="ignore", invalid="ignore"):
            return above / below

    def close(self) -> None:
        self._data.close()
        self._monitor.close()


class MissingFrames:
    """Frames that a file describes but that cannot be read, and why."""

    chunks = None

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any], why: str) -> None:
        self.shape, self.dtype, self.why = shape, dtype, why

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        raise ScanError(self.why)

    def close(self) -> None:
        """Nothing is held open."""


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    return (shape[0], 1, shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])
