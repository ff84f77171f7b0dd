"""Simulated people with tastes of their own, to learn from and to be measured by."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planner.feedback.aspects import ASPECTS, Numbers
from planner.feedback.looks import Look

JUDGED = ("noise", "rings", "sharpness", "seconds")
SIGNS = np.array([-1.0, -1.0, 1.0, -1.0])
TRUE = ("true_noise", "true_rings", "true_fine")
FLIPPED = 0.1  # of the choices are made the wrong way round


class Rater(Protocol):
    """Someone to whom results are worth something."""

    def worth(self, look: Look) -> Numbers:
        """What each of a scan's results is worth to them."""


@dataclass(frozen=True, eq=False)
class SeeingRater:
    """Judges by what can be seen, and by the time: each aspect counts by a weight of their own,
    and beyond a knee of their own what is better still counts little (``flat``)."""

    weights: Numbers
    knees: Numbers
    flat: Numbers
    spread: Numbers

    def worth(self, look: Look) -> Numbers:
        values = SIGNS * look.aspects[:, [ASPECTS.index(n) for n in JUDGED]]
        beyond = (values - self.knees) / self.spread
        return np.where(beyond < 0, beyond, self.flat * beyond) @ self.weights


@dataclass(frozen=True, eq=False)
class KnowingRater:
    """Judges by the truth, which nobody at a beamline has: fine structure that is right, noise
    and rings of the error, and the time."""

    weights: Numbers
    spread: Numbers

    def worth(self, look: Look) -> Numbers:
        return (truths(look) / self.spread) @ self.weights


@dataclass(frozen=True, eq=False)
class Choices:
    """Pairs of results of one scan each: ``better`` and ``worse`` as aspects, axes ``pair,
    ASPECTS`` (where a choice was flipped, the wrong way round)."""

    better: Numbers
    worse: Numbers

    def __len__(self) -> int:
        return len(self.better)


def truths(look: Look) -> Numbers:
    """What a rater who knows the truth goes by; more is better."""
    noise, rings = (-np.log10(np.maximum(look.true(n), 1e-4)) for n in TRUE[:2])
    return np.stack([noise, rings, look.true("true_fine"), -np.log10(look.seconds)], axis=1)


def seeing_rater(rng: np.random.Generator, looks: Sequence[Look]) -> SeeingRater:
    """A taste drawn: weights from Dirichlet(0.6), so that most care for one or two things."""
    at = [ASPECTS.index(n) for n in JUDGED]
    every = [SIGNS * look.aspects[:, at] for look in looks]
    spread = np.mean([values.std(axis=0) for values in every], axis=0)
    knees = [np.quantile(np.concatenate(every)[:, i], rng.uniform(0.2, 0.9)) for i in range(4)]
    return SeeingRater(
        rng.dirichlet(np.full(4, 0.6)), np.array(knees), rng.uniform(0, 0.6, 4), spread
    )


def knowing_rater(rng: np.random.Generator, looks: Sequence[Look]) -> KnowingRater:
    """The same for one who judges by the truth."""
    spread = np.mean([truths(look).std(axis=0) for look in looks], axis=0)
    return KnowingRater(rng.dirichlet(np.full(4, 0.6)), spread)


def choices(
    rater: Rater, looks: Sequence[Look], count: int, rng: np.random.Generator,
    flipped: float = 0.0,
) -> Choices:  # fmt: skip
    """Pairs drawn from the best quarter of one scan each, of which the rater takes the better;
    a share of them, exactly, is flipped. Pairs that are worth the same to them are not asked."""
    worths = [rater.worth(look) for look in looks]
    aspects = [look.aspects for look in looks]
    better: list[Numbers] = []
    worse: list[Numbers] = []
    while len(better) < count:
        at = int(rng.integers(len(looks)))
        one, other = rng.choice(len(worths[at]), 2, replace=False)
        if worths[at][one] == worths[at][other]:
            continue
        first, second = (one, other) if worths[at][one] > worths[at][other] else (other, one)
        better.append(aspects[at][first])
        worse.append(aspects[at][second])
    taken, left = np.array(better), np.array(worse)
    wrong: NDArray[np.intp] = rng.choice(count, round(flipped * count), replace=False)
    taken[wrong], left[wrong] = left[wrong].copy(), taken[wrong].copy()
    return Choices(taken, left)
