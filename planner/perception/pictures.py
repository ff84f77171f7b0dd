"""The pictures of a scan that the image-text model looks at."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from planner.perception.gauges import SIDE, gauges
from planner.perception.quick_slice import QuickSlice
from toolbox.values import Block, Center

if TYPE_CHECKING:
    from planner.inspection import Inspection
    from planner.preview import Preview

MARGIN = 8  # px more on each side of a detail that training cuts from
WIDE = 256  # columns of a sinogram that is shown as a whole
ENOUGH = 400  # views for a slice's detail
DETAIL = SIDE + 2 * MARGIN
PANELS = (
    "projection", "sinogram", "slice",
    "spots", "middle of the sinogram", "middle of the slice",
    "stripes", "stripes that stay", "noise",
    "places of the views", "edges", "spectrum",
)  # fmt: skip
CLIP = 3.0  # grey values beyond this many spreads are cut
Image = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Pictures:
    """``whole``: projection, sinogram and quick slice squeezed into squares of :data:`SIDE` px;
    ``detail``: what single pixels of the sinogram lack beside their neighbours, squeezed so that
    it is kept, and the middles of sinogram and slice pixel by pixel; ``gauged``: six panels of
    :mod:`planner.perception.gauges`. Axes ``panel, y, x``.

    All scans give pictures of one size and one scale of grey values, and nothing of a header: a
    wide scan becomes a narrow one of as many views for its width before it is shown as a whole.
    """

    whole: Image
    detail: Image  # with a margin
    gauged: Image

    @classmethod
    def of(cls, projection: Image, sinogram: Block, center: Center | None, views: int) -> Pictures:
        """From attenuation: a frame (``row, col``); the rows of a scan, of which the middle one is
        taken, and how many views it had before some were passed over; slices about the axis, the
        middle of the detector where none was found."""
        row = sinogram.values[len(sinogram.values) // 2]
        angles = np.asarray(sinogram.geometry.angles_rad)
        column = center.column if center is not None else (row.shape[-1] - 1) / 2
        small, keep, axis = narrowed(row, column, views)
        whole = QuickSlice(small, angles[keep], axis)
        few = slice(None, None, -(-len(row) // ENOUGH))
        detail = QuickSlice(row[few], angles[few], column)
        fine = 2 * SIDE  # places a side, of which four make a pixel
        wholes = (projection, small, whole.at(whole.size / fine, fine))
        details = (middle(row, DETAIL), detail.at(1.0, DETAIL))
        return cls(
            np.stack([squeezed(even(panel)) for panel in wholes]),
            np.stack([np.pad(spots(row), MARGIN, mode="symmetric"),
                      *(even(panel) for panel in details)]),
            gauges(row, small),
        )  # fmt: skip

    @classmethod
    def seen(cls, inspection: Inspection) -> Pictures | None:
        """Of an inspected scan of projections; of anything else None."""
        preview = inspection.preview
        if preview is None:
            return None
        return cls.of(_projection(preview), preview.attenuation, inspection.center,
                      inspection.info.projections)  # fmt: skip

    def stacked(self) -> Image:
        """Axes ``picture, panel, y, x`` in the order of :data:`PANELS`, without the margin."""
        return stacked(self.whole, self.detail[:, MARGIN:-MARGIN, MARGIN:-MARGIN], self.gauged)


def stacked(whole: Image, detail: Image, gauged: Image) -> Image:
    """Axes ``picture, panel, y, x``, three panels a picture."""
    panels = np.concatenate([whole, detail, gauged])
    return panels.reshape(-1, 3, *panels.shape[1:])


def narrowed(row: Image, column: float, views: int) -> tuple[Image, NDArray[np.intp], float]:
    """A row (``angle, col``) of at most :data:`WIDE` columns, means over neighbours, and of as many
    views for its width as the scan had; which views those are, and the place of the axis."""
    shown, width = row.shape
    factor = -(-width // WIDE)
    count = min(shown, max(views // factor, 4))
    keep = np.unique(np.linspace(0, shown - 1, count).astype(np.intp))
    few = row[keep, : width - width % factor].reshape(len(keep), -1, factor).mean(axis=-1)
    return few, keep, (column + 0.5) / factor - 0.5


def _projection(preview: Preview) -> Image:
    """The middle frame as attenuation, by the flats' mean where there are any."""
    frame = preview.projection
    if preview.raw.flats is None or not len(preview.raw.flats):
        return -np.log(np.maximum(frame / max(float(np.nanquantile(frame, 0.999)), 1e-6), 1e-3))
    flat = float(np.nanmedian(preview.raw.flats))
    darks = preview.raw.darks
    dark = float(np.nanmedian(darks)) if darks is not None and len(darks) else 0.0
    return -np.log(np.clip((frame - dark) / max(flat - dark, 1e-6), 1e-3, None))


def even(panel: Image) -> Image:
    """Median 0, and 1 the span from the 2nd to the 98th percentile; what is not finite is 0."""
    low, level, high = np.nanpercentile(panel, (2, 50, 98))
    spread = float(high - low) or 1.0
    scaled = np.clip((panel - level) / spread, -CLIP, CLIP)
    return np.nan_to_num(scaled).astype(np.float32)


def spots(row: Image) -> Image:
    """How far pixels (``angle, col``) lie below all of their four neighbours, as those hit by
    stray radiation do: the strongest of each part of the square, in quarters of a spread."""
    low, high = np.nanpercentile(row, (2, 98))
    around = np.pad(row, 1, mode="symmetric")
    next_to = (around[:-2, 1:-1], around[2:, 1:-1], around[1:-1, :-2], around[1:-1, 2:])
    lower = np.minimum.reduce([side - row for side in next_to])
    strength = np.nan_to_num(lower / (float(high - low) or 1.0))
    return _parts(_parts(np.clip(4 * strength, 0, CLIP).astype(np.float32), 0), 1)


def _parts(panel: Image, axis: int) -> Image:
    """The largest of each of :data:`SIDE` parts; parts of fewer pixels share them."""
    count = panel.shape[axis]
    if count < SIDE:
        at = (np.arange(SIDE) * count) // SIDE
        return panel.take(at, axis)
    starts = np.floor(np.linspace(0, count, SIDE + 1)[:-1]).astype(int)
    return np.asarray(np.maximum.reduceat(panel, starts, axis=axis), np.float32)


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


def middle(panel: Image, side: int = SIDE) -> Image:
    """The middle of a panel, a pixel a pixel; where it is smaller, mirrored at its sides."""
    short = [max(side - have, 0) for have in panel.shape]
    if any(short):
        panel = np.pad(panel, [(s // 2, s - s // 2) for s in short], mode="symmetric")
    top, left = ((have - side) // 2 for have in panel.shape)
    return np.ascontiguousarray(panel[top : top + side, left : left + side])
