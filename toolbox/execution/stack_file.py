"""An array in a file, read and written piece by piece without mapping it into memory."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError


@dataclass(frozen=True)
class StackFile:
    """A C-ordered array of ``shape`` at ``offset`` bytes in ``path``, cut along ``row_axis``.

    Plain reads and writes at byte positions: safe from threads and from several processes, and
    the pages do not count as the process's own memory, as those of a memory map would.
    """

    path: Path
    offset: int
    shape: tuple[int, ...]
    dtype: str
    row_axis: int = 0

    @property
    def bytes(self) -> int:
        return int(np.prod(self.shape, dtype=np.int64)) * np.dtype(self.dtype).itemsize

    def allocate(self) -> None:
        """Reserve the room on disk now, so that a full disk is met before the work."""
        reserve(self.path, self.offset + self.bytes)

    def write(self, start: int, values: NDArray[Any], axis: int) -> None:
        """Put values at ``start`` along an axis; the other axes are complete."""
        values = np.ascontiguousarray(values, dtype=self.dtype)
        handle = os.open(self.path, os.O_WRONLY)
        try:
            for position, piece in self._pieces(start, values, axis):
                _write_all(handle, _bytes(piece), position)
        except OSError as error:
            raise WorkError(write_failed(self.path, error)) from error
        finally:
            os.close(handle)

    def read(self, start: int, stop: int, axis: int) -> NDArray[Any]:
        """Values from ``start`` to ``stop`` along an axis."""
        shape = list(self.shape)
        shape[axis] = stop - start
        values = np.empty(shape, dtype=self.dtype)
        handle = os.open(self.path, os.O_RDONLY)
        try:
            for position, piece in self._pieces(start, values, axis):
                _read_all(handle, _bytes(piece), position, self.path)
        finally:
            os.close(handle)
        return values

    def _pieces(
        self, start: int, values: NDArray[Any], axis: int
    ) -> Iterator[tuple[int, NDArray[Any]]]:
        """Contiguous runs of the file that values at ``start`` along an axis fill."""
        if not values.size:
            return
        inner = int(np.prod(self.shape[axis + 1 :], dtype=np.int64)) * values.itemsize
        step = inner * self.shape[axis]
        outer = values.reshape(-1, *values.shape[axis:])
        for index in range(outer.shape[0]):
            yield self.offset + index * step + start * inner, outer[index].reshape(-1)


def _bytes(values: NDArray[Any]) -> memoryview:
    return memoryview(values.view(np.uint8).data)


def reserve(path: Path, size: int) -> None:
    """Make a file at least this long, with its blocks on disk."""
    handle = os.open(path, os.O_WRONLY | os.O_CREAT, 0o644)
    try:
        if size and hasattr(os, "posix_fallocate"):
            os.posix_fallocate(handle, 0, size)
        elif size > os.fstat(handle).st_size:
            os.ftruncate(handle, size)
    except OSError as error:
        raise WorkError(write_failed(path, error)) from error
    finally:
        os.close(handle)


def _write_all(handle: int, data: memoryview, position: int) -> None:
    while data:
        written = os.pwrite(handle, data, position)
        data, position = data[written:], position + written


def _read_all(handle: int, data: memoryview, position: int, path: Path) -> None:
    while data:
        count = os.preadv(handle, [data], position)
        if not count:
            raise WorkError(
                f"{path} ends early, though it was written complete. Delete it and run again."
            )
        data, position = data[count:], position + count


def write_failed(path: Path, error: OSError) -> str:
    """What is said where the disk refuses to take a result."""
    import shutil

    try:
        free = f"{shutil.disk_usage(path.parent).free / 1e9:.2f} GB"
    except OSError:
        free = "an unknown amount"
    return (
        f"Writing {path} failed: {error.strerror or error}; {free} is free there. "
        f"Make room, or choose an output on another disk, and run again; a run that had finished "
        f"slabs on this disk goes on with --resume."
    )
