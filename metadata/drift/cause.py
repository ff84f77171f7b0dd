"""Why a metric drifts: which others moved before it or with it, ranked, with the evidence.

Three things are asked of each other metric. How much more likely its own readings are when they
hold, in a size that is left open, the course of the drift (as the bank tells it, at some lead) than
when they are its normal. How much more likely the readings of the one that drifts are when they
follow the other by some gain. And how much of the drift is left to be seen then: who shares a
refill or a set-point explains other moves than the drift. The day's swing and refills that all
share are in the normals and earn nothing. Each answer is a logarithm of odds, of which a hundred
are no ten times as convincing as ten (normals are not that well known): the logarithm is taken
again.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.drift.normal import Normal, covariance
from metadata.drift.shapes import templates
from metadata.drift.signatures import signature
from metadata.drift.verdict import Cause
from metadata.drift.window import Window

Floats = NDArray[np.float64]

#: Days by which a cause may be ahead, with the odds of each before the data are seen.
LEADS = ((0.0, 0.4), (0.25, 0.35), (1.0, 0.25))
SIZE = 8.0  # noise deviations that a cause moves by, in the order
KNOWN = 0.4  # what a known signature is worth
AHEAD, LEAST = 0.25, 0.5
ALONE = 1.5  # what the strongest of those that only happen to move reach half of the time or less
LIKELY = 40  # courses that are weighed
FEWEST = 8  # rows that both have


@dataclass(frozen=True)
class Seen:
    """Another metric: its window and its normal."""

    window: Window
    normal: Normal
    reading: float
    step: float
    key: float


def rank(
    target: str, weights: Floats, mine: Seen, others: Mapping[str, Seen], most: int
) -> tuple[Cause, ...]:
    """Causes of the drift of ``target``, best first; none when no other metric moved.

    ``weights`` (hypotheses,): how likely each of the bank's courses is for the target; ``mine``:
    the target itself.
    """
    found = []
    for name, seen in others.items():
        known = signature(name, target)
        if known is None and signature(target, name) is not None:
            continue  # it is known to follow, not to lead
        odds, lead = evidence(weights, seen)
        gain, whole, rest = follows(weights, mine, seen)
        sure = _compressed(odds) + _compressed(gain)
        sure += _compressed(max(whole, 0.0)) - _compressed(max(rest, 0.0))
        if known is not None and sure > LEAST:
            sure += KNOWN
        kind = known.kind if known else ("moved before" if lead >= AHEAD else "moved with")
        found.append((sure, name, kind))
    found.sort(reverse=True)
    if not found or found[0][0] < LEAST:
        return ()
    top = found[0][0]
    chance = [float(np.exp(min(s - top, 0.0))) for s, _, _ in found]
    alone = float(np.exp(ALONE - top))  # that it moves by itself
    total = sum(chance) + alone
    return tuple(Cause(name, kind, c / total)
                 for (sure, name, kind), c in zip(found, chance, strict=True)
                 if sure > LEAST)[:most]  # fmt: skip


def _compressed(odds: float) -> float:
    return float(np.sign(odds) * np.log1p(abs(odds)))


def follows(weights: Floats, mine: Seen, other: Seen) -> tuple[float, float, float]:
    """Log odds that ``mine`` follows ``other`` by some gain, those that it holds the course of the
    drift, and what is left of those when it does not hold what follows the other (all 0 where too
    little is shared)."""
    window, there = mine.window, other.window
    rows, here, theirs = np.intersect1d(window.rows, there.rows, return_indices=True)
    if len(rows) < FEWEST:
        return 0.0, 0.0, 0.0
    found = covariance(mine.normal, window, mine.step, mine.key)[np.ix_(here, here)]
    y = window.y[here] - np.average(window.y[here], weights=window.n[here])
    x = there.y[theirs] - np.average(there.y[theirs], weights=there.n[theirs])
    if not x.any():
        return 0.0, 0.0, 0.0
    noise = other.normal.noise / float(x.std())
    x = x / x.std()
    size = max(float(y.var()), mine.reading**2)
    inverse = np.linalg.inv(np.linalg.cholesky(found))
    gain = float(_gains(inverse @ y, inverse @ x[:, None], size)[0])
    chosen = np.argsort(weights)[-LIKELY:]
    share = weights[chosen] / weights[chosen].sum()
    course = templates()[np.ix_(rows, chosen)]
    own = (SIZE * max(mine.reading, mine.normal.noise, mine.normal.slow)) ** 2
    whole = _mean(share, _gains(inverse @ y, inverse @ course, own))
    white = inverse @ x
    slope = float(white @ (inverse @ y)) * size / (1 + size * float(white @ white))
    # What the other reads is not all that it does.
    found = found + size * np.outer(x, x) + np.diag((slope * noise) ** 2 / there.n[theirs])
    inverse = np.linalg.inv(np.linalg.cholesky(found))
    return gain, whole, _mean(share, _gains(inverse @ y, inverse @ course, own))


def _mean(share: Floats, odds: Floats) -> float:
    """Logarithm of the mean of odds."""
    return float(np.log(max(float(share @ np.exp(np.minimum(odds, 500.0))), 1e-300)))


def _gains(white: Floats, course: NDArray[np.floating], size: float) -> Floats:
    """Log odds of each course (rows, n) in a size of that variance against none."""
    a, b = white @ course, np.einsum("ij,ij->j", course, course)
    return np.asarray(0.5 * a**2 * size / (1 + size * b) - 0.5 * np.log(1 + size * b))


def evidence(weights: Floats, seen: Seen) -> tuple[float, float]:
    """Log odds that a metric holds the course, and the lead (days) at which it does best."""
    window = seen.window
    inverse = np.linalg.inv(
        np.linalg.cholesky(covariance(seen.normal, window, seen.step, seen.key))
    )
    white = inverse @ (window.y - window.y @ window.n / window.n.sum())
    best, lead, total = -np.inf, 0.0, 0.0
    size = (SIZE * max(seen.reading, seen.normal.noise, seen.normal.slow)) ** 2
    chosen = np.argsort(weights)[-LIKELY:]
    share = weights[chosen] / weights[chosen].sum()
    for ahead, prior in LEADS:
        course = inverse @ templates(ahead)[np.ix_(window.rows, chosen)]
        gain = _gains(white, course, size)
        value = float(share @ np.exp(np.minimum(gain, 500.0))) * prior
        total += value
        if value > best:
            best, lead = value, ahead
    return float(np.log(max(total, 1e-300))), lead
