"""Which of the candidates are heard, and what is thought of them after."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from metadata.scan import Scan
from metadata.scan_info import Content
from planner.audition.company import LEAST, Company
from planner.audition.judge import Judge, trained
from planner.audition.playing import Playing
from planner.language import say
from planner.outcomes.candidates import Growing
from planner.plan import Interval
from planner.search import Candidate, reward
from planner.situation import Situation
from planner.subset_scan import SubsetScan
from planner.task import Goal, Priority
from toolbox.kinds import GreyState

HEARD = 16  # pipelines at most
WIDEST = 256  # columns of the slice: a wider row is binned, and as many times fewer views are read
#: What is heard is the best for these, in turn: the same whatever the request asks for, so that
#: requests for speed and for quality are answered from one list.
ASKED = (Priority.BALANCED, Priority.QUALITY, Priority.BALANCED, Priority.SPEED)
LEAST_FLATS = 4  # to tell how many counts a photon is
GOALS = frozenset(
    (Goal.RECONSTRUCT, Goal.DENOISE, Goal.DESTRIPE, Goal.ALIGN, Goal.SEGMENT, Goal.QUANTIFY)
)


@dataclass(frozen=True)
class Heard:
    """The candidates that were heard, with what is now expected of them; how wide the slice was,
    and what it took."""

    candidates: tuple[Candidate, ...]
    columns: int
    seconds: float

    def reason(self, language: str) -> str:
        """What was done, in words."""
        return say("reason.audition", language, count=len(self.candidates), columns=self.columns,
                   seconds=f"{self.seconds:.1f}")  # fmt: skip


def audition(
    candidates: Sequence[Candidate],
    situation: Situation,
    scan: Scan,
    seconds: float,
    judge: Judge | None = None,
) -> Heard | None:
    """Run the most promising candidates on the middle row of a scan, as many as are foretold to
    take no longer than ``seconds``, and judge what they give.

    None where nothing was learned of such requests (several scans, other goals, no projections),
    or where fewer than three can be heard in the time. Raises WorkError where the judge has no
    weights.
    """
    began = time.perf_counter()
    judge = judge or trained()
    info = situation.info
    if not (
        len(situation.infos) == 1
        and info.content is Content.PROJECTIONS
        and set(situation.task.goals) <= GOALS
    ):
        return None
    part = slice_of(scan)
    small = replace(
        situation,
        infos=(part.info,),
        inspections=(replace(situation.inspections[0], info=part.info),),
    )
    foretold = Growing(small)
    chosen: list[Candidate] = []
    for candidate in _promising(candidates, situation):
        if len(chosen) == HEARD:
            break
        if foretold.seconds + foretold.price(candidate.recipe) <= seconds and foretold.add(
            candidate.recipe
        ):
            chosen.append(candidate)
    if len(chosen) < LEAST:
        return None
    playing = Playing(part, [c.recipe for c in chosen], seconds)
    playing.walk()
    there = [c for c in chosen if c.recipe in playing.results]
    if len(there) < LEAST:
        return None
    company = Company.of([playing.results[c.recipe] for c in there])
    judged = judge(company, np.array([c.quality for c in there]))
    found = tuple(replace(c, expected=_moved(c.expected, float(q)))
                  for c, q in zip(there, judged, strict=True))  # fmt: skip
    return Heard(found, part.info.columns, time.perf_counter() - began)


def _promising(candidates: Sequence[Candidate], situation: Situation) -> list[Candidate]:
    cheapest = min(c.seconds for c in candidates)
    orders = []
    for priority in ASKED:
        asked = replace(situation, task=replace(situation.task, priority=priority))
        worth = [reward(c, asked, cheapest) for c in candidates]
        orders.append(np.argsort(-np.array(worth), kind="stable"))
    return [candidates[i] for i in in_turn(orders)]


def in_turn(orders: Sequence[NDArray[np.intp]]) -> list[int]:
    """The next of each order in turn, each once.

    >>> in_turn([np.array([0, 1, 2]), np.array([2, 0, 1])])
    [0, 2, 1]
    """
    return list(dict.fromkeys(int(place) for row in zip(*orders, strict=True) for place in row))


def slice_of(scan: Scan) -> SubsetScan:
    """The middle row, at most :data:`WIDEST` columns wide.

    Where ``b`` columns become one and one view in ``b`` is read, one photon in ``b * b`` is kept:
    contrast over noise in a voxel stays about what it is in the whole slice. How many counts a
    photon is, the flats tell. Of what is no counts the noise becomes less.
    """
    info = scan.info
    bin = -(-info.columns // WIDEST)
    row, views = info.rows // 2, np.arange(0, info.projections, bin)
    if bin == 1 or info.state is not GreyState.COUNTS:
        return SubsetScan(scan, row, views, bin)
    return SubsetScan(scan, row, views, bin, 1 / bin**2, gain=_gain(scan, row))


def _gain(scan: Scan, row: int) -> float:
    """Counts of a photon: variance over mean of the flats of a row, their common level taken out
    (the photon transfer of Janesick 2007); 1 where there are fewer than four."""
    flats, darks = (read(slice(row, row + 1)).astype(np.float64)[:, 0]
                    for read in (scan.flats, scan.darks))  # fmt: skip
    if len(flats) < LEAST_FLATS:
        return 1.0
    level = flats - (darks.mean(axis=0) if len(darks) else 0.0)
    even = level / np.maximum(level.mean(axis=1, keepdims=True), 1e-9) * level.mean()
    found = even.var(axis=0, ddof=1) / np.maximum(even.mean(axis=0), 1e-9)
    return max(float(np.mean(found)), 1e-3)


def _moved(expected: Interval, value: float) -> Interval:
    shift = min(max(value, 0.0), 1.0) - expected.value
    low, high = (min(max(side + shift, 0.0), 1.0) for side in (expected.low, expected.high))
    return Interval(expected.value + shift, low, high)
