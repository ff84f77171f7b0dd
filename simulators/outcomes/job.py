"""What is to be run: scans with their truth, pipelines, what the planner says of the request."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from metadata.scan import Scan
from toolbox.recipe import Recipe


@dataclass(frozen=True, eq=False)
class Job:
    """Pipelines to be run on the scans of one request (simulated ones, but for ``agreement``).

    ``name`` tells it from the others; ``document`` is kept with the outcomes as JSON and not
    looked at (the request, the world, what the scan shows); ``goals`` names the measures of
    ``simulators.outcomes.quality`` to take of each complete pipeline; ``displaced`` says that
    where the specimen stands is not to be judged.
    """

    name: str
    scans: Sequence[Scan]
    recipes: Sequence[Recipe]
    goals: tuple[str, ...]
    document: dict[str, Any]
    displaced: bool = False
    truth: Any = None  # of several scans: what the goal's measure asks for
