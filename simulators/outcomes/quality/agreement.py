"""Slices of a real scan against a reference of views that were not used."""

from __future__ import annotations

import numpy as np

from simulators.outcomes.quality.delivered import Delivered
from simulators.outcomes.quality.place import placed
from toolbox.kinds import DataKind
from toolbox.metrics import fine_structure_correlation


def agreement_quality(delivered: Delivered) -> float:
    """Correlation of what is finer than a scale with the same of the reference, inside the circle,
    at least 0: noise of its own cannot raise it. ``Job.truth`` is the reference (``y, x``) and the
    scale in px; a slice of another size is cut or padded about its middle."""
    reference, scale_px = delivered.job.truth
    slice_ = np.nan_to_num(delivered.values[DataKind.VOLUME].values)[:1]
    slice_ = sized(slice_, len(reference))
    if delivered.job.displaced:
        slice_ = placed(slice_, reference[None])
    return max(fine_structure_correlation(slice_[0], reference, scale_px), 0.0)


def sized(slices: np.ndarray, side: int) -> np.ndarray:
    """Slices ``z, y, x`` cut or padded with zeros about their middle to ``side`` squared."""
    have = slices.shape[-1]
    if have >= side:
        cut = (have - side) // 2
        return slices[:, cut : cut + side, cut : cut + side]
    before = (side - have) // 2
    after = side - have - before
    return np.pad(slices, ((0, 0), (before, after), (before, after)))
