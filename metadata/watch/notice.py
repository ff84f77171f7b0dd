"""What is said aloud of a problem: that it is new, got worse, still stands, or is over."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

import numpy as np

from metadata.drift.regimes import STEADY
from metadata.drift.verdict import State, Verdict
from metadata.drift.verdicts import ALARM, QUIET, WARNING, Verdicts
from metadata.watch.problem import Problem

EVERY = 86400.0  # s: a standing warning is said once a day


class NoticeKind(StrEnum):
    """Why something is said."""

    NEW = "new"
    WORSE = "worse"
    STANDING = "standing"
    OVER = "over"


@dataclass(frozen=True)
class Notice:
    """One thing to say: the verdict that gave cause to it, and the problem as it is then."""

    kind: NoticeKind
    verdict: Verdict
    problem: Problem
    unit: str = ""

    @property
    def id(self) -> str:
        """The same for the same notice, however often it is made again or sent."""
        return f"{self.problem.metric}@{self.problem.since:.3f}/{self.kind}@{self.verdict.time:.3f}"

    def to_json(self) -> dict[str, Any]:
        """The verdict's document with ``id``, ``kind``, ``since`` and ``unit``."""
        return {"id": self.id, "kind": self.kind.value, "since": self.problem.since,
                "unit": self.unit} | self.verdict.to_json()  # fmt: skip


@dataclass
class Attention:
    """Follows the verdicts of all metrics and gives the notices: one drift gives one, with updates
    where it gets worse and once a day while it stands, and one when it is over.

    ``problems``: those that stand, by metric. A gap does not end a problem, nor does a drift that
    is not expected to reach the limit for a while, nor a time that is not judged (no beam): only
    quiet does.
    """

    problems: dict[str, Problem] = field(default_factory=dict)

    def notices(self, block: Verdicts) -> Iterator[Notice]:
        """The notices of a block, in its order; the block is looked at sample by sample only
        where something is to be said."""
        at = 0
        while at < len(block):
            problem = self.problems.get(block.metric)
            row = _first(problem, block, at)
            if row is None:
                return
            verdict = block.one(row)
            yield Notice(*self._taken(problem, verdict), unit=block.unit)
            at = row + 1

    def _taken(
        self, problem: Problem | None, verdict: Verdict
    ) -> tuple[NoticeKind, Verdict, Problem]:
        if problem is None:
            self.problems[verdict.metric] = first = Problem.first(verdict)
            return NoticeKind.NEW, verdict, first
        if verdict.state is State.QUIET:
            del self.problems[verdict.metric]
            return NoticeKind.OVER, verdict, problem
        worse = problem.worse(verdict)
        self.problems[verdict.metric] = after = problem.told(verdict, worse=worse)
        return (NoticeKind.WORSE if worse else NoticeKind.STANDING), verdict, after

    def to_json(self) -> dict[str, Any]:
        return {name: problem.to_json() for name, problem in self.problems.items()}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Attention:
        return cls({name: Problem.from_json(one) for name, one in document.items()})


def _first(problem: Problem | None, block: Verdicts, start: int) -> int | None:
    """The first row from ``start`` at which something is to be said."""
    codes = block.codes[start:]
    trouble = (codes == WARNING) | (codes == ALARM)
    if problem is None:
        said = trouble
    else:
        times, limits = block.times[start:], block.limits[start:]
        alarm = codes == ALARM
        another = np.isfinite(limits) & ~np.isin(limits, problem.limits)
        with np.errstate(invalid="ignore"):
            beyond = np.abs(block.values[start:] - limits) > problem.bearable
            sooner = block.seconds[start:] < problem.least_left(times)
        worse = another | (alarm & (beyond | (problem.state is State.WARNING))) | (~alarm & sooner)
        # Without beam nothing is judged: that is no end of a problem.
        over = (codes == QUIET) & np.isin(block.regimes[start:], STEADY)
        said = over | (trouble & (worse | (times >= problem.said + EVERY)))
    return start + int(np.argmax(said)) if said.any() else None
