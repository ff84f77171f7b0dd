"""The planner with an audition: the most promising pipelines tried on one slice and judged."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from planner.audition.choosing import ASKED, HEARD, in_turn
from planner.audition.company import LEAST
from planner.audition.judge import Judge, trained
from planner.audition.table import auditions
from planner.benchmarks.planner.contender import Choice, worth
from planner.benchmarks.planner.learned import Floats, GraphNetwork, NetworkAndRules
from planner.benchmarks.planner.rules import Rules
from planner.task import Task
from simulators.outcomes import ScanOutcomes
from simulators.outcomes.tree import path_of


class WithAudition(NetworkAndRules):
    """The network and the rules choose what is heard, the judge chooses among that; where nothing
    was heard, as without. The runs count as planning: each step that they share once."""

    name = "with an audition"

    def __init__(self, network: GraphNetwork, rules: Rules, judge: Judge | None = None) -> None:
        super().__init__(network, rules)
        self._judge = judge or trained()

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        quality, seconds = self.expected(scan)
        heard = self._heard(scan, task, quality, seconds)
        if heard is None:
            return super().choose(scan, task, seed)
        places, rows = heard
        company = auditions()[scan.name][1].some(rows)
        judged = quality.copy()
        judged[places] = self._judge(company, quality[places])
        among = np.isin(np.arange(len(quality)), places)
        spent = self.spent(scan) + _run(scan, scan.complete[places])
        best, usual = self.best_of(scan, task, judged, seconds, among), self._best(scan, task)
        limit = task.max_seconds
        if limit and seconds[best] * self._network.slack > limit >= seconds[usual]:
            return Choice(usual, spent)  # nothing that was heard keeps to the time
        return Choice(best, spent)

    def _heard(self, scan: ScanOutcomes, task: Task, quality: Floats, seconds: Floats
               ) -> tuple[NDArray[np.intp], NDArray[np.intp]] | None:  # fmt: skip
        """The most promising pipelines of those in the table of auditions: their places in
        ``scan.complete`` and in the table."""
        known = auditions().get(scan.name)
        if known is None:
            return None
        place = {int(n): at for at, n in enumerate(scan.complete)}
        there = np.array([place[int(n)] for n in known[0]])
        asked = [replace(task, priority=priority) for priority in ASKED]
        promised = [worth(quality, seconds, t, self._network.slack)[there] for t in asked]
        orders = [np.argsort(-found, kind="stable") for found in promised]
        rows = np.array(in_turn(orders)[:HEARD])
        return (there[rows], rows) if len(rows) >= LEAST else None


def _run(scan: ScanOutcomes, nodes: NDArray[np.intp]) -> float:
    """Seconds of some pipelines, what they begin with in common done once."""
    steps = {n for node in nodes for n in path_of(scan.parent, int(node))}
    return float(np.nansum(scan.seconds[list(steps)]))
