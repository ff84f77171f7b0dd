"""Who chooses what runs next, and where."""

from __future__ import annotations

from typing import Protocol

from simulators.clusters.placement import Placement
from simulators.clusters.situation import Situation


class Scheduler(Protocol):
    """Asked again and again at each event (an arrival, the end of a step) until it waits."""

    name: str

    def choose(self, situation: Situation) -> Placement | None:
        """A placement that fits now (:meth:`Situation.places`), or None to wait for an event."""
