"""What is said of a sample: the line that ``tomoplan watch --json`` prints."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """``moving``: drift seen, nothing to do yet; ``warning``: expected to reach the limit;
    ``alarm``: reached; ``gap``: nothing was read."""

    QUIET = "quiet"
    MOVING = "moving"
    WARNING = "warning"
    ALARM = "alarm"
    GAP = "gap"


@dataclass(frozen=True)
class TimeToLimit:
    """Seconds until the limit is reached, with the 90 % interval."""

    value: float
    low: float
    high: float


@dataclass(frozen=True)
class Cause:
    """A metric that may be why, ``kind`` of evidence, and a score from 0 to 1."""

    metric: str
    kind: str
    score: float


@dataclass(frozen=True)
class Verdict:
    """One sample of one metric; ``time`` in unix s; ``score`` from 0 to 1."""

    time: float
    metric: str
    state: State
    score: float
    value: float | None
    limit: float | None = None
    seconds_to_limit: TimeToLimit | None = None
    cause: tuple[Cause, ...] | None = None
    message: str = ""

    def to_json(self) -> dict[str, Any]:
        """As a plain document, for one line of JSON."""
        return {
            "time": self.time,
            "metric": self.metric,
            "state": self.state.value,
            "score": self.score,
            "value": self.value,
            "limit": self.limit,
            "seconds_to_limit": vars(self.seconds_to_limit) if self.seconds_to_limit else None,
            "cause": [vars(c) for c in self.cause] if self.cause else None,
            "message": self.message,
        }
