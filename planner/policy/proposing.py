"""Candidates that the policy builds, where the planner's search would list its own."""

from __future__ import annotations

import json
from dataclasses import replace

from planner.cost import memory_budget
from planner.graph_network.rehearsal import NOTHING
from planner.graph_network.scorer import looked
from planner.plan import CostModel, Scorer
from planner.policy.building import build
from planner.policy.learned import WEIGHTS, Committee, trained
from planner.policy.resources import Resources
from planner.search import Candidate
from planner.situation import Situation
from planner.task import Priority
from toolbox.execution.threads import cpu_count
from toolbox.recipe import Recipe


def default_on() -> bool:
    """Whether the card of the shipped policy says that it wins over beam search."""
    card = WEIGHTS.with_suffix(".json")
    if not card.exists():
        return False
    return bool(json.loads(card.read_text(encoding="utf-8"))["default_on"])


def built(
    situation: Situation, scorer: Scorer, costs: CostModel, policy: Committee | None = None
) -> list[Candidate]:
    """What the policy builds for the request, first, then for each other priority, predicted by
    ``scorer`` and ``costs`` as :func:`planner.search.search` has it: it may stand in its place.
    Empty where nothing valid is built (images of rings, volumes: it never learned of them)."""
    policy = policy or trained()
    rehearsal, seen = looked(situation, tries=True) if policy.looks else (NOTHING, None)
    seen = seen if policy.sees else None
    cores = cpu_count()
    resources = Resources(cores, cores, free_bytes=memory_budget(situation))
    found: dict[Recipe, Candidate] = {}
    for priority in dict.fromkeys((situation.task.priority, *Priority)):
        wished = replace(situation, task=replace(situation.task, priority=priority))
        made = build(wished, resources, policy, rehearsal, seen)
        if made is not None and made.recipe not in found:
            quality = scorer.quality(made.recipe, situation)
            seconds = costs.seconds(made.recipe, situation)
            found[made.recipe] = Candidate(made.recipe, quality, seconds)
    return list(found.values())
