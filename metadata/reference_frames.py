"""Flats or darks of a scan, read once and mended as they are asked for."""

from __future__ import annotations

import threading
from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.errors import ScanError
from metadata.frames import Selection
from metadata.repair import Frames, fill_reference
from metadata.row_file import RowFile, has_room


class ReferenceFrames:
    """Frames with beam (``flats``) or without (``darks``), axes ``frame, row, col``.

    Every slab of a pass asks for some of their rows, so they are read once and kept: in memory
    where they fit into ``budget`` bytes, otherwise in a scratch file. Frames that hold nothing are
    left out. ``scale`` and ``offset`` are those of the projections.
    """

    def __init__(
        self, name: str, selections: Sequence[Selection], rows: int, columns: int, budget: int
    ) -> None:
        self.name = name
        self._selections = [s for s in selections if s.count]
        self._rows, self._columns, self._budget = rows, columns, budget
        self._kept: NDArray[Any] | RowFile | None = None
        self._good: NDArray[np.bool_] = np.ones(self.stored, bool)
        self._mended: dict[int, int] = {}
        self._lock = threading.Lock()

    @property
    def stored(self) -> int:
        """How many frames the files hold."""
        return sum(s.count for s in self._selections)

    @property
    def usable(self) -> int:
        """How many of them hold something, as far as they were read."""
        return int(self._good.sum())

    def read(self, rows: slice) -> Frames:
        """Some rows of the usable frames as float32."""
        start, stop, _ = rows.indices(self._rows)
        if not self._selections:
            return np.empty((0, max(stop - start, 0), self._columns), np.float32)
        with self._lock:
            if self._kept is None:
                self._kept = self._load()
            kept = self._kept
            stored = kept.read(start, stop) if isinstance(kept, RowFile) else kept[:, start:stop]
        values = stored[self._good].astype(np.float32)
        for row in range(values.shape[1]):
            bad = fill_reference(values[:, row : row + 1], zero_is_bad=self.name == "flats")
            if bad:
                self._mended[start + row] = bad
        return values

    def warnings(self) -> list[str]:
        """What was mended so far."""
        told = []
        if self.usable < self.stored:
            told.append(
                f"{self.stored - self.usable} of {self.stored} {self.name} are empty: left out."
            )
        if self._mended:
            count = sum(self._mended.values())
            told.append(
                f"{count} pixel{'s' if count > 1 else ''} of the {self.name} "
                f"{'are' if count > 1 else 'is'} {'zero or ' if self.name == 'flats' else ''}not "
                f"{'numbers' if count > 1 else 'a number'}: filled from the other "
                f"{self.name} or their neighbours."
            )
        return told

    def close(self) -> None:
        for selection in self._selections:
            selection.source.close()
        if isinstance(self._kept, RowFile):
            self._kept.close()
        self._kept = None

    def _load(self) -> NDArray[Any] | RowFile:
        dtype = np.result_type(*(s.source.dtype for s in self._selections))
        shape = (self.stored, self._rows, self._columns)
        size = int(np.prod(shape)) * dtype.itemsize
        kept: NDArray[Any] | RowFile
        large = size > self._budget and has_room(size)
        kept = RowFile(shape, dtype) if large else np.empty(shape, dtype)
        at = 0
        for selection in self._selections:
            source = selection.source
            frame = self._rows * self._columns * source.dtype.itemsize
            step = max(1, (64 << 20) // frame)
            if source.chunks:
                step = -(-step // source.chunks[0]) * source.chunks[0]
            for first in range(0, selection.count, step):
                piece = source.read(selection.index[first : first + step], slice(0, self._rows))
                piece = piece.astype(dtype, copy=False)
                self._good[at : at + len(piece)] = [_holds(f, self.name) for f in piece]
                if isinstance(kept, RowFile):
                    kept.write(at, piece)
                else:
                    kept[at : at + len(piece)] = piece
                at += len(piece)
        if not self._good.any():
            self._good[:] = True
            raise ScanError(
                f"None of the {self.stored} {self.name} holds anything but zeros or NaN; expected "
                f"frames {'with beam' if self.name == 'flats' else 'without beam'}. Give others "
                f"with {self.name}=, or take them again."
            )
        return kept


def _holds(frame: NDArray[Any], name: str) -> bool:
    if frame.dtype.kind == "f" and not np.isfinite(frame).any():
        return False
    return name != "flats" or bool(
        np.nan_to_num(frame).any() if frame.dtype.kind == "f" else frame.any()
    )
