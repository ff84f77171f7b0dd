"""What came of a slice of samples: the verdicts, and what is to be said aloud."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Protocol

from metadata.drift.verdicts import Verdicts
from metadata.series import LoggedEvent, Times
from metadata.watch.notice import Notice


@dataclass(frozen=True, eq=False)
class Judged:
    """``keys``: the times by which the samples of each block are ordered; ``notices``: in order of
    time; those that a person has acknowledged or snoozed are not among them."""

    blocks: Sequence[Verdicts]
    keys: Sequence[Times]
    events: Sequence[LoggedEvent]
    notices: Sequence[Notice]


class Listener(Protocol):
    """Sees all that is judged: a report that is drawn at the end, a dashboard, a suspender."""

    def take(self, judged: Judged) -> None:
        """Called once for each slice, in order of time."""

    def to_state(self) -> dict[str, Any]:
        """What it would need to go on after a kill (empty: nothing)."""

    def resume(self, state: dict[str, Any]) -> None:
        """Go on from what :meth:`to_state` gave."""
