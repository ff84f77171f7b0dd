"""The score of streaming detectors by windows around anomalies, with its standard profile.

A. Lavin and S. Ahmad, Evaluating real-time anomaly detection algorithms (the Numenta anomaly
benchmark), ICMLA 2015, 38. The earliest detection in a window earns up to 1, a window without
one costs 1, every detection outside costs up to 0.11 (less right behind a window); one threshold
for all series; 0 is silence, 100 is perfection.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

FALSE_POSITIVE = 0.11
PROBATION, PROBATION_ROWS = 0.15, 5000


@dataclass(frozen=True, eq=False)
class Scored:
    """A series with a score (n,) for each row and its windows as first and last row."""

    name: str
    scores: Values
    windows: tuple[tuple[int, int], ...]


@dataclass(frozen=True)
class WindowScore:
    """``best``: with the threshold that suits all series together best, as published scores have
    it. ``fixed``: with a threshold given before."""

    best: float
    threshold: float
    fixed: float


def sigmoid(position: Values) -> Values:
    """1 … -1 over the position: -1 is a window's first row, 0 its end, from 3 on nothing is
    forgiven.

    >>> sigmoid(np.array([-1.0, 0.0, 4.0])).round(4).tolist()
    [0.9866, 0.0, -1.0]
    """
    return np.where(position > 3, -1.0, 2 / (1 + np.exp(5 * np.minimum(position, 3))) - 1)


def weights(series: Scored) -> tuple[Values, NDArray[np.int64]]:
    """What a detection at each row (n,) earns or costs, and the number of its window (n,): -1
    outside of all, -2 where the detector may still learn."""
    count = len(series.scores)
    rows = np.arange(count)
    earned = np.full(count, -FALSE_POSITIVE)
    inside = np.full(count, -1)
    highest = float(sigmoid(np.array([-1.0]))[0])
    for number, (first, last) in enumerate(series.windows):
        width = last - first + 1
        behind = rows > last
        earned[behind] = FALSE_POSITIVE * sigmoid((rows[behind] - last) / max(width - 1.0, 1.0))
        within = (rows >= first) & (rows <= last)
        earned[within] = sigmoid((rows[within] - last - 1.0) / width) / highest
        inside[within] = number
    inside[: int(min(PROBATION * count, PROBATION * PROBATION_ROWS))] = -2
    return earned, inside


def window_score(collection: Sequence[Scored], threshold: float) -> WindowScore:
    """The score of a detector over all series, each with scores of 0 … 1.

    >>> quiet, found = np.zeros(100), np.zeros(100)
    >>> found[50] = 1.0
    >>> window_score([Scored("a", quiet, ((50, 59),))], 0.5).best
    0.0
    >>> round(window_score([Scored("a", found, ((50, 59),))], 0.5).fixed, 6)
    100.0
    """
    scores, gains = [], []
    windows = missable = 0
    for series in collection:
        earned, inside = weights(series)
        windows += len(series.windows)
        for number in (-1, *range(len(series.windows))):
            rows = np.flatnonzero(inside == number)
            if len(rows) == 0:
                continue
            ordered = rows[np.argsort(-series.scores[rows], kind="stable")]
            gain = earned[ordered]
            if number >= 0:  # only the best detection in a window counts, beside none at all
                missable += 1
                gain = np.diff(np.maximum.accumulate(np.append(-1.0, gain)))
            scores.append(series.scores[ordered])
            gains.append(gain)
    level, gain = np.concatenate(scores), np.concatenate(gains)
    order = np.argsort(-level, kind="stable")
    level, total = level[order], np.cumsum(gain[order])
    ends = np.append(np.flatnonzero(np.diff(level)), len(level) - 1)
    best = int(ends[np.argmax(total[ends])])
    said = int((level >= threshold).sum())
    scale = 100 / (windows + missable)
    top = max(float(total[best]), 0.0)
    return WindowScore(
        best=scale * top,
        threshold=float(level[best]) if top > 0 else np.inf,
        fixed=scale * (float(total[said - 1]) if said else 0.0),
    )
