"""Heterogeneous earliest finish time, made anew at each event."""

from __future__ import annotations

from weakref import WeakKeyDictionary

from planner.scheduling.earliest_finish import earliest_finish
from simulators.clusters.job import Job, Step
from simulators.clusters.machine import Device
from simulators.clusters.placement import Placement, Waiting
from simulators.clusters.situation import Situation


class Heft:
    """Topcuoglu, Hariri & Wu 2002, IEEE Trans. Parallel Distrib. Syst. 13, 260, for a queue.

    Steps are ordered by upward rank (predicted seconds, averaged over the devices that can run the
    step, of the longest way to the end of their job), highest first, and each goes where it is
    predicted to finish first, a busy device included; what would start now is started. Two
    differences from the paper: jobs arrive over time, so that the plan is made again at each event
    for the steps that could start; and steps are appended to what a device does, not inserted
    into its gaps. Transfers cost nothing here.
    """

    name = "heft"

    def __init__(self) -> None:
        self._ranks: WeakKeyDictionary[Job, list[float]] = WeakKeyDictionary()

    def choose(self, situation: Situation) -> Placement | None:
        ordered = sorted(situation.waiting, key=lambda w: -self._rank(situation, w))
        return earliest_finish(situation, ordered)

    def _rank(self, situation: Situation, waiting: Waiting) -> float:
        """The upward rank of a waiting step; those of a job are found once."""
        if waiting.job in self._ranks:
            return self._ranks[waiting.job][waiting.index]
        ranks = [0.0] * len(waiting.job.steps)
        for index in reversed(range(len(ranks))):
            step = waiting.job.steps[index]
            later = [ranks[i] for i, s in enumerate(waiting.job.steps) if index in s.after]
            ranks[index] = _average(step, situation) + max(later, default=0.0)
        self._ranks[waiting.job] = ranks
        return ranks[waiting.index]


def _average(step: Step, situation: Situation) -> float:
    """Mean predicted seconds over the devices of the cluster that can run a step."""
    found = [
        seconds
        for machine in situation.machines
        for device in Device
        if (device is Device.CPU or machine.gpus)
        and (seconds := step.predicted(device, machine.speed)) is not None
    ]
    return sum(found) / len(found)
