"""Boosted trees as they were grown by scikit-learn, with NumPy alone."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

PARTS = ("feature", "threshold", "left", "right", "value")


def tensors(model: Any) -> dict[str, NDArray]:
    """A fitted ``HistGradientBoostingRegressor``'s trees, axes ``tree, node``: which feature goes
    left up to which threshold, the two nodes after it (of a leaf: itself), and the value;
    ``start``: what the values are added to."""
    grown = [t for step in model._predictors for t in step]
    shape = (len(grown), max(len(t.nodes) for t in grown))
    found: dict[str, NDArray] = {
        "feature": np.zeros(shape, np.int16),
        "threshold": np.zeros(shape, np.float32),
        "left": np.zeros(shape, np.int16),
        "right": np.zeros(shape, np.int16),
        "value": np.zeros(shape, np.float32),
    }
    for at, tree in enumerate(grown):
        nodes, count = tree.nodes, len(tree.nodes)
        leaf, self_ = nodes["is_leaf"].astype(bool), np.arange(count)
        found["feature"][at, :count] = np.where(leaf, 0, nodes["feature_idx"])
        # Rounded down, what float32 features just below a threshold would come out right of it
        edges = np.nextafter(nodes["num_threshold"].astype(np.float32), np.float32(np.inf))
        found["threshold"][at, :count] = np.where(leaf, 0, edges)
        found["left"][at, :count] = np.where(leaf, self_, nodes["left"])
        found["right"][at, :count] = np.where(leaf, self_, nodes["right"])
        found["value"][at, :count] = nodes["value"]
    start = np.array([float(np.ravel(model._baseline_prediction)[0])], np.float32)
    return found | {"start": start}


def grown(trees: Mapping[str, NDArray], features: NDArray[np.float32]) -> NDArray[np.float64]:
    """What the trees of :func:`tensors` say of ``features`` (``row, feature``)."""
    feature, threshold, left, right, value = (trees[part] for part in PARTS)
    rows, count = np.arange(len(features))[:, None], np.arange(len(feature))
    place = np.zeros((len(features), len(feature)), np.int64)  # row, tree
    for _ in range(feature.shape[1]):
        goes_left = features[rows, feature[count, place]] <= threshold[count, place]
        after = np.where(goes_left, left[count, place], right[count, place])
        if np.array_equal(after, place):
            break
        place = after
    total = value[count, place].sum(axis=1, dtype=np.float64) + float(trees["start"][0])
    return np.asarray(total)
