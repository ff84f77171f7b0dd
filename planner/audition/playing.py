"""Runs pipelines on one slice of a scan."""

from __future__ import annotations

import math
import time
from collections.abc import Mapping, Sequence
from typing import Any

from metadata.scan import Scan
from planner.audition.look import Result
from simulators.outcomes.calls import Place
from simulators.outcomes.walker import Walker
from toolbox.recipe import Recipe


class Playing(Walker):
    """Runs recipes on a scan of few rows; ``results`` by recipe, of those that worked and gave a
    slice before ``seconds`` were over."""

    def __init__(self, scan: Scan, recipes: Sequence[Recipe], seconds: float = math.inf) -> None:
        super().__init__([scan], recipes, "audition")
        self._until = time.monotonic() + seconds
        self.results: dict[Recipe, Result] = {}

    def enough(self) -> bool:
        return time.monotonic() > self._until

    def arrived(self, node: int, values: Mapping[Place, Any]) -> None:
        plain = None
        for step in self.tree.path(node):
            if self.tree.steps[step].tool == "minus_log":
                plain = values[step, 0]
        found = Result.of(self.last(node, values), plain)
        if found is not None:
            self.results[self.tree.recipe(node)] = found
