"""A node of the cluster."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum

from metadata.errors import InputError


class Device(StrEnum):
    """Where a step runs."""

    CPU = "cpu"
    GPU = "gpu"


@dataclass(frozen=True)
class Machine:
    """``slots`` CPU slots (groups of cores; a step takes one, on whichever device it runs),
    ``gpus``, memory in bytes, and ``speed`` of its processors over the reference."""

    name: str
    slots: int
    gpus: int = 0
    memory: float = 128 * 2.0**30
    speed: float = 1.0

    def __post_init__(self) -> None:
        if self.slots < 1 or self.gpus < 0 or self.memory <= 0 or self.speed <= 0:
            raise InputError(
                f"A machine has at least one slot, memory and a speed above zero; {self.name} was "
                f"given {self.slots} slots, {self.gpus} GPUs, {self.memory:g} bytes and the speed "
                f"{self.speed:g}."
            )
