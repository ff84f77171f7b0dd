"""Some views of one row of a scan, its columns put together, its counts thinned."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from metadata.scan import Frames, Scan
from metadata.scan_info import GreyState


class SubsetScan(Scan):
    """``views`` of ``row``; ``bin`` columns become their mean; ``thin``: the share of the photons
    that is kept, each by chance, the rest being as if it had not arrived (None: all), a photon
    being ``gain`` counts."""

    def __init__(
        self,
        scan: Scan,
        row: int,
        views: NDArray[np.intp],
        bin: int = 1,
        thin: float | None = None,
        seed: int = 0,
        gain: float = 1.0,
    ) -> None:
        if thin is not None and scan.info.state is not GreyState.COUNTS:
            raise InputError(
                f"{scan.info.path} holds {scan.info.state.value}, which cannot be thinned; "
                f"expected counts. Leave `thin` out."
            )
        self._scan, self.bin, self._thin, self._seed, self._gain = scan, bin, thin, seed, gain
        self._row, self._views = slice(row, row + 1), np.asarray(views, np.intp)
        self._frames: Frames | None = None
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
        if self._frames is None:
            frames = self._scan.projections(self._views, self._row)
            self._frames = self._binned(self._thinned(frames))
        return self._frames[angles][:, rows].copy()

    def flats(self, rows: slice = slice(None)) -> Frames:
        return self._binned(self._scan.flats(self._row))[:, rows]

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self._binned(self._scan.darks(self._row))[:, rows]

    def monitor(self) -> NDArray[np.float64] | None:
        monitor = self._scan.monitor()
        return None if monitor is None else monitor[self._views]

    def axis(self, column: float) -> float:
        """Where a column of the whole scan lies in this one."""
        return (column + 0.5) / self.bin - 0.5

    def _thinned(self, frames: Frames) -> Frames:
        if self._thin is None:
            return frames
        rng = np.random.default_rng(self._seed)
        photons = np.maximum(np.rint(frames / self._gain), 0).astype(np.int64)
        kept = rng.binomial(photons, self._thin) * (self._gain / self._thin)
        return kept.astype(np.float32)

    def _binned(self, frames: Frames) -> Frames:
        width = frames.shape[-1] // self.bin * self.bin
        cut = frames[..., :width].reshape(*frames.shape[:-1], -1, self.bin)
        return np.asarray(cut.mean(axis=-1, dtype=np.float32))
