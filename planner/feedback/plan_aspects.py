"""What a plan's result will look like beside others of the same scan, before it is run."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from planner.feedback.aspects import ASPECTS, Numbers
from planner.feedback.head import WEIGHTS, trained
from planner.policy.actions import level_of
from toolbox.recipe import Recipe, Step

RIDGE = 5.0


@dataclass(frozen=True, eq=False)
class PlanAspects:
    """Each setting of a tool adds what it usually does to an aspect (axes ``step, ASPECTS``, in
    units of the head's ``within``); tools that were never seen add nothing."""

    names: tuple[str, ...]
    effects: Numbers

    def of(self, recipes: Sequence[Recipe]) -> Numbers:
        """Aspects of some recipes for one scan, axes ``recipe, ASPECTS``: only differences mean
        something. Seconds and memory are better taken from the cost model."""
        head = trained()
        return head.middle + head.within * (indicators(recipes, self.names) @ self.effects)


def step_names(step: Step) -> tuple[str, str]:
    """A step by its tool, and by its tool and level."""
    return step.tool, f"{step.tool}:{level_of(step)}"


def indicators(recipes: Sequence[Recipe], names: Sequence[str]) -> Numbers:
    """Which names stand in each recipe, axes ``recipe, name``."""
    at = {name: i for i, name in enumerate(names)}
    found = np.zeros((len(recipes), len(names)))
    for row, recipe in zip(found, recipes, strict=True):
        for step in recipe:
            for name in step_names(step):
                if name in at:
                    row[at[name]] = 1.0
    return found


def fitted(scans: Sequence[tuple[Sequence[Recipe], Numbers]], within: Numbers) -> PlanAspects:
    """Ridge regression of aspects on the steps, both about their means within a scan."""
    names = tuple(sorted({n for recipes, _ in scans for r in recipes for s in r
                          for n in step_names(s)}))  # fmt: skip
    steps = [indicators(recipes, names) for recipes, _ in scans]
    a = np.concatenate([s - s.mean(axis=0) for s in steps])
    b = np.concatenate([np.nan_to_num(v - np.nanmean(v, axis=0)) / within for _, v in scans])
    return PlanAspects(names, np.linalg.solve(a.T @ a + RIDGE * np.eye(len(names)), a.T @ b))


@lru_cache(maxsize=1)
def plan_aspects() -> PlanAspects:
    """The effects that were trained."""
    import json

    from safetensors.numpy import load_file

    trained()  # says what to do where there are no weights
    card = json.loads(WEIGHTS.with_suffix(".json").read_text(encoding="utf-8"))
    effects = load_file(WEIGHTS)["effects"].astype(np.float64)
    assert effects.shape == (len(card["steps"]), len(ASPECTS))
    return PlanAspects(tuple(card["steps"]), effects)
