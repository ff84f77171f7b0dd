"""A scan turned into row order once, in a scratch file."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import WorkError


def scratch_folder() -> Path:
    """Where scratch files go: ``TOMOPLAN_SCRATCH``, or the system's folder for temporary files."""
    return Path(os.environ.get("TOMOPLAN_SCRATCH") or tempfile.gettempdir())


def has_room(size: int) -> bool:
    """Whether the scratch folder can take this many bytes and keep a tenth of them free."""
    try:
        return shutil.disk_usage(scratch_folder()).free > size * 1.1
    except OSError:
        return False


class RowFile:
    """Frames kept as ``row, frame, col`` in an unnamed temporary file.

    Plain reads and writes, no memory map: mapped pages would count as the process's own memory.
    The file vanishes when it is closed or the process ends.
    """

    def __init__(self, shape: tuple[int, int, int], dtype: np.dtype[Any]) -> None:
        self.shape, self.dtype = shape, dtype  # frame, row, col
        self._file = tempfile.TemporaryFile(dir=scratch_folder(), prefix="tomoplan-rows-")  # noqa: SIM115

    def write(self, first: int, frames: NDArray[Any], first_row: int = 0) -> None:
        """Put frames (``frame, row, col``) at their place, from frame ``first`` and a row on."""
        count, _, columns = self.shape
        try:
            for row in range(frames.shape[1]):
                line = np.ascontiguousarray(frames[:, row])
                start = ((first_row + row) * count + first) * columns * self.dtype.itemsize
                os.pwrite(self._file.fileno(), line.tobytes(), start)
        except OSError as error:
            raise WorkError(
                f"The scratch folder {scratch_folder()} cannot take the rows of the scan "
                f"({error}). Free some space, or set TOMOPLAN_SCRATCH to a larger folder."
            ) from error

    def read(self, start: int, stop: int) -> NDArray[Any]:
        """Rows ``start`` to ``stop`` of all frames, axes ``frame, row, col``."""
        count, _, columns = self.shape
        line = count * columns * self.dtype.itemsize
        out = np.empty((stop - start, count, columns), self.dtype)
        view = memoryview(out.data).cast("B")
        at = 0
        while at < len(view):
            got = os.preadv(self._file.fileno(), [view[at:]], start * line + at)
            if got <= 0:
                raise WorkError("The scratch file of the scan ended early. Run again.")
            at += got
        return out.swapaxes(0, 1)

    def close(self) -> None:
        self._file.close()

    def __del__(self) -> None:
        # A scan that nobody closed is no reason to warn of an open scratch file.
        if hasattr(self, "_file"):
            self._file.close()
