"""Fractions of materials against the truth."""

from __future__ import annotations

import numpy as np

from simulators.outcomes.quality.delivered import Delivered
from toolbox.kinds import DataKind
from toolbox.metrics import circle_mask


def decompose_quality(delivered: Delivered) -> float:
    """Mean over the materials named, in the order of ``Job.truth`` (their indices in the
    specimen), of 1 − (root mean square error of the fraction over the standard deviation of the
    true one) inside 0.9 of the circle, at least 0."""
    found = np.nan_to_num(delivered.values[DataKind.MATERIALS].values)
    scan = delivered.scans[0]
    side = found.shape[-1]
    inside = circle_mask(side, 0.9)
    truth = np.stack([scan.fractions(row, side) for row in range(scan.world.rows)], axis=1)
    scores = []
    for at, material in enumerate(delivered.job.truth):
        real = truth[material][:, inside]
        error = float(np.sqrt(((found[at][:, inside] - real) ** 2).mean()))
        spread = float(real.std())
        scores.append(max(1 - error / spread, 0.0) if spread > 0 else float(error == 0))
    return float(np.mean(scores))
