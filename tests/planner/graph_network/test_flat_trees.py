"""Boosted trees on flat features, with scikit-learn and with NumPy."""

from __future__ import annotations

import numpy as np
import pytest

from planner.forest import grown, tensors
from planner.grammar import recipes
from planner.graph_network.context import context
from planner.graph_network.encoding import Encoder, vocabulary
from planner.graph_network.flat_trees import FlatTrees, flat
from tests.planner.situations import situation


def test_numpy_says_what_scikit_learn_says() -> None:
    pytest.importorskip("sklearn")
    rng = np.random.default_rng(0)
    scans = []
    for noise in (0.01, 0.1, 0.4):
        asked = situation(noise=noise)
        every = list(recipes(asked))
        graphs = Encoder(asked, vocabulary()).encode(every[:: max(len(every) // 120, 1)][:120])
        count = len(graphs["rules"])
        quality = graphs["rules"][:, -1] + rng.normal(0, 0.02, count)
        costs = np.log10(np.abs(rng.normal(1, 0.2, (count, 2))) + 0.1)
        scans.append(graphs | {"context": context(asked)[None], "scan": np.zeros(count, np.int64),
                               "quality": quality.astype(np.float32),
                               "costs": costs.astype(np.float32)})  # fmt: skip
    trees = FlatTrees(1).fit(scans)
    kept = tensors(trees._rest)
    for one in scans:
        features = flat(one)[:, trees._used].astype(np.float32)
        np.testing.assert_allclose(grown(kept, features), trees.predict(one)[0],
                                   rtol=1e-4, atol=1e-5)  # fmt: skip
    assert np.corrcoef(trees.predict(scans[2])[0], scans[2]["quality"])[0, 1] > 0.5
