"""How well an embedding tells conditions and finds captions."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating[Any]]


def auroc(score: Matrix, there: NDArray[np.bool_]) -> float:
    """Area under the receiver operating curve: how often one that has it scores above one that
    has not (ties count half); 0.5 where there is only one kind.

    >>> auroc(np.array([0.1, 0.9, 0.4]), np.array([False, True, False]))
    1.0
    """
    yes, no = score[there], score[~there]
    if not len(yes) or not len(no):
        return 0.5
    more = (yes[:, None] > no[None]).mean() + 0.5 * (yes[:, None] == no[None]).mean()
    return float(more)


def linear_probe(known: Matrix, there: NDArray[np.bool_], asked: Matrix) -> Matrix:
    """Scores ``n, condition`` by ridge regression on embeddings with labels."""
    whole = np.concatenate([known, np.ones((len(known), 1))], axis=1)
    weights = np.linalg.solve(whole.T @ whole + 0.1 * np.eye(whole.shape[1]), whole.T @ there)
    return np.concatenate([asked, np.ones((len(asked), 1))], axis=1) @ weights


def recall(seen: Matrix, meant: Matrix, first: int) -> float:
    """Share of pictures whose own caption is among the ``first`` nearest of all captions."""
    likeness = seen @ meant.T
    own = np.diag(likeness)[:, None]
    return float(((likeness > own).sum(axis=1) < first).mean())
