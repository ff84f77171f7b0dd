"""Volumes and series of images: stacks in files that are no projections over angles."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.found import Found
from metadata.frames import FrameSource, Selection
from metadata.scan import Frames, Scan
from metadata.scan_info import Content, GreyState, ScanInfo


class Stack(Scan):
    """A volume (``z, y, x``) or images (``frame, row, col``) behind the interface of a scan.

    A volume is a scan whose rows are its z and whose frames are its y, so that a slab of rows is a
    slab of slices; a single picture is a volume of one slice, or one image. Values are never
    repaired: zeros around a reconstruction are meant.
    """

    def __init__(
        self, info: ScanInfo, frames: Selection, reopen: Callable[[], tuple[Any, ...]] | None = None
    ) -> None:
        self.info = info
        self._source, self._index, self._reopen = frames.source, frames.index, reopen

    def __reduce__(self) -> tuple[Any, ...]:
        if self._reopen is None:
            raise TypeError("This stack was not opened from a file, so another process cannot.")
        return self._reopen()

    def projections(
        self, angles: slice | NDArray[np.intp] = slice(None), rows: slice = slice(None)
    ) -> Frames:
        if self.info.content is Content.VOLUME:
            return self.slices(rows).swapaxes(0, 1)[angles]
        chosen = np.arange(self.info.projections)[angles]
        return _pictures(self._source, self._index, chosen, rows)

    def slices(self, rows: slice = slice(None)) -> Frames:
        """Slices of a volume, axes ``z, y, x``."""
        start, stop, _ = rows.indices(self.info.rows)
        chosen = np.arange(start, max(start, stop))
        return _pictures(self._source, self._index, chosen, slice(None))

    def flats(self, rows: slice = slice(None)) -> Frames:
        return np.empty((0, len(range(self.info.rows)[rows]), self.info.columns), np.float32)

    def darks(self, rows: slice = slice(None)) -> Frames:
        return self.flats(rows)

    def close(self) -> None:
        self._source.close()


def stack_of(
    found: Found,
    content: Content,
    state: GreyState | None,
    reopen: Callable[[], tuple[Any, ...]] | None = None,
) -> Stack:
    """The stack that a reader found; values whose meaning nothing tells are taken as they are,
    with a warning: those of a volume as attenuation, those of images as counts."""
    count, rows, columns = _size(found.projections)
    # Readers of projections say of a single picture that it is taken for a sinogram: not here.
    warnings = [] if found.projections.source.shape[1] == 1 else list(found.warnings)
    known = state or found.state
    if content is Content.VOLUME:
        if known is None:
            warnings.append(
                "Nothing in the file tells the meaning of the grey values of the volume. They are "
                "used as attenuation, without a unit."
            )
        frames, height = rows, count
    else:
        frames, height = count, rows
    facts = found.facts
    info = ScanInfo(
        path=found.path,
        format=found.format,
        projections=frames,
        rows=height,
        columns=columns,
        flats=0,
        darks=0,
        dtype=str(found.projections.source.dtype),
        state=known or (GreyState.ATTENUATION if content is Content.VOLUME else GreyState.COUNTS),
        angles_rad=np.zeros(frames),
        pixel_size_m=facts.pixel_size_m,
        energy_kev=facts.energy_kev,
        distance_m=facts.distance_m,
        sample=facts.sample,
        warnings=tuple(warnings),
        content=content,
        dataset=found.dataset,
    )
    return Stack(info, found.projections, reopen)


def _size(frames: Selection) -> tuple[int, int, int]:
    shape = frames.source.shape
    if shape[1] == 1:  # a single picture, which readers of projections take for a sinogram
        return 1, shape[0], shape[2]
    return frames.count, shape[1], shape[2]


def _pictures(
    source: FrameSource, index: NDArray[np.intp], chosen: NDArray[np.intp], rows: slice
) -> Frames:
    if source.shape[1] == 1:
        lines = np.arange(source.shape[0])[rows]
        values = source.read(lines, slice(None)).swapaxes(0, 1)[chosen]
    else:
        values = source.read(index[chosen], rows)
    return np.ascontiguousarray(values, dtype=np.float32)
