"""Who chooses what runs next, and where."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Protocol

from simulators.clusters.job import Job, Step
from simulators.clusters.machine import Device

if TYPE_CHECKING:
    from simulators.clusters.situation import Situation


@dataclass(frozen=True, eq=False)
class Waiting:
    """A step that could start: its predecessors were done at ``since``."""

    job: Job
    index: int
    since: float

    @property
    def step(self) -> Step:
        return self.job.steps[self.index]


@dataclass(frozen=True)
class Placement:
    """A waiting step on a device of a machine (its number)."""

    waiting: Waiting
    machine: int
    device: Device


class Scheduler(Protocol):
    """Asked again and again at each event (an arrival, the end of a step) until it waits."""

    name: str

    def choose(self, situation: Situation) -> Placement | None:
        """A placement that fits now (:meth:`Situation.places`), or None to wait for an event."""
