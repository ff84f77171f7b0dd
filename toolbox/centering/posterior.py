"""Several methods' evidence about one number, weighed into a probability."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

import numpy as np

from toolbox.centering.evidence import Doubles, Evidence
from toolbox.centering.trust import TRUST

STEP = 0.05  # px
# What errs in all methods alike (angles, distortion, a specimen that moves), 1 standard deviation
COMMON = 0.25  # px


@dataclass(frozen=True, eq=False)
class Posterior:
    """How probable each axis is: ``columns`` (px, evenly spaced) and ``density`` (sums to 1)."""

    columns: Doubles = field(repr=False)
    density: Doubles = field(repr=False)

    @classmethod
    def flat(cls, low: float, high: float) -> Posterior:
        columns = np.arange(low, high + STEP, STEP)
        return cls(columns, np.full(len(columns), 1 / len(columns)))

    def given(self, evidence: Iterable[Evidence]) -> Posterior:
        """After some independent methods spoke. Each counts as right with the probability that
        its prominence has earned in simulated worlds (:mod:`toolbox.centering.trust`), in which
        case its error follows its draws, widened as those worlds ask for; otherwise it says
        nothing."""
        logarithm = np.log(self.density + 1e-300)
        for one in evidence:
            logarithm += np.log(likelihood(one, self.columns))
        density = np.exp(logarithm - logarithm.max())
        reach = np.arange(-4 * COMMON, 4 * COMMON + STEP / 2, STEP)
        common = np.exp(-0.5 * (reach / COMMON) ** 2)
        density = blurred(density, common)
        return Posterior(self.columns, density / density.sum())

    def interval(self, mass: float = 0.95) -> tuple[float, float]:
        """The central interval that holds ``mass``."""
        total = np.cumsum(self.density)
        low, high = np.searchsorted(total, [(1 - mass) / 2, (1 + mass) / 2])
        last = len(self.columns) - 1
        return float(self.columns[min(low, last)]), float(self.columns[min(high, last)])

    def mass(self, low: float, high: float) -> float:
        """Probability that the axis lies from ``low`` to ``high`` px."""
        return float(self.density[(self.columns >= low) & (self.columns <= high)].sum())

    def clusters(self, gap: float) -> list[tuple[float, float, float]]:
        """Separate candidates, most probable first: (probability, low, high), each the span of
        columns that hold all but 2 % of the mass, split where ``gap`` px hold next to none."""
        order = np.argsort(self.density)[::-1]
        kept = np.sort(order[: np.searchsorted(np.cumsum(self.density[order]), 0.98) + 1])
        splits = np.flatnonzero(np.diff(kept) * STEP > gap) + 1
        groups = np.split(kept, splits)
        found = [
            (float(self.density[g].sum()), float(self.columns[g[0]]), float(self.columns[g[-1]]))
            for g in groups
        ]
        return sorted(found, reverse=True)

    def best(self, near: float = 1.5) -> float:
        """Mean of the columns within ``near`` px of the most probable one."""
        mode = self.columns[np.argmax(self.density)]
        inside = np.abs(self.columns - mode) <= near
        weight = self.density[inside]
        return float((self.columns[inside] * weight).sum() / weight.sum())


def likelihood(evidence: Evidence, columns: Doubles) -> Doubles:
    """Probability density (per px) of an evidence's maximum, for the axis at each column."""
    trust = TRUST[evidence.method]
    # A maximum at the end of the candidates means that the true one lies beyond
    ends = evidence.columns[[1, -2]]
    within = (evidence.draws > ends[0]) & (evidence.draws < ends[1])
    right = trust.right(evidence.prominence) * float(within.mean())
    near = np.abs(evidence.draws - evidence.column) < 4 * evidence.sigma + 4
    draws = evidence.column + (evidence.draws - evidence.column) * np.where(near, trust.widen, 1.0)
    near, draws = near[within], draws[within]
    sigma = float(np.std(draws[near])) if near.any() else 0.0
    step = float(evidence.columns[1] - evidence.columns[0])
    width = max(trust.floor, trust.steps * step, 0.4 * sigma)
    edges = np.append(columns - STEP / 2, columns[-1] + STEP / 2)
    histogram = np.histogram(draws, bins=edges)[0] / max(len(draws), 1)
    reach = int(8 * width / STEP) + 1
    at = np.arange(-reach, reach + 1) * STEP
    # Tails heavier than normal: methods err together more often than the draws know
    kernel = (1 + (at / width) ** 2 / 4) ** -2.5
    smooth = blurred(histogram, kernel / kernel.sum())
    # Wrong, its maximum could have been anywhere among its candidates; and it is wrong for sure
    # where the axis is not among them
    span = float(np.ptp(evidence.columns))
    among = (columns >= evidence.columns[0]) & (columns <= evidence.columns[-1])
    return np.where(among, right * smooth / STEP + (1 - right) / span, 1 / span)


def blurred(values: Doubles, kernel: Doubles) -> Doubles:
    """Convolution with a kernel of odd length, nothing beyond the ends; never below 0.

    >>> blurred(np.array([0.0, 0, 1, 0]), np.array([0.25, 0.5, 0.25])).round(6).tolist()
    [0.0, 0.25, 0.5, 0.25]
    """
    # scipy.signal would do it, and takes a second to import: an inspection has two
    full = 1 << (len(values) + len(kernel) - 2).bit_length()
    product = np.fft.rfft(values, full) * np.fft.rfft(kernel, full)
    start = len(kernel) // 2
    return np.maximum(np.fft.irfft(product, full)[start : start + len(values)], 0)
