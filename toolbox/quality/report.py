"""All measures of quality without a reference, together."""

from __future__ import annotations

import numpy as np

from toolbox.quality.halves import halves_agreement
from toolbox.quality.reprojection import reprojection_residual
from toolbox.quality.rings import ring_strength
from toolbox.quality.sharpness import sharpness
from toolbox.quality.streaks import streak_strength
from toolbox.slice_noise import central, slice_sigma
from toolbox.values import Block, Center, Quantities, Quantity

LEAST_VIEWS = 8  # of half the views, for two reconstructions worth comparing


def measure_quality(
    volume: Block, sinogram: Block | None = None, center: Center | None = None
) -> Quantities:
    """Quality of some slices, axes ``z, y, x``; with the sinogram (rows alike or more) and the
    axis also how well they explain it and whether halves of the views agree.

    ``noise``, ``rings``: in the unit of the slices and as part of their contrast (the standard
    deviation inside the circle); ``sharpness`` in 1/px; ``streaks`` as variation over directions.
    """
    slices = np.nan_to_num(np.asarray(volume.values, np.float32))
    contrast = float(np.std(central(slices), dtype=np.float64))
    unit = "1/px"
    noise, rings = slice_sigma(volume.with_values(slices)), ring_strength(slices)
    found = {
        "contrast": Quantity(contrast, unit),
        "noise": Quantity(noise, unit),
        "rings": Quantity(rings, unit),
        "sharpness": Quantity(sharpness(slices), "1/px"),
        "streaks": Quantity(streak_strength(slices)),
    }
    if contrast > 0:
        found["noise_of_contrast"] = Quantity(noise / contrast)
        found["rings_of_contrast"] = Quantity(rings / contrast)
    if sinogram is None or center is None:
        return Quantities(found)
    shared = np.isin(volume.rows, sinogram.rows)
    rows = volume.rows[shared]
    if not len(rows):
        return Quantities(found)
    part = _rows(sinogram, np.searchsorted(sinogram.rows, rows))
    residual = reprojection_residual(slices[shared], part, center)
    found["reprojection_residual"] = Quantity(residual)
    if len(part.geometry.angles_rad) >= 2 * LEAST_VIEWS:
        halves = halves_agreement(part, center)
        found["halves_correlation"] = Quantity(halves.correlation)
        if halves.resolution_px is not None:
            found["halves_resolution"] = Quantity(halves.resolution_px, "px")
    return Quantities(found)


def _rows(sinogram: Block, places: np.ndarray) -> Block:
    """Some rows of a sinogram, not always neighbours."""
    import dataclasses

    from toolbox.kinds import DataKind

    block = sinogram.as_kind(DataKind.SINOGRAM)
    values = np.nan_to_num(np.asarray(block.values[places], np.float32))
    return dataclasses.replace(
        block, values=values, rows=block.rows[places], flats=None, darks=None
    )
