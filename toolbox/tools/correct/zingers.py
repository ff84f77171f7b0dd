"""Single bright hits on the detector."""

from __future__ import annotations

import dataclasses
from dataclasses import dataclass
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray

from toolbox.card import Param, Port, ToolCard, grey
from toolbox.kinds import DataKind, Domain, GreyState, Split, Stage
from toolbox.noise import noise_sigma
from toolbox.tool import Cost, Tool, Tuned
from toolbox.values import Block, Shape

MANY = 0.05  # of a projection's row: so much is hit by no zingers
TRIED = (5.0, 6.0, 8.0, 11.0, 15.0, 20.0, 30.0, 50.0)


@dataclass(frozen=True)
class Zingers(Tool):
    """Replaces values far brighter than their neighbours in angle and in column, axes
    ``row, angle, col``, by the median of five along the angle.

    Far is ``threshold`` times the noise, which grows with the square root of the brightness. A
    projection of which more than 5 % of a row would be replaced was exposed differently: that row
    of it is left alone (``bad_frames`` draws lost ones).

    >>> Zingers(threshold=8.0).threshold
    8.0
    """

    card = ToolCard(
        name="zingers",
        title="zinger removal",
        title_zh="去除亮点",
        stage=Stage.CORRECT,
        domain=Domain.SINOGRAM,
        inputs={"sinogram": grey(DataKind.SINOGRAM, GreyState.COUNTS, GreyState.TRANSMISSION)},
        output=Port(DataKind.SINOGRAM),
        split=Split.ROWS,
        references=("Rivers 1998, Tutorial: X-ray Computed Microtomography Data Processing",),
        limits="Only brighter values that last one projection and span up to two columns. Flats "
        "are not touched: flat_field leaves outliers among them out itself. NaN stay where they "
        "are.",
    )

    threshold: Annotated[
        float | None,
        Param("how far above its neighbours a zinger is, in noise", low=2.0, high=1000.0,
              auto="where bright outliers are ten times as many as dark ones, which are no "
              "zingers"),
    ] = None  # fmt: skip

    def tune(self, **inputs: Any) -> Tuned:
        if self.threshold is not None:
            return Tuned(self)
        excess, deficit = [], []
        block: Block = inputs["sinogram"]
        for row in block.values:
            height, _ = _above_neighbours(row)
            depth, _ = _above_neighbours(-row, of=row)
            excess.append(height)
            deficit.append(depth)
        bright, dark = np.array(excess), np.array(deficit)
        for threshold in TRIED:
            hit, missed = bright > threshold, dark > threshold
            crowded = _crowded(hit)
            hits, misses = int((hit & ~crowded).sum()), int((missed & ~_crowded(missed)).sum())
            if hits >= 10 * misses:
                break
        note = (
            f"threshold {threshold:g} times the noise: {100 * hits / max(bright.size, 1):.2g} % "
            f"of the values are replaced"
        )
        notes: tuple[str, ...] = (note,)
        if crowded.any():
            count = int(crowded.any(axis=(0, 2)).sum())
            notes += (
                f"{count} projections are left alone, since more than 5 % of a row would be "
                f"replaced: they were exposed differently",
            )
        return Tuned(dataclasses.replace(self, threshold=threshold), notes)

    def __call__(self, *, sinogram: Block) -> Block:  # type: ignore[override]
        if self.threshold is None:
            tuned: Block = self.tune(sinogram=sinogram).tool(sinogram=sinogram)
            return tuned
        values = np.array(sinogram.values, np.float32, order="C")
        for row in values:
            height, typical = _above_neighbours(row)
            hit = height > self.threshold
            hit &= ~_crowded(hit)
            row[hit] = typical[hit]
        return sinogram.with_values(values)

    def cost(self, **inputs: Shape) -> Cost:
        shape = inputs["sinogram"]
        return Cost(200.0 * shape.voxels, 28.0 * shape.frames * shape.columns)


def _crowded(hit: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """Which projections' rows, last axis columns (kept as one), are hit too often for zingers."""
    return np.asarray(hit.mean(axis=-1, keepdims=True) > MANY)


def _above_neighbours(
    row: NDArray[np.float32], of: NDArray[np.float32] | None = None
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far each value stands above the medians of five along the angle and along the columns
    (the smaller of the two, in noise), and the median along the angle; axes ``angle, col``.
    ``of``: the brightness, where ``row`` is not it."""
    if row.shape[0] < 5 or row.shape[1] < 5:
        return np.zeros_like(row), row
    before = _median_of_five(row)
    beside = _median_of_five(row.T).T
    above = row - np.maximum(before, beside)
    bright = before if of is None else -before
    noise = noise_sigma(row, axes=(0, 1))
    middle = float(np.nanmedian(bright))
    if not (noise > 0 and middle > 0):
        return np.zeros_like(row), before
    scale = noise * np.sqrt(np.clip(bright / middle, 0.05, None))
    with np.errstate(invalid="ignore"):
        return (above / scale).astype(np.float32), before


def _median_of_five(values: NDArray[np.float32]) -> NDArray[np.float32]:
    """Running median over five along the first axis, mirrored at the ends; NaN where one is."""
    padded = np.pad(values, ((2, 2), (0, 0)), mode="reflect")
    a, b, c, d, e = (padded[i : i + len(values)] for i in range(5))
    # Seven comparisons find the median of five (Devillard 1998, Fast median search).
    low, high = np.minimum, np.maximum
    a, b = low(a, b), high(a, b)
    d, e = low(d, e), high(d, e)
    a, d = low(a, d), high(a, d)
    b, e = low(b, e), high(b, e)
    b, c = low(b, c), high(b, c)
    c = low(c, d)
    return np.maximum(b, c)
