"""The pictures of a scan that the image-text model looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from toolbox.registry import make_tool
from toolbox.values import Block, Center

if TYPE_CHECKING:
    from planner.inspection import Inspection
    from planner.preview import Preview

SIDE = 96  # px of a picture
PANELS = ("projection", "sinogram", "slice")
CLIP = 3.0  # grey values beyond this many spreads are cut
Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pictures:
    """``whole`` and ``detail``, axes ``panel, y, x``, :data:`SIDE` px square: projection, sinogram
    and quick slice, squeezed into the square as a whole, and their middle pixel by pixel.

    All scans give pictures of one size and one scale of grey values, and nothing of a header.
    """

    whole: Image
    detail: Image

    @classmethod
    def of(cls, projection: Image, sinogram: Image, slice_: Image) -> Pictures:
        """From attenuation: ``row, col``; ``angle, col``; and ``y, x``."""
        panels = [_even(p) for p in (projection, sinogram, slice_)]
        return cls(np.stack([squeezed(p) for p in panels]), np.stack([middle(p) for p in panels]))

    @classmethod
    def seen(cls, inspection: Inspection) -> Pictures | None:
        """Of an inspected scan of projections; of anything else None."""
        preview = inspection.preview
        if preview is None:
            return None
        return cls.of(_projection(preview), *rows_of(preview.attenuation, inspection.center))

    def stacked(self) -> Image:
        """Axes ``picture, panel, y, x``."""
        return np.stack([self.whole, self.detail])


def rows_of(sinogram: Block, center: Center | None) -> tuple[Image, Image]:
    """The middle row as a sinogram (``angle, col``) and as a slice (``y, x``) about the axis,
    the middle of the detector where none was found."""
    at = len(sinogram.values) // 2
    row = sinogram.values[at : at + 1]
    one = sinogram.with_values(row, rows=sinogram.rows[at : at + 1])
    column = center.column if center is not None else (row.shape[-1] - 1) / 2
    volume = make_tool("fbp", {})(sinogram=one, center=Center(column, column, column))
    return row[0], np.asarray(volume.values[0])


def _projection(preview: Preview) -> Image:
    """The middle frame as attenuation, by the flats' mean where there are any."""
    frame = preview.projection
    if preview.raw.flats is None or not len(preview.raw.flats):
        return -np.log(np.maximum(frame / max(float(np.nanquantile(frame, 0.999)), 1e-6), 1e-3))
    flat = float(np.nanmedian(preview.raw.flats))
    darks = preview.raw.darks
    dark = float(np.nanmedian(darks)) if darks is not None and len(darks) else 0.0
    return -np.log(np.clip((frame - dark) / max(flat - dark, 1e-6), 1e-3, None))


def _even(panel: Image) -> Image:
    """Median 0, and 1 the span from the 2nd to the 98th percentile; what is not finite is 0."""
    low, level, high = np.nanpercentile(panel, (2, 50, 98))
    spread = float(high - low) or 1.0
    scaled = np.clip((panel - level) / spread, -CLIP, CLIP)
    return np.nan_to_num(scaled).astype(np.float32)


def squeezed(panel: Image) -> Image:
    """A panel of any size in the square: means over pixels that fall together, and what lies
    between them where it is smaller."""
    return _along(_along(panel, 0), 1)


def _along(panel: Image, axis: int) -> Image:
    count = panel.shape[axis]
    edges = np.linspace(0, count, SIDE + 1)
    if count < SIDE:
        at = np.clip((edges[:-1] + edges[1:]) / 2 - 0.5, 0, count - 1)
        low = np.floor(at).astype(int)
        part = (at - low).astype(np.float32).reshape((-1, 1) if axis == 0 else (1, -1))
        high = np.minimum(low + 1, count - 1)
        return panel.take(low, axis) * (1 - part) + panel.take(high, axis) * part
    starts = np.floor(edges[:-1]).astype(int)
    shape = (-1, 1) if axis == 0 else (1, -1)
    sizes = np.diff(np.append(starts, count)).reshape(shape).astype(np.float32)
    return np.asarray(np.add.reduceat(panel, starts, axis=axis) / sizes, np.float32)


def middle(panel: Image) -> Image:
    """The middle of a panel, a pixel a pixel; where it is smaller, mirrored at its sides."""
    short = [max(SIDE - side, 0) for side in panel.shape]
    if any(short):
        panel = np.pad(panel, [(s // 2, s - s // 2) for s in short], mode="symmetric")
    top, left = ((side - SIDE) // 2 for side in panel.shape)
    return np.ascontiguousarray(panel[top : top + SIDE, left : left + SIDE])
