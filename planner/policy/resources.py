"""The resources as they are when a plan is made, and how long a pipeline takes on each."""

from __future__ import annotations

import math
from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from planner.policy.actions import Resource
from planner.scheduling.jobs import settings as queue_settings
from toolbox.kinds import Split
from toolbox.registry import tool_class

WIDTH = 7  # numbers of Resources.vector


@dataclass(frozen=True)
class Resources:
    """``free_cores`` of ``cores``; seconds until all are free and until the ``gpu`` is;
    ``free_bytes`` of memory (None: plenty)."""

    free_cores: int = 1
    cores: int = 1
    wait: float = 0.0
    gpu: bool = False
    gpu_wait: float = 0.0
    free_bytes: float | None = None

    def vector(self, cheapest: float) -> NDArray[np.float32]:
        """As numbers of about one; waits are counted in ``cheapest`` seconds."""
        return np.array(
            [
                math.log2(self.free_cores) / 3,
                math.log2(self.cores) / 3,
                math.log10(1 + self.wait / cheapest),
                float(self.gpu),
                math.log10(1 + self.gpu_wait / cheapest) if self.gpu else 0.0,
                float(self.free_bytes is not None),
                math.log10(self.free_bytes / 1e7) if self.free_bytes else 0.0,
            ],
            np.float32,
        )

    @property
    def offered(self) -> tuple[Resource, ...]:
        """The resources that there are to choose from."""
        found = [Resource.FREE_CORES]
        if self.cores > self.free_cores:
            found.append(Resource.ALL_CORES)
        if self.gpu:
            found.append(Resource.GPU)
        return tuple(found)

    def delay(self, resource: Resource) -> float:
        """Seconds until work on it can begin."""
        return (0.0, self.wait, self.gpu_wait)[resource]

    def cores_of(self, resource: Resource) -> int:
        """The cores that share the work."""
        return self.cores if resource is Resource.ALL_CORES else self.free_cores


@cache
def gpu_gain() -> float:
    """How much faster a step is on a GPU: assumed (``configs/scheduling.yaml``)."""
    return float(queue_settings()["requests"]["gpu_gain"])


@cache
def shares(tool: str) -> tuple[bool, bool]:
    """Whether a tool's work is cut into slabs that the cores share, and whether it can use a
    GPU."""
    found = tool_class(tool)
    card = found.card
    sampled = card.output.kind.is_stack == (card.split is Split.SAMPLE)
    return not sampled and card.split not in (Split.SAMPLE, Split.WHOLE), card.gpu


def drawn(rng: np.random.Generator, cheapest: float, peaks: NDArray[np.float64]) -> Resources:
    """Resources of a training episode: in half of them one core and nothing to wait for, else a
    node of 2 to 16 cores, partly busy, with waits up to a hundred times the cheapest pipeline; in
    a quarter the free memory lies among the peaks of the scan's pipelines."""
    known = peaks[np.isfinite(peaks)]
    memory = None
    if len(known) and rng.random() < 0.25:
        memory = float(np.quantile(known, rng.uniform(0.3, 1.0)) * 1.01)
    if rng.random() < 0.5:
        return Resources(free_bytes=memory)
    cores = int(2 ** rng.integers(1, 5))
    wait, gpu_wait = cheapest * 10 ** rng.uniform(-1, 2, size=2)
    gpu = bool(rng.random() < 0.3)
    free = int(rng.integers(1, cores + 1))
    return Resources(free, cores, float(wait), gpu, float(gpu_wait) if gpu else 0.0, memory)
