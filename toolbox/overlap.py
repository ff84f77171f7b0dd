"""How well two segmentations agree."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError

Labels = NDArray[np.integer] | NDArray[np.bool_]


def mean_iou(labels: Labels, truth: Labels) -> float:
    """Intersection over union of each class of the truth with the same number in ``labels``,
    averaged over the classes of the truth, in [0, 1]; shapes alike, any axes.

    Reference: Everingham et al. 2015, Int. J. Comput. Vis. 111, 98.

    >>> mean_iou(np.array([0, 0, 1, 1]), np.array([0, 1, 1, 1]))
    0.5833333333333333
    """
    if labels.shape != truth.shape:
        raise InputError(
            f"Labels of shape {labels.shape} cannot be compared with a truth of shape "
            f"{truth.shape}; expected the same shape."
        )
    found = []
    for name in np.unique(truth):
        here, there = labels == name, truth == name
        found.append(np.count_nonzero(here & there) / np.count_nonzero(here | there))
    return float(np.mean(found))
