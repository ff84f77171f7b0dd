"""Half of the views of one row of a scan, its columns put together: small, and the other half is
left for a reference with noise of its own."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metadata.scan import Frames, Scan


class HalfScan(Scan):
    """Every second view (``first`` 0 or 1) of ``row``, of those one in ``thin``; ``bin`` columns
    become their mean."""

    def __init__(self, scan: Scan, row: int, bin: int, first: int, thin: int = 1) -> None:
        self._scan, self._bin = scan, bin
        self._row = slice(row, row + 1)
        self._views = np.arange(first * thin, scan.info.projections, 2 * thin)
        self.info = replace(
            scan.info,
            projections=len(self._views),
            rows=1,
            columns=scan.info.columns // bin,
            angles_rad=np.asarray(scan.info.angles_rad)[self._views],
            rotation_axis_px=None,
        )

    def projections(
        self, angles: slice | NDArray[np.intp] = slice(None), rows: slice = slice(None)
    ) -> Frames:
        return self._binned(self._scan.projections(self._views[angles], self._row))[:, rows]

    def flats(self, rows: slice = slice(None)) -> Frames:
        return self._binned(self._scan.flats(self._row))[:, rows]

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self._binned(self._scan.darks(self._row))[:, rows]

    def monitor(self) -> NDArray[np.float64] | None:
        monitor = self._scan.monitor()
        return None if monitor is None else monitor[self._views]

    def axis(self, column: float) -> float:
        """Where a column of the whole scan lies in this one."""
        return (column + 0.5) / self._bin - 0.5

    def _binned(self, frames: Frames) -> Frames:
        width = frames.shape[-1] // self._bin * self._bin
        cut = frames[..., :width].reshape(*frames.shape[:-1], -1, self._bin)
        return np.asarray(cut.mean(axis=-1, dtype=np.float32))
