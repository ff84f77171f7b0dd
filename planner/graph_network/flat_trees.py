"""Gradient-boosted trees on flat features: what the graph network has to be better than."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from planner.graph_network.encoding import Arrays

Floats = NDArray[np.floating[Any]]
TOOLS = 96  # tool numbers that are told apart
EACH = 64  # pipelines of a scan, drawn by the seed, that are learned from: more change little


def flat(one: Arrays) -> Floats:
    """Features of the pipelines of one scan without their structure: which tools, their numbers
    summed, what the rules say, and the scan's vector (columns that are all zero included)."""
    count = len(one["rules"])
    there = np.zeros((count, TOOLS), np.float32)
    np.add.at(there, (one["graph"], np.minimum(one["tools"], TOOLS - 1)), 1.0)
    starts = np.searchsorted(one["graph"], np.arange(count))
    summed = np.add.reduceat(one["nodes"], starts, axis=0)
    highest = np.maximum.reduceat(one["nodes"][:, -30:], starts, axis=0)
    about = np.repeat(one["context"][:1], count, axis=0)
    return np.concatenate([there, summed, highest, one["rules"], about], axis=1)


class FlatTrees:
    """Quality within its scan's mean, that mean, and powers of ten of seconds, each by boosted
    trees (Friedman 2001; histograms as in LightGBM, scikit-learn)."""

    def __init__(self, seed: int = 0) -> None:
        self._seed = seed

    def fit(self, scans: Sequence[Arrays]) -> FlatTrees:
        """Learn from some of the pipelines of some scans."""
        rng = np.random.default_rng(self._seed)
        drawn = [rng.permutation(len(s["quality"]))[:EACH] for s in scans]
        features = np.concatenate([flat(s)[d] for s, d in zip(scans, drawn, strict=True)])
        self._used = np.flatnonzero(features.std(axis=0) > 0)
        features = features[:, self._used]
        rest = np.concatenate([(s["quality"] - s["quality"].mean())[d]
                               for s, d in zip(scans, drawn, strict=True)])  # fmt: skip
        seconds = np.concatenate([s["costs"][d, 0] for s, d in zip(scans, drawn, strict=True)])
        self._rest, self._seconds = self._model(120), self._model(60)
        self._rest.fit(features, rest)
        self._seconds.fit(features, seconds)
        return self

    def tensors(self) -> dict[str, NDArray]:
        """All that predicting needs, for :class:`GrownTrees`."""
        found: dict[str, NDArray] = {"used": self._used.astype(np.int32)}
        for name, model in (("quality", self._rest), ("seconds", self._seconds)):
            found |= {f"{name}.{k}": v for k, v in _tensors(model).items()}
        return found

    def predict(self, one: Arrays) -> tuple[Floats, Floats]:
        """Quality about the mean of the scan, and seconds, of each pipeline."""
        features = flat(one)[:, self._used]
        return self._rest.predict(features), 10 ** self._seconds.predict(features)

    def _model(self, rounds: int) -> Any:
        from sklearn.ensemble import HistGradientBoostingRegressor

        return HistGradientBoostingRegressor(
            max_iter=rounds, learning_rate=0.08, max_leaf_nodes=15, min_samples_leaf=40,
            l2_regularization=1.0, max_features=0.3, random_state=self._seed,
        )  # fmt: skip


def _tensors(model: Any) -> dict[str, NDArray]:
    """A model's trees, axes ``tree, node``: which feature goes left up to which threshold, the two
    nodes after it (of a leaf: itself), and the value; ``start``: what the values are added to."""
    grown = [t for step in model._predictors for t in step]
    most = max(len(t.nodes) for t in grown)
    shape = (len(grown), most)
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


class GrownTrees:
    """Trees as they were grown, with NumPy alone."""

    def __init__(self, tensors: Mapping[str, NDArray]) -> None:
        self._t = dict(tensors)

    def predict(self, one: Arrays) -> tuple[Floats, Floats]:
        """As :meth:`FlatTrees.predict`."""
        features = flat(one)[:, self._t["used"]].astype(np.float32)
        quality, seconds = (self._sum(name, features) for name in ("quality", "seconds"))
        return quality, 10**seconds

    def _sum(self, name: str, features: Floats) -> Floats:
        parts = ("feature", "threshold", "left", "right", "value")
        feature, threshold, left, right, value = (self._t[f"{name}.{p}"] for p in parts)
        rows, trees = np.arange(len(features))[:, None], np.arange(len(feature))
        place = np.zeros((len(features), len(feature)), np.int64)  # row, tree
        for _ in range(feature.shape[1]):
            goes_left = features[rows, feature[trees, place]] <= threshold[trees, place]
            after = np.where(goes_left, left[trees, place], right[trees, place])
            if np.array_equal(after, place):
                break
            place = after
        found = value[trees, place].sum(axis=1, dtype=np.float64) + float(
            self._t[f"{name}.start"][0]
        )
        return np.asarray(found)
