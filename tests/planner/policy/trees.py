"""A small executed tree made by hand, with a situation to see it in."""

from __future__ import annotations

import numpy as np
import pytest

from planner.policy.actions import Actions
from planner.policy.branches import Branches
from planner.task import Goal, Intent, Priority, Task
from simulators.outcomes import ScanOutcomes
from simulators.outcomes.tree import Tree
from tests.planner.situations import situation
from toolbox.recipe import Recipe, Step

FRONT: Recipe = (Step("flat_field"), Step("minus_log"), Step("center_consensus"))
FBP, HANN = Step("fbp"), Step("fbp", {"filter": "hann"})
NLM, SIRT = Step("denoise_nlm"), Step("sirt", {"iterations": 30})
RECIPES: tuple[Recipe, ...] = ((*FRONT, FBP), (*FRONT, FBP, NLM), (*FRONT, HANN), (*FRONT, SIRT))
QUALITY = (0.60, 0.70, 0.62, 0.90)
SECONDS = {"flat_field": 0.1, "minus_log": 0.1, "center_consensus": 1.0, "fbp": 0.2,
           "denoise_nlm": 0.6, "sirt": 8.6}  # fmt: skip
ACTIONS = Actions(("center_consensus", "denoise_nlm", "fbp", "flat_field", "minus_log", "sirt"))


def tree(priority: Priority = Priority.BALANCED) -> ScanOutcomes:
    """Four pipelines: plain, smoothed, with another filter, and a slow good one."""
    made = Tree.of(RECIPES)
    steps = tuple(dict.fromkeys(made.steps))
    quality = np.full(len(made), np.nan, np.float32)
    for node in range(len(made)):
        if made.complete[node]:
            quality[node] = QUALITY[RECIPES.index(made.recipe(node))]
    task = Task(Intent.PLAN, (Goal.RECONSTRUCT,), priority=priority)
    return ScanOutcomes(
        "train-0000", {"request": task.to_json(), "split": "train"}, steps,
        np.array(made.parents, np.int32),
        np.array([steps.index(s) for s in made.steps], np.int32),
        np.array([SECONDS[s.tool] for s in made.steps], np.float32),
        np.full(len(made), np.nan, np.float32),
        np.array([2e7 if s.tool == "sirt" else 1e7 for s in made.steps], np.float32),
        np.zeros(len(made), bool),
        {"reconstruct": quality},
    )  # fmt: skip


def branches(
    monkeypatch: pytest.MonkeyPatch, priority: Priority = Priority.BALANCED,
    actions: Actions = ACTIONS,
) -> Branches:  # fmt: skip
    """The tree with a situation made by hand."""
    monkeypatch.setattr("planner.policy.branches.remembered", lambda _: situation())
    return Branches(tree(priority), actions)
