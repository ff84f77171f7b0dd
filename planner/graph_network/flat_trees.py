"""Gradient-boosted trees on flat features: what the graph network has to be better than."""

from __future__ import annotations

from collections.abc import Sequence
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
