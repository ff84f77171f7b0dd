"""A problem of one metric: from its first warning until it is over."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from metadata.drift.verdict import State, Verdict
from metadata.series import Times

SOONER = 0.5  # of the time that was said to be left: less than that is worse
FURTHER = 0.5  # of the way from the first warning to the limit, beyond what was said
TROUBLE = (State.WARNING, State.ALARM)


@dataclass(frozen=True)
class Problem:
    """What stands, and the worst that was said of it.

    ``since``: unix s of its first warning, which with the metric names it; ``said``: the last time
    anything was said; ``expected``: unix s at which the limit was said to be reached; ``way``: from
    the value at the first warning to the limit, in the unit of the metric; ``beyond``: how far
    beyond the limit the value was when that was last said; ``limits``: those that were spoken of;
    ``grade``: how often it got worse.
    """

    metric: str
    since: float
    said: float
    state: State
    limits: tuple[float, ...]
    expected: float | None
    way: float
    beyond: float
    grade: int = 0

    @classmethod
    def first(cls, verdict: Verdict) -> Problem:
        """The problem that a verdict of warning or alarm begins."""
        limit, value = verdict.limit, verdict.value
        way = 0.0 if limit is None or value is None else abs(limit - value)
        return cls(verdict.metric, verdict.time, verdict.time, verdict.state,
                   () if limit is None else (limit,), expected_time(verdict), way,
                   beyond_limit(verdict))  # fmt: skip

    def worse(self, verdict: Verdict) -> bool:
        """Whether a verdict is worse than what was said: an alarm after a warning, another limit,
        half of the time that was left, or half as far again beyond the limit."""
        if verdict.state not in TROUBLE:
            return False
        if verdict.limit is not None and verdict.limit not in self.limits:
            return True
        if verdict.state is State.ALARM:
            return self.state is State.WARNING or beyond_limit(verdict) > self.bearable
        expected = expected_time(verdict)
        return expected is not None and expected < verdict.time + float(
            self.least_left(np.float64(verdict.time))
        )

    @property
    def bearable(self) -> float:
        """How far beyond the limit is no news, in the unit of the metric."""
        return self.beyond + max(FURTHER * self.way, self.beyond)

    def least_left(self, times: Times | np.float64) -> Times | np.float64:
        """Seconds to the limit, less than which is news at ``times``; 0 where nothing was said of
        it, or it was said to be reached already."""
        if self.expected is None or self.state is State.ALARM:
            return np.zeros_like(times)
        return np.maximum(SOONER * (self.expected - times), 0.0)

    def told(self, verdict: Verdict, *, worse: bool) -> Problem:
        """The problem after a verdict was said."""
        new = () if verdict.limit is None or verdict.limit in self.limits else (verdict.limit,)
        return replace(
            self,
            said=verdict.time,
            state=State.ALARM if self.state is State.ALARM else verdict.state,
            limits=(*self.limits, *new),
            expected=expected_time(verdict) if worse else self.expected,
            beyond=max(self.beyond, beyond_limit(verdict)),
            grade=self.grade + worse,
        )

    def to_json(self) -> dict[str, Any]:
        return vars(self) | {"state": self.state.value, "limits": list(self.limits)}

    @classmethod
    def from_json(cls, document: dict[str, Any]) -> Problem:
        return cls(**(document | {"state": State(document["state"]),
                                  "limits": tuple(document["limits"])}))  # fmt: skip


def expected_time(verdict: Verdict) -> float | None:
    """When a verdict expects the limit to be reached, unix s."""
    left = verdict.seconds_to_limit
    return None if left is None else verdict.time + left.value


def beyond_limit(verdict: Verdict) -> float:
    """How far beyond its limit an alarm is, in the unit of the metric."""
    if verdict.state is not State.ALARM or verdict.limit is None or verdict.value is None:
        return 0.0
    return abs(verdict.value - verdict.limit)
