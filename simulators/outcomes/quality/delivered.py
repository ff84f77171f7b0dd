"""What a complete pipeline leaves: the last value of each kind."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from simulators.outcomes.job import Job
from simulators.simulated_scan import SimulatedScan
from toolbox.kinds import DataKind
from toolbox.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Delivered:
    """The values of a pipeline's last steps by kind, the job (with the truth), the recipe."""

    job: Job
    values: Mapping[DataKind, Any]
    recipe: Recipe

    @property
    def scans(self) -> list[SimulatedScan]:
        """The scans, which hold their truth."""
        return [scan for scan in self.job.scans if isinstance(scan, SimulatedScan)]
