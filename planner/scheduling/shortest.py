"""The job that is predicted to be done soonest first."""

from __future__ import annotations

from planner.scheduling.earliest_finish import earliest_finish
from simulators.clusters.placement import Placement
from simulators.clusters.situation import Situation


class Shortest:
    """Of the steps that fit now, the one whose job has the least predicted seconds left (each step
    on its faster device), on the quickest device that is free. With ``looks_ahead`` it goes where
    it is predicted to end first, and waits where that is a device still busy."""

    def __init__(self, looks_ahead: bool = False) -> None:
        self.name = "shortest, looking ahead" if looks_ahead else "shortest"
        self._looks_ahead = looks_ahead

    def choose(self, situation: Situation) -> Placement | None:
        if self._looks_ahead:
            return earliest_finish(situation, sorted(situation.waiting, key=situation.remaining))
        for waiting in sorted(situation.waiting, key=situation.remaining):
            placement = situation.quickest(waiting)
            if placement is not None:
                return placement
        return None
