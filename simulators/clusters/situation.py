"""What a scheduler may know at a moment: nothing of true durations."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field

from simulators.clusters.job import Job, Step
from simulators.clusters.machine import Device, Machine
from simulators.clusters.placement import Placement, Waiting


@dataclass(eq=False)
class Running:
    """A step under way. ``ends``: when it was predicted to end."""

    job: Job
    index: int
    machine: int
    device: Device
    ends: float

    @property
    def step(self) -> Step:
        return self.job.steps[self.index]


@dataclass
class Situation:
    """The cluster now: free slots, GPUs and memory of each machine, steps that wait (those whose
    predecessors are done, in order of arrival), steps that run, steps left of each job that is not
    done, and when the others were."""

    machines: tuple[Machine, ...]
    now: float = 0.0
    slots: list[int] = field(default_factory=list)
    gpus: list[int] = field(default_factory=list)
    memory: list[float] = field(default_factory=list)
    waiting: list[Waiting] = field(default_factory=list)
    running: list[Running] = field(default_factory=list)
    left: dict[int, set[int]] = field(default_factory=dict)  # of each job, steps not yet started
    ended: dict[int, float] = field(default_factory=dict)
    more: bool = True  # whether jobs may still come

    def __post_init__(self) -> None:
        self.slots = [m.slots for m in self.machines]
        self.gpus = [m.gpus for m in self.machines]
        self.memory = [m.memory for m in self.machines]

    def fits(self, step: Step, machine: int, device: Device) -> bool:
        """Whether a step could start there now."""
        return (
            self.slots[machine] > 0
            and (device is Device.CPU or (self.gpus[machine] > 0 and step.gpu_seconds is not None))
            and step.memory <= self.memory[machine]
        )

    def places(self, waiting: Waiting) -> Iterator[Placement]:
        """Where a step that waits could start now."""
        for number, machine in enumerate(self.machines):
            for device in Device:
                if (device is Device.CPU or machine.gpus) and self.fits(
                    waiting.step, number, device
                ):
                    yield Placement(waiting, number, device)

    def seconds(self, placement: Placement) -> float:
        """Predicted seconds of a placement."""
        speed = self.machines[placement.machine].speed
        found = placement.waiting.step.predicted(placement.device, speed)
        assert found is not None  # only such placements are made
        return found

    def quickest(self, waiting: Waiting) -> Placement | None:
        """The placement that is predicted to be done first, of those that can start now."""
        return min(self.places(waiting), key=self.seconds, default=None)

    def remaining(self, waiting: Waiting) -> float:
        """Predicted seconds until the job of a waiting step is done, were it alone."""
        return max(waiting.job.tails[i] for i in self.left[waiting.job.number])
