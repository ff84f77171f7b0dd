"""Labels against those of the world: mean intersection over union."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from simulators.outcomes.quality.delivered import Delivered
from simulators.simulated_scan import SimulatedScan
from toolbox.kinds import DataKind
from toolbox.metrics import circle_mask

LEAST_SHARE = 0.01  # of the circle: materials rarer than this count to their nearest in grey
SAME_GREY = 0.06  # of the range: no grey value tells materials closer than this apart
MOST_CLASSES = 8  # more labels than this are numbered objects


def segment_quality(delivered: Delivered) -> float:
    """Intersection over union inside the circle, averaged over the true classes, each compared
    with the label that is given it (one to one, the assignment that gives the most; Kuhn 1955):
    what a class is called is not judged. Numbered objects count as one class. True classes are the
    materials, of which those that share a grey value are one (:func:`true_classes`)."""
    labels = delivered.values[DataKind.LABELS].values
    truth = true_classes(delivered.scans[0], labels.shape[-1])
    inside = np.broadcast_to(circle_mask(labels.shape[-1]), labels.shape)
    return matched_iou(labels[inside], truth[inside])


def matched_iou(labels: NDArray[np.integer], truth: NDArray[np.integer]) -> float:
    """Mean over the true classes of the intersection over union with the label given to each.

    >>> matched_iou(np.array([1, 1, 0, 0]), np.array([0, 0, 1, 1]))
    1.0
    """
    from scipy.optimize import linear_sum_assignment

    if labels.max(initial=0) >= MOST_CLASSES:
        labels = (labels > 0).astype(np.intp)
    found, real = int(labels.max(initial=0)) + 1, int(truth.max(initial=0)) + 1
    both = np.bincount(labels.astype(np.intp) * real + truth, minlength=found * real)
    common = both.reshape(found, real).astype(np.float64)
    union = common.sum(1, keepdims=True) + common.sum(0, keepdims=True) - common
    iou = np.divide(common, union, out=np.zeros_like(common), where=union > 0)
    rows, columns = linear_sum_assignment(-iou)
    present = np.count_nonzero(common.sum(axis=0))
    return float(iou[rows, columns].sum() / max(present, 1))


def true_classes(scan: SimulatedScan, side: int) -> NDArray[np.intp]:
    """Class 0, 1 … of each voxel from the least to the most attenuating, axes ``z, y, x``;
    materials closer than 6 % of the range, and those that fill less than 1 % of the circle, are
    one class with the nearest."""
    stack = np.stack([scan.labels(row, side) for row in range(scan.world.rows)])
    grey = scan.attenuation_per_px()
    inside = np.broadcast_to(circle_mask(side), stack.shape)
    share = np.bincount(stack[inside], minlength=len(grey)) / np.count_nonzero(inside)
    kept: list[int] = []
    frequent = [int(m) for m in np.argsort(-share) if share[m] >= LEAST_SHARE]
    span = float(np.ptp(grey[frequent])) or 1.0
    for material in frequent:
        if all(abs(grey[material] - grey[k]) >= SAME_GREY * span for k in kept):
            kept.append(material)
    kept.sort(key=lambda k: grey[k])
    nearest = np.abs(grey[:, None] - grey[kept][None]).argmin(axis=1)
    return nearest[stack]
