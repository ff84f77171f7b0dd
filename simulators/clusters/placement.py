"""Steps that wait, and where they are put."""

from __future__ import annotations

from dataclasses import dataclass

from simulators.clusters.job import Job, Step
from simulators.clusters.machine import Device


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
