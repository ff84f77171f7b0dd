"""Lazy access to the frames of a scan, by angle or by row."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Self

import numpy as np
from numpy.typing import NDArray

from metadata.scan_info import ScanInfo

Frames = NDArray[np.float32]


class Scan(ABC):
    """Frames behind a :class:`ScanInfo`; nothing is loaded before it is asked for.

    Values come as float32 in the file's own meaning (``info.state``), axes ``angle, row, col``.
    Reading is safe from several threads.
    """

    info: ScanInfo

    @abstractmethod
    def projections(
        self,
        angles: slice | NDArray[np.intp] = slice(None),
        rows: slice = slice(None),
    ) -> Frames:
        """Projections of the chosen angle indices and rows, axes ``angle, row, col``."""

    @abstractmethod
    def flats(self, rows: slice = slice(None)) -> Frames:
        """Flat fields (beam, no sample), axes ``frame, row, col``; none where there are none."""

    @abstractmethod
    def darks(self, rows: slice = slice(None)) -> Frames:
        """Dark frames (no beam), axes ``frame, row, col``; no frames where there are none."""

    @property
    def chunks(self) -> tuple[int, int, int] | None:
        """Sizes ``angle, row, col`` in which the projections are stored and must be read whole;
        None: any piece can be read alone."""
        return None

    def monitor(self) -> NDArray[np.float64] | None:
        """Beam monitor reading for each projection (any unit), where the file has one."""
        return None

    def row_slabs(
        self, height: int, *, halo: int = 0, rows: slice = slice(None)
    ) -> Iterator[tuple[slice, Frames]]:
        """Slabs of at most ``height`` of the chosen rows, and up to ``halo`` more rows on either
        side where there are some: which rows (halo included) and their projections. Each stored
        chunk is read once per pass, where the scan can."""
        first, last, _ = rows.indices(self.info.rows)
        for start in range(first, last, height):
            stop = min(start + height, last)
            slab = slice(max(0, start - halo), min(stop + halo, self.info.rows))
            yield slab, self.projections(rows=slab)

    def close(self) -> None:  # noqa: B027 — nothing to close by default
        """Let go of the file."""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()
