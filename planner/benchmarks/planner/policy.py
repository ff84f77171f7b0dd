"""The trained policy: builds a pipeline step by step along branches that were run."""

from __future__ import annotations

import time
from collections.abc import Sequence

from planner.benchmarks.planner.contender import Choice
from planner.benchmarks.planner.rules import Rules
from planner.policy.branches import Branches, State
from planner.policy.learned import trained
from planner.policy.resources import Resources
from planner.task import Task
from simulators.outcomes import ScanOutcomes


class LearnedPolicy:
    """The best action in each state, by the policy as shipped, with one core and no wait, as the
    tables were measured. Where every pipeline holds a tool that it never learned of, the
    transparent scorer chooses, as in the planner."""

    name, seeded = "policy", False

    def __init__(self) -> None:
        self._rules = Rules()

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """It comes trained: ``tomoplan train policy``."""

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        policy = trained()
        began = time.process_time()
        branches = Branches(scan, policy.actions, task, policy.looks)
        if not branches.offered(State(), Resources()):
            return self._rules.choose(scan, task, seed)
        node, _ = branches.chosen(policy, Resources())
        place = {int(n): at for at, n in enumerate(scan.complete)}
        return Choice(place[node], time.process_time() - began)
