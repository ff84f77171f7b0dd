"""What the policy can do: add a tool, set its level, stop, choose the resource."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum
from functools import cache

from planner.outcomes.settings import settings
from toolbox.recipe import Step

LEVELS = 6


class Resource(IntEnum):
    """Where and when a pipeline runs: on the cores that are free now, on all of them after the
    expected wait, or on the GPU after its wait."""

    FREE_CORES = 0
    ALL_CORES = 1
    GPU = 2


@dataclass(frozen=True)
class Actions:
    """Numbers of actions: a tool each, then the levels, the resources, and to stop."""

    tools: tuple[str, ...]

    @property
    def count(self) -> int:
        """How many there are."""
        return len(self.tools) + LEVELS + len(Resource) + 1

    @property
    def stop(self) -> int:
        """The number of stopping."""
        return self.count - 1

    def tool(self, name: str) -> int | None:
        """The number of adding a tool; None for one that was not learned from."""
        return self._numbers().get(name)

    def level(self, level: int) -> int:
        """The number of a level."""
        return len(self.tools) + level

    def resource(self, resource: Resource) -> int:
        """The number of a resource."""
        return len(self.tools) + LEVELS + int(resource)

    def _numbers(self) -> dict[str, int]:
        return _numbered(self.tools)


@cache
def _numbered(tools: Sequence[str]) -> dict[str, int]:
    return {name: at for at, name in enumerate(tools)}


def level_of(step: Step) -> int:
    """Which of its tool's settings in ``configs/outcomes.yaml`` a step has; 0 for others (a column
    that the file names, materials that the request names).

    >>> level_of(Step("fbp")), level_of(Step("fbp", {"filter": "hann"}))
    (0, 2)
    """
    return _levels(step.tool).get(json.dumps(step.parameters, sort_keys=True), 0)


@cache
def _levels(tool: str) -> dict[str, int]:
    listed = settings()["levels"].get(tool, [{}])
    return {json.dumps(p, sort_keys=True): at for at, p in enumerate(listed[:LEVELS])}
