"""Stacks of frames on disk, read piece by piece in their own dtype."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, Protocol

import h5py
import numpy as np
from numpy.typing import NDArray

from metadata.errors import ScanError

Index = NDArray[np.intp]


class FrameSource(Protocol):
    """Frames with axes ``frame, row, col``; reading is safe from several threads."""

    shape: tuple[int, int, int]
    dtype: np.dtype[Any]
    chunks: tuple[int, int, int] | None  # None: any piece can be read alone

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        """Some frames (any order) and rows, in the stored dtype."""

    def close(self) -> None:
        """Let go of the file."""


def runs(frames: Index, reach: int) -> Iterator[tuple[int, int]]:
    """Start and length of the pieces of an increasing index that lie at most ``reach`` apart.

    >>> list(runs(np.array([0, 1, 2, 9, 10]), 1))
    [(0, 3), (3, 2)]
    """
    if not frames.size:
        return
    breaks = np.flatnonzero(np.diff(frames) > reach) + 1
    starts = [0, *breaks.tolist()]
    for start, stop in zip(starts, [*starts[1:], frames.size], strict=True):
        yield start, stop - start


class Hdf5Frames:
    """Frames in an HDF5 dataset of two (one row each) or three dimensions."""

    def __init__(self, data: h5py.Dataset) -> None:
        if data.ndim not in (2, 3):
            raise ScanError(
                f"{data.name} in {data.file.filename} has the shape {data.shape}; expected "
                f"projections as angle, row, col or a sinogram as angle, col. Give data= the path "
                f"of another dataset."
            )
        self._data = data
        self._flat = data.ndim == 2
        self.shape = _three(data.shape)
        self.dtype = np.dtype(data.dtype)
        self.chunks = _three(data.chunks) if data.chunks else None

    def read(self, frames: Index, rows: slice) -> NDArray[Any]:
        frames = np.asarray(frames, dtype=np.intp)
        start, stop, _ = rows.indices(self.shape[1])
        out = np.empty((frames.size, max(stop - start, 0), self.shape[2]), self.dtype)
        order = np.argsort(frames, kind="stable")
        wanted = frames[order]
        # Frames of one chunk come in one read: a second read would decompress it again.
        reach = self.chunks[0] if self.chunks else 1
        try:
            for first, length in runs(wanted, reach):
                piece = wanted[first : first + length]
                low, high = int(piece[0]), int(piece[-1]) + 1
                got = self._data[low:high] if self._flat else self._data[low:high, start:stop]
                if self._flat:
                    got = got[:, None, :][:, start:stop]
                if high - low == length and np.array_equal(
                    order[first : first + length], np.arange(first, first + length)
                ):
                    out[first : first + length] = got
                else:
                    out[order[first : first + length]] = got[piece - low]
        except (OSError, RuntimeError, ValueError) as error:
            raise ScanError(
                f"{self._data.file.filename}: frames of {self._data.name} cannot be read "
                f"(HDF5 says: {error}). Expected an intact file; copy it again from where it was "
                f"recorded, or leave the damaged frames out."
            ) from error
        return out

    def close(self) -> None:
        if self._data:
            self._data.file.close()


def _three(shape: tuple[int, ...]) -> tuple[int, int, int]:
    return (shape[0], 1, shape[1]) if len(shape) == 2 else (shape[0], shape[1], shape[2])
