"""How well an embedding tells conditions and finds captions."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.floating[Any]]
Found = NDArray[np.intp]


def auroc(score: Matrix, there: NDArray[np.bool_]) -> float:
    """Area under the receiver operating curve: how often one that has it scores above one that
    has not (ties count half); NaN where there is only one kind.

    >>> auroc(np.array([0.1, 0.9, 0.4]), np.array([False, True, False]))
    1.0
    """
    yes, no = score[there], score[~there]
    if not len(yes) or not len(no):
        return float("nan")
    more = (yes[:, None] > no[None]).mean() + 0.5 * (yes[:, None] == no[None]).mean()
    return float(more)


def linear_probe(known: Matrix, there: Matrix | NDArray[np.bool_], asked: Matrix) -> Matrix:
    """Scores ``n, label`` by ridge regression on embeddings with labels."""
    whole = np.concatenate([known, np.ones((len(known), 1))], axis=1)
    weights = np.linalg.solve(whole.T @ whole + 0.1 * np.eye(whole.shape[1]), whole.T @ there)
    return np.concatenate([asked, np.ones((len(asked), 1))], axis=1) @ weights


def logistic(score: Matrix, there: NDArray[np.bool_], steps: int = 50) -> tuple[float, float]:
    """Slope and offset that make log odds of a score (Platt 1999, with his softened targets),
    by Newton's method.

    >>> slope, offset = logistic(np.array([-1.0, 0.0, 0.2, 2.0]), np.array([0, 0, 1, 1]) > 0)
    >>> slope > 0
    True
    """
    yes, no = int(there.sum()), int((~there).sum())
    target = np.where(there, (yes + 1) / (yes + 2), 1 / (no + 2))
    design = np.stack([score, np.ones_like(score)], axis=1).astype(np.float64)
    found = np.array([0.0, np.log((yes + 1) / (no + 1))])
    for _ in range(steps):
        share = 1 / (1 + np.exp(-np.clip(design @ found, -30, 30)))
        steep = design.T @ (design * (share * (1 - share))[:, None]) + 1e-6 * np.eye(2)
        step = np.linalg.solve(steep, design.T @ (target - share))
        found = found + np.clip(step, -5, 5)
    return float(found[0]), float(found[1])


@dataclass(frozen=True)
class Retrieval:
    """Shares of pictures: their own caption is the nearest of all, or among the five nearest; the
    nearest says the right specimen, the right condition."""

    first: float
    five: float
    specimen: float
    condition: float

    @classmethod
    def of(cls, likeness: Matrix, own: Found, specimens: Found, conditions: Found) -> Retrieval:
        """From ``picture, caption``: which caption is a picture's own; the specimen and the
        condition of each caption."""
        place = (likeness > np.take_along_axis(likeness, own[:, None], 1)).sum(axis=1)
        nearest = likeness.argmax(axis=1)
        return cls(
            float((place < 1).mean()), float((place < 5).mean()),
            float((specimens[nearest] == specimens[own]).mean()),
            float((conditions[nearest] == conditions[own]).mean()),
        )  # fmt: skip


def pairs_in_order(odds: Matrix, there: list[int], absent: list[int]) -> tuple[int, int]:
    """Of one scan: in how many pairs what is there ranks above what is not, and how many pairs
    there are.

    >>> pairs_in_order(np.array([2.0, -1.0, 0.5]), [0], [1, 2])
    (2, 2)
    """
    right = sum(bool(odds[a] > odds[b]) for a in there for b in absent)
    return right, len(there) * len(absent)
