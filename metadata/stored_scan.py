"""A scan over frames on disk."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.frames import FrameSource, Index
from metadata.scan import Frames, Scan
from metadata.scan_info import ScanInfo


@dataclass(frozen=True)
class Selection:
    """Some frames of a source, in order."""

    source: FrameSource
    index: Index

    @classmethod
    def all(cls, source: FrameSource) -> Selection:
        return cls(source, np.arange(source.shape[0]))


class StoredScan(Scan):
    """Frames behind a :class:`ScanInfo`, as float32: ``(stored + offset) * scale``."""

    def __init__(
        self,
        info: ScanInfo,
        projections: Selection,
        flats: Sequence[Selection] = (),
        darks: Sequence[Selection] = (),
        monitor: NDArray[np.float64] | None = None,
        offset: float = 0.0,
        scale: float = 1.0,
    ) -> None:
        self.info = info
        self._projections = projections
        self._flats = tuple(flats)
        self._darks = tuple(darks)
        self._monitor = monitor
        self._offset = offset
        self._scale = scale

    def projections(
        self,
        angles: slice | NDArray[np.intp] = slice(None),
        rows: slice = slice(None),
    ) -> Frames:
        index = self._projections.index[angles]
        return self._grey(self._projections.source.read(index, rows))

    def flats(self, rows: slice = slice(None)) -> Frames:
        return self._stack(self._flats, rows)

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self._stack(self._darks, rows)

    def monitor(self) -> NDArray[np.float64] | None:
        return None if self._monitor is None else self._monitor.copy()

    def close(self) -> None:
        for selection in (self._projections, *self._flats, *self._darks):
            selection.source.close()

    def _stack(self, selections: Sequence[Selection], rows: slice) -> Frames:
        if not selections:
            start, stop, _ = rows.indices(self.info.rows)
            return np.empty((0, stop - start, self.info.columns), np.float32)
        return np.concatenate([self._grey(s.source.read(s.index, rows)) for s in selections])

    def _grey(self, stored: NDArray[Any]) -> Frames:
        values = stored.astype(np.float32)
        if self._offset:
            values += np.float32(self._offset)
        if self._scale != 1.0:
            values *= np.float32(self._scale)
        return values
