"""Requests in words, from the wordings of a split."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from planner.outcomes.settings import wordings
from planner.task import Goal, Priority, Task
from simulators import World
from simulators.specimens import FAMILIES


def worded(
    rng: np.random.Generator, split: str, task: Task, world: World, materials: Sequence[str] = ()
) -> tuple[str, str]:
    """A task's text in its language, and the specimen in English; ``materials``: to decompose
    into, as ``FORMULA=DENSITY``."""
    how, lang = wordings(), task.language
    family = FAMILIES[world.specimen]
    goals = how["joint"][lang].join(how["goals"][g.value][lang] for g in task.goals)
    if Goal.DECOMPOSE in task.goals:
        goals = goals.format(materials=", ".join(materials))
    told = [how["conditions"][split][c.value][lang] for c in dict.fromkeys(task.conditions)]
    comma = ", " if lang == "en" else "，"
    conditions = "".join(comma + t for t in told).format(
        views=world.projections, range=round(world.range_deg)
    )
    priority = ""
    if task.priority is not Priority.BALANCED:
        priority = how["priorities"][split][task.priority.value][lang]
    budget = ""
    if task.max_seconds is not None:
        budget = how["budgets"][split][lang].format(seconds=f"{task.max_seconds:g}")
    sentence = str(rng.choice(how[split][lang]))
    text = sentence.format(
        goal=goals, specimen=family.en if lang == "en" else family.zh,
        conditions=conditions, priority=priority, budget=budget,
    )  # fmt: skip
    return text, family.en
