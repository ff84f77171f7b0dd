"""What a person said of a standing problem: known (acknowledged), or not now (snoozed)."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from metadata.watch.problem import Problem


@dataclass(frozen=True)
class Acknowledgement:
    """Of one problem as it was: its metric, when it began (``since``) and how often it had got
    worse (``grade``). ``until``: unix s at which a snooze ends, None for an acknowledgement;
    ``at``: when it was given; ``by``: by whom.

    It hides reminders and lets a held plan go on. It never covers a new problem of the same
    metric, nor the same one once it got worse: those have another ``since`` or ``grade``.
    """

    metric: str
    since: float
    grade: int
    at: float
    until: float | None = None
    by: str = ""

    @classmethod
    def of(
        cls, problem: Problem, at: float, seconds: float | None = None, by: str = ""
    ) -> Acknowledgement:
        """An acknowledgement of a problem, or a snooze of so many ``seconds``."""
        until = None if seconds is None else at + seconds
        return cls(problem.metric, problem.since, problem.grade, at, until, by)

    def covers(self, problem: Problem, now: float) -> bool:
        """Whether it is this problem, no worse, and still so at ``now`` (unix s, the clock on the
        wall)."""
        same = (self.metric, self.since, self.grade) == (
            problem.metric, problem.since, problem.grade)  # fmt: skip
        return same and (self.until is None or now < self.until)

    def to_json(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Acknowledgement:
        return cls(**document)
