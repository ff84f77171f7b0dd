"""A request as the cluster sees it: steps with predictions, and the truth that only the simulator
knows."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property

from metadata.errors import InputError
from simulators.clusters.machine import Device


@dataclass(frozen=True)
class Step:
    """``after``: the steps whose results it needs. Predicted seconds on a slot of the reference
    machine; ``gpu_seconds`` None: it cannot use one. ``memory`` in bytes."""

    seconds: float
    gpu_seconds: float | None = None
    memory: float = 0.0
    after: tuple[int, ...] = ()

    def predicted(self, device: Device, speed: float = 1.0) -> float | None:
        """Seconds on a device of a machine; None where it cannot run there."""
        return self.seconds / speed if device is Device.CPU else self.gpu_seconds

    @property
    def best(self) -> float:
        """Seconds on the faster device."""
        return self.seconds if self.gpu_seconds is None else min(self.seconds, self.gpu_seconds)


@dataclass(frozen=True, eq=False)
class Job:
    """``arrival`` and ``deadline`` (None: none) in seconds of the simulation."""

    number: int
    arrival: float
    steps: tuple[Step, ...]
    deadline: float | None = None

    def __post_init__(self) -> None:
        if not self.steps:
            raise InputError(f"Job {self.number} has no steps; expected at least one.")
        for index, step in enumerate(self.steps):
            if any(not 0 <= before < index for before in step.after):
                raise InputError(
                    f"Step {index} of job {self.number} comes after {step.after}; expected numbers "
                    f"of steps before it."
                )

    @cached_property
    def tails(self) -> tuple[float, ...]:
        """For each step, the predicted seconds of the longest way from its beginning to the end of
        the job, each step on its faster device."""
        found = [0.0] * len(self.steps)
        for index in reversed(range(len(self.steps))):
            later = [found[i] for i, s in enumerate(self.steps) if index in s.after]
            found[index] = self.steps[index].best + max(later, default=0.0)
        return tuple(found)


@dataclass(frozen=True)
class Truth:
    """The measured over the predicted seconds of each step of a job."""

    factors: tuple[float, ...]
