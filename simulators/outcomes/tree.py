"""Recipes as a tree in which those that begin alike share their beginning."""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from toolbox.recipe import Recipe, Step


def step_key(step: Step) -> str:
    """A step as text, the same for the same tool and parameters.

    >>> step_key(Step("fbp", {"filter": "hann"}))
    '{"parameters": {"filter": "hann"}, "tool": "fbp"}'
    """
    return json.dumps({"tool": step.tool, "parameters": step.parameters}, sort_keys=True)


@dataclass(frozen=True)
class Tree:
    """Node ``i`` does ``steps[i]`` after node ``parents[i]`` (−1: it is the first step); parents
    stand before their children. ``complete``: nodes at which a recipe ends.

    >>> tree = Tree.of([(Step("flat_field"), Step("minus_log")), (Step("flat_field"),)])
    >>> tree.parents, tree.complete
    ((-1, 0), (True, True))
    """

    parents: tuple[int, ...]
    steps: tuple[Step, ...]
    complete: tuple[bool, ...]

    @classmethod
    def of(cls, recipes: Iterable[Recipe]) -> Tree:
        """The tree of some recipes, depth first."""
        children: dict[int, dict[str, int]] = {-1: {}}
        parents: list[int] = []
        steps: list[Step] = []
        ends: set[int] = set()
        for recipe in recipes:
            at = -1
            for step in recipe:
                key = step_key(step)
                if key not in children[at]:
                    children[at][key] = len(steps)
                    parents.append(at)
                    steps.append(step)
                    children[len(steps) - 1] = {}
                at = children[at][key]
            ends.add(at)
        order: list[int] = []
        waiting = list(reversed(children[-1].values()))
        while waiting:
            node = waiting.pop()
            order.append(node)
            waiting += reversed(children[node].values())
        place = {node: i for i, node in enumerate(order)} | {-1: -1}
        return cls(
            tuple(place[parents[n]] for n in order),
            tuple(steps[n] for n in order),
            tuple(n in ends for n in order),
        )

    def __len__(self) -> int:
        return len(self.steps)

    def path(self, node: int) -> tuple[int, ...]:
        """The nodes from the first step to this one."""
        return path_of(self.parents, node)

    def recipe(self, node: int) -> Recipe:
        """The steps from the first to this one."""
        return tuple(self.steps[n] for n in self.path(node))

    def ends_below(self) -> tuple[int, ...]:
        """For each node a complete one at or below it (−1 where there is none)."""
        found = [-1] * len(self)
        for node in reversed(range(len(self))):
            if found[node] < 0 and self.complete[node]:
                found[node] = node
            parent = self.parents[node]
            if parent >= 0 and found[node] >= 0:
                found[parent] = found[node]
        return tuple(found)


def path_of(parents: Sequence[int] | NDArray[np.integer], node: int) -> tuple[int, ...]:
    """The nodes from the root to this one.

    >>> path_of((-1, 0, 0, 2), 3)
    (0, 2, 3)
    """
    path = []
    while node >= 0:
        path.append(int(node))
        node = int(parents[node])
    return tuple(reversed(path))
