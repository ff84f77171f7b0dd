"""A threshold for each baseline, on histories of their own, at a false rate given before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from planner.benchmarks.drift.baselines import Baseline, Values
from planner.benchmarks.drift.case import Case
from planner.benchmarks.drift.early import Outcome, false_rate, judge

THRESHOLDS = 60


@dataclass(frozen=True)
class Tuned:
    """A baseline with the inner setting and the threshold that leave the most life at the false
    rate asked for; ``curve`` holds (false rate, share warned, life left) for its thresholds."""

    baseline: Baseline
    variant: float
    threshold: float
    curve: tuple[tuple[float, float, float], ...]

    def outcomes(self, cases: Sequence[Case]) -> list[Outcome]:
        """What it says of other histories."""
        return [
            judge(case, times, scores >= self.threshold)
            for case in cases
            for times, scores in [self.baseline.score(case, self.variant)]
        ]


def tune(baseline: Baseline, cases: Sequence[Case], rate: float) -> Tuned:
    """The variant and the threshold with the most life left among those within the rate."""
    best: tuple[float, Tuned] | None = None
    said_once: list[tuple[float, float, float]] = []
    for variant in baseline.variants:
        scored = [baseline.score(case, variant) for case in cases]
        thresholds = np.array([0.5]) if baseline.said_once else levels(cases, scored)
        rows = [at(cases, scored, float(t)) for t in thresholds]
        said_once += rows
        within = [k for k, row in enumerate(rows) if row[0] <= rate]
        # Nothing is within: it may only keep silent.
        left, threshold = max(
            ((rows[k][2], float(thresholds[k])) for k in within), default=(0.0, np.inf)
        )
        if best is None or left > best[0]:
            best = left, Tuned(baseline, variant, threshold, tuple(rows))
    assert best is not None
    tuned = best[1]
    if baseline.said_once:
        return Tuned(baseline, tuned.variant, tuned.threshold, tuple(sorted(said_once)))
    return tuned


def curve(tuned: Tuned, cases: Sequence[Case]) -> list[tuple[float, float, float]]:
    """(false rate, share warned, life left) over the thresholds, on these very histories."""
    if tuned.baseline.said_once:
        return sorted(
            at(cases, [tuned.baseline.score(c, v) for c in cases], 0.5)
            for v in tuned.baseline.variants
        )
    scored = [tuned.baseline.score(case, tuned.variant) for case in cases]
    return [at(cases, scored, float(t)) for t in levels(cases, scored)]


def levels(cases: Sequence[Case], scored: Sequence[tuple[Values, Values]]) -> Values:
    """Thresholds from the scores where nothing drifts yet, dense at their upper end."""
    quiet = np.concatenate([
        scores[times < (case.end if case.onset is None else case.onset)]
        for case, (times, scores) in zip(cases, scored, strict=True)
    ])  # fmt: skip
    quiet = quiet[np.isfinite(quiet)]
    tails = np.geomspace(0.3, 0.5 / max(len(quiet), 2), THRESHOLDS)
    top = np.quantile(quiet, 1 - tails)
    return np.unique(np.append(top, quiet.max() * (1 + np.array([1e-9, 0.1, 0.25, 0.5, 1.0]))))


def at(
    cases: Sequence[Case], scored: Sequence[tuple[Values, Values]], threshold: float
) -> tuple[float, float, float]:
    """False rate, share warned and mean life left with a threshold."""
    outcomes = [
        judge(case, times, scores >= threshold)
        for case, (times, scores) in zip(cases, scored, strict=True)
    ]
    lefts = [o.left for o in outcomes if o.left is not None]
    return (
        false_rate(outcomes),
        float(np.mean([left > 0 for left in lefts])) if lefts else 0.0,
        float(np.mean(lefts)) if lefts else 0.0,
    )
