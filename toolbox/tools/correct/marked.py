"""Fills in what somebody marked in own projections or sinograms: traces of metal, dust, cables."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Port, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.learned.adapters import adapted, shares
from toolbox.tools.segment.adapter import AdapterTool
from toolbox.values import Block

Image = NDArray[np.float32]
Places = NDArray[np.intp]
Floats = NDArray[np.float64]
KINDS = {Domain.PROJECTION: DataKind.PROJECTIONS, Domain.SINOGRAM: DataKind.SINOGRAM}
SPLITS = {Domain.PROJECTION: Split.ANGLES, Domain.SINOGRAM: Split.ROWS}


@dataclass(frozen=True)
class MarkedTool(AdapterTool):
    """Frames in which the pixels that look like marked ones are drawn from their neighbours: a
    backbone that knew projections (axes ``angle, row, col``) or sinograms (``row, angle, col``),
    trained further on a few labelled ones (``tomoplan train adapter``).
    What was labelled 0 stays as it is, all else goes (after Kalender et al. 1987, Radiology 164,
    576, who drew metal traces linearly between their edges)."""

    @staticmethod
    def place(name: str, domain: str) -> dict[str, Any]:
        kind = KINDS[Domain(domain)]
        plural = {"projection": ("projections", "投影"), "sinogram": ("sinograms", "正弦图")}[
            domain
        ]
        return {
            "title": f"fills in what was marked in own {plural[0]} ({name})",
            "title_zh": f"填补自有{plural[1]}中标记的部分（{name}）",
            "stage": Stage.CORRECT,
            "domain": Domain(domain),
            "inputs": {kind.value: grey(kind, GreyState.ATTENUATION, GreyState.PHASE)},
            "output": Port(kind),
            "split": SPLITS[Domain(domain)],
        }

    def __call__(self, **frames: Block) -> Block:  # type: ignore[override]
        (block,) = frames.values()
        net = adapted(self.card.name, self.folder)
        stays = self.values.index(0)
        result = np.array(block.values, np.float32, order="C")
        for image in result:
            image[...] = filled(image, shares(net, image).argmax(axis=0) != stays)
        return block.with_values(result)


def filled(image: Image, marked: NDArray[np.bool_]) -> Image:
    """An image with its marked pixels drawn linearly between the nearest others in the same line
    and in the same column, the shorter way counting more (by the inverse square of its length).
    Nothing is drawn from what is not finite; an image that is marked whole stays.

    >>> image = np.array([[1, 9, 3], [1, 9, 3], [1, 2, 3]], np.float32)
    >>> filled(image, image == 9)[0].round(1).tolist()
    [1.0, 2.0, 3.0]
    """
    known = ~marked & np.isfinite(image)
    y, x = np.nonzero(marked)
    along, length = _between(image, known, y, x)
    across, height = _between(image.T, known.T, x, y)
    one, other = length**-2.0, height**-2.0
    use = one + other > 0
    drawn = (one * along + other * across)[use] / (one + other)[use]
    result = image.astype(np.float32)
    result[y[use], x[use]] = drawn
    return result


def _between(image: Image, known: NDArray[np.bool_], y: Places, x: Places) -> tuple[Floats, Floats]:
    """For some pixels the value between the nearest known ones of their lines, and how far these
    are apart; at the ends of a line the only one, as if it were that much further off than the
    line is long; infinite where the line has none."""
    count = image.shape[1]
    place = np.arange(count, dtype=np.int32)
    left = np.maximum.accumulate(np.where(known, place, -1), axis=1)[y, x]
    right = np.minimum.accumulate(np.where(known, place, count)[:, ::-1], axis=1)[y, count - 1 - x]
    there, too = left >= 0, right < count
    before = np.where(there, image[y, np.maximum(left, 0)], 0.0)
    after = np.where(too, image[y, np.minimum(right, count - 1)], 0.0)
    apart = np.where(there & too, np.maximum(right - left, 1), 1).astype(np.float64)
    part = np.where(there & too, (x - left) / apart, np.where(there, 0.0, 1.0))
    alone = np.where(there, x - left, right - x) + float(count)
    length = np.where(there & too, apart, np.where(there | too, alone, np.inf))
    return before * (1 - part) + after * part, length
