"""Why a metric drifts: which others moved before it or with it, ranked, with the evidence.

For each other metric: how much more likely its own readings are when they hold, in a size that is
left open, the course of the drift (as the bank tells it, at some lead) than when they are its
normal. The day's swing and refills that all share are in its normal and earn nothing.
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
KNOWN = 1.0  # what a known signature is worth (logarithm of odds)
AHEAD, LEAST = 0.25, 1.0


@dataclass(frozen=True)
class Seen:
    """Another metric: its window and its normal."""

    window: Window
    normal: Normal
    reading: float
    step: float
    key: float


def rank(target: str, weights: Floats, others: Mapping[str, Seen], most: int) -> tuple[Cause, ...]:
    """Causes of the drift of ``target``, best first; none when no other metric moved.

    ``weights`` (hypotheses,): how likely each of the bank's courses is for the target.
    """
    found = []
    for name, seen in others.items():
        odds, lead = evidence(weights, seen)
        known = signature(name, target)
        if known is None and signature(target, name) is not None:
            continue  # it is known to follow, not to lead
        if known is not None and odds > LEAST:
            odds += KNOWN
        kind = known.kind if known else ("moved before" if lead >= AHEAD else "moved with")
        found.append((odds, name, kind))
    found.sort(reverse=True)
    if not found or found[0][0] < LEAST:
        return ()
    top = found[0][0]
    chance = [float(np.exp(min(o - top, 0.0))) for o, _, _ in found]
    alone = float(np.exp(-top))  # that it moves by itself
    total = sum(chance) + alone
    return tuple(Cause(name, kind, c / total)
                 for (odds, name, kind), c in zip(found, chance, strict=True)
                 if odds > 0)[:most]  # fmt: skip


def evidence(weights: Floats, seen: Seen) -> tuple[float, float]:
    """Log odds that a metric holds the course, and the lead (days) at which it does best."""
    window = seen.window
    inverse = np.linalg.inv(
        np.linalg.cholesky(covariance(seen.normal, window, seen.step, seen.key))
    )
    white = inverse @ (window.y - window.y @ window.n / window.n.sum())
    best, lead, total = -np.inf, 0.0, 0.0
    size = (SIZE * max(seen.reading, seen.normal.noise, seen.normal.slow)) ** 2
    chosen = np.argsort(weights)[-40:]
    share = weights[chosen] / weights[chosen].sum()
    for ahead, prior in LEADS:
        course = inverse @ templates(ahead)[np.ix_(window.rows, chosen)]
        a, b = white @ course, np.einsum("ij,ij->j", course, course)
        gain = 0.5 * a**2 * size / (1 + size * b) - 0.5 * np.log(1 + size * b)
        value = float(share @ np.exp(np.minimum(gain, 500.0))) * prior
        total += value
        if value > best:
            best, lead = value, ahead
    return float(np.log(max(total, 1e-300))), lead
