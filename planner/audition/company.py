"""Results of several pipelines on the same slice, seen beside each other."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.audition.look import LOOK, MOST_CLASSES, Result
from simulators.outcomes.quality.labels import matched_iou
from simulators.outcomes.quality.numbers import likeness

Floats = NDArray[np.floating]
LEAST = 3  # results, for a company
THINNED = 3  # one label in so many, each way, is compared


@dataclass(frozen=True, eq=False)
class Company:
    """``looks`` (``result, LOOK``) and how alike any two results are (``result, result``, 0 for
    nothing to compare): correlation of the slices ``whole`` and of their ``fine`` structure, mean
    intersection over union of ``labels`` (the second taken for true), likeness of ``numbers``."""

    looks: Floats
    whole: Floats
    fine: Floats
    labels: Floats
    numbers: Floats

    @classmethod
    def of(cls, results: Sequence[Result]) -> Company:
        """Compare each with each."""
        count = len(results)
        alike = np.zeros((4, count, count), np.float32)
        pairs = [(i, j) for i in range(count) for j in range(count) if i != j]
        thinned = [_thinned(r.labels) for r in results]
        for i, j in pairs:
            one, other = results[i], results[j]
            if one.volume.shape == other.volume.shape and i < j:
                for at in (0, 1):
                    product = float(one.signatures[at] @ other.signatures[at])
                    alike[at, i, j] = alike[at, j, i] = product
            first, second = thinned[i], thinned[j]
            if first is not None and second is not None and first.shape == second.shape:
                alike[2, i, j] = matched_iou(first, second)
            if one.numbers is not None and other.numbers is not None:
                alike[3, i, j] = likeness(one.numbers, other.numbers)
        return cls(np.stack([r.look for r in results]), *alike)

    def some(self, chosen: NDArray[np.intp]) -> Company:
        """A part of the company."""
        pairs = np.ix_(chosen, chosen)
        return Company(self.looks[chosen], self.whole[pairs], self.fine[pairs],
                       self.labels[pairs], self.numbers[pairs])  # fmt: skip

    def features(self, expected: Floats) -> NDArray[np.float32]:
        """What :mod:`planner.audition.judge` judges by, axes ``result, FEATURES``: the looks, how
        alike each result is to the others (mean, median, most, and mean by how good the others
        are ``expected`` to be), and the expectation; then all that less its median."""
        weight = np.exp((expected - expected.max()) / SHARP)
        weight = weight / weight.sum()
        rest = np.maximum(1 - weight, 1e-6)
        others = len(expected) - 1
        found = [self.looks.astype(np.float64)]
        for pairs in (self.whole, self.fine, self.labels, self.numbers):
            pairs = pairs.astype(np.float64)
            np.fill_diagonal(pairs, 0.0)
            found.append(
                np.stack(
                    [
                        pairs.sum(1) / others,
                        np.median(pairs, 1),
                        pairs.max(1),
                        (pairs @ weight) / rest,
                        pairs.sum(0) / others,
                    ],
                    axis=1,
                )
            )
        own = np.concatenate([*found, np.asarray(expected, np.float64)[:, None]], axis=1)
        return np.concatenate([own, own - np.median(own, axis=0)], axis=1).astype(np.float32)


SHARP = 0.05  # of expected quality: how much the better ones count for more
FEATURES = 2 * (len(LOOK) + 4 * 5 + 1)


def _thinned(labels: NDArray[np.integer] | None) -> NDArray[np.integer] | None:
    if labels is None:
        return None
    thin = labels[::THINNED, ::THINNED].ravel()
    return (thin > 0).astype(np.intp) if thin.max(initial=0) >= MOST_CLASSES else thin
