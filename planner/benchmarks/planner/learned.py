"""What learned from the training scans: the graph network by beam search, and boosted trees."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import replace
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from planner.benchmarks.planner.contender import Choice, leads_to_end, settings, worth
from planner.benchmarks.planner.fixed import SingleBest
from planner.benchmarks.planner.rules import Rules
from planner.graph_network.context import context
from planner.graph_network.encoding import Arrays, Encoder
from planner.graph_network.examples import encoded, picked
from planner.graph_network.flat_trees import FlatTrees
from planner.graph_network.inference import Predictor, trained
from planner.graph_network.rehearsal import NOTHING, Rehearsal
from planner.graph_network.tried import tried
from planner.outcomes.remembered import remembered
from planner.outcomes.reward import rewards, task_of
from planner.outcomes.settings import SIMULATED
from planner.plan import Interval
from planner.search import Candidate, mends, same_cost, stands_out
from planner.task import Priority, Task
from simulators.outcomes import Outcomes, ScanOutcomes

Floats = NDArray[np.floating]
WEIGHTS = (0.0, 0.25, 0.5, 1.0)  # of the rules beside the network's 1
ALIKE = 0.01  # mean rewards closer than thirty scans can tell: the rules keep the network sober
MARGINS = np.arange(0.0, 0.31, 0.02)  # of promised reward
KEPT = 0.975  # of validation's pipelines run for no longer than the slack times what is predicted


class GraphNetwork:
    """Beam search over the tree of what was run, by what the network says of pipelines begun and
    whole. ``blind``: the image embedding zeroed; ``untried``: what was tried on the scan zeroed."""

    seeded = False

    def __init__(self, blind: bool = False, untried: bool = False,
                 predictor: Predictor | None = None) -> None:  # fmt: skip
        self._blind, self._untried, self._given = blind, untried, predictor
        self._known: dict[str, tuple[Floats, Floats, float]] = {}
        without = [n for n, b in (("image", blind), ("tries", untried)) if b]
        self.name = "graph network, beam search" + "".join(f", no {w}" for w in without)

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Trained before: the weights in the repository, whatever the seed."""
        self._predict = self._given or trained()
        self.slack = slack(self)

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        quality, seconds, spent = self.predicted(scan)
        began = time.process_time()
        place = {int(n): at for at, n in enumerate(scan.complete)}
        beam = [int(n) for n in scan.children(-1) if np.isfinite(quality[n])]
        ends: list[int] = []
        while beam:
            ends += [n for n in beam if n in place]
            # Pipelines of the same length compete: what is begun as well as what is whole
            order = np.argsort(-worth(quality[beam], seconds[beam], task, self.slack))
            kept = [beam[i] for i in order[: settings()["beam"]]]
            beam = [int(c) for n in kept for c in scan.children(n) if np.isfinite(quality[c])]
        best = ends[int(np.argmax(worth(quality[ends], seconds[ends], task, self.slack)))]
        return Choice(place[best], spent + time.process_time() - began)

    def predicted(self, scan: ScanOutcomes) -> tuple[Floats, Floats, float]:
        """Quality and seconds of all that can be begun or finished here, and what it took: more
        than the search asks for."""
        if scan.name not in self._known:
            self._known[scan.name] = self._predicted(scan)
        return self._known[scan.name]

    def _predicted(self, scan: ScanOutcomes) -> tuple[Floats, Floats, float]:
        rehearsal, seen = self._looked(scan)
        began = time.process_time()
        situation = remembered(scan)
        encoder = Encoder(situation, self._predict.tools, rehearsal)
        about = context(situation, seen, rehearsal)[None]
        leads = leads_to_end(scan)
        nodes = np.flatnonzero(leads)
        graphs = encoder.encode([scan.recipe(int(n)) for n in nodes])
        found = self._predict(graphs, about, np.zeros(len(nodes), np.int64))
        quality, seconds = np.full(len(leads), np.nan), np.full(len(leads), np.nan)
        quality[nodes], seconds[nodes] = 1 / (1 + np.exp(-found[:, 0])), 10.0 ** found[:, 3]
        return quality, seconds, time.process_time() - began

    def _looked(self, scan: ScanOutcomes) -> tuple[Rehearsal, NDArray[np.float32] | None]:
        known = tried()
        rehearsal = NOTHING if self._untried else known.rehearsals.get(scan.name, NOTHING)
        return rehearsal, None if self._blind else known.seen.get(scan.name)


class CarefulNetwork:
    """The single best of training, unless the network promises more than a margin beyond it; the
    margin is the one that does best on the validation scans."""

    name, seeded = "single best unless the network objects", False

    def __init__(self, network: GraphNetwork) -> None:
        self._network, self._single = network, SingleBest()

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        self._network.learn(train, seed)
        self._single.learn(train, seed)
        rows = [(rewards(s), *self._leads(s, task_of(s))) for s in validation()]
        means = [np.mean([r[best if lead > m else fixed] for r, best, fixed, lead in rows])
                 for m in MARGINS]  # fmt: skip
        self._margin = float(MARGINS[int(np.argmax(means))]) if rows else 0.0

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        best, fixed, lead = self._leads(scan, task)
        return Choice(best if lead > self._margin else fixed, self._network.predicted(scan)[2])

    def _leads(self, scan: ScanOutcomes, task: Task) -> tuple[int, int, float]:
        """The network's choice, the single best, and by how much the one promises more."""
        best = self._network.choose(scan, task, 0).pipeline
        fixed = self._single.choose(scan, task, 0).pipeline
        quality, seconds, _ = self._network.predicted(scan)
        over = self._network.slack
        promised = worth(quality[scan.complete], seconds[scan.complete], task, over)
        return best, fixed, float(promised[best] - promised[fixed])


class NetworkAndRules:
    """The mean of what the network and the rules say of the quality, as the planner's scorer has
    it, with the largest weight of the rules that does as well as any on the validation scans. Of
    the pipelines those that mend rings and jitter where there are some, and for speed and for
    quality only what surely differs from the balanced choice, as the planner proposes them."""

    name, seeded = "network and rules", False

    def __init__(self, network: GraphNetwork, rules: Rules) -> None:
        self._network, self._rules = network, rules

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        self._network.learn(train, seed)
        rows = [(rewards(s), s, task_of(s)) for s in validation()]
        means = {}
        for self.weight in WEIGHTS:
            means[self.weight] = float(np.mean([r[self._best(s, t)] for r, s, t in rows] or [0.0]))
        best = max(means.values())
        self.weight = max(w for w, mean in means.items() if mean >= best - ALIKE)

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        return Choice(self._best(scan, task), self.spent(scan))

    def spent(self, scan: ScanOutcomes) -> float:
        """Seconds of predicting."""
        return self._network.predicted(scan)[2] + self._rules.predicted(scan)[2]

    def expected(self, scan: ScanOutcomes) -> tuple[Floats, Floats]:
        """Quality and seconds of each complete pipeline."""
        own, seconds, _ = self._network.predicted(scan)
        ruled = self._rules.predicted(scan)[0]
        quality = (own[scan.complete] + self.weight * ruled) / (1 + self.weight)
        return quality, seconds[scan.complete]

    def _best(self, scan: ScanOutcomes, task: Task) -> int:
        return self.best_of(scan, task, *self.expected(scan))

    def best_of(self, scan: ScanOutcomes, task: Task, quality: Floats, seconds: Floats,
                among: NDArray[np.bool_] | None = None) -> int:  # fmt: skip
        """The choice by such predictions, ``among`` some of the pipelines."""
        over = self._network.slack
        situation = replace(remembered(scan), task=task)
        plans = [
            Candidate(scan.recipe(int(n)), Interval(q, q, q), Interval(s, s, over * s))
            for n, q, s in zip(scan.complete, quality, seconds, strict=True)
        ]
        mended = np.array([mends(plan, situation) for plan in plans])
        among = np.ones(len(plans), bool) if among is None else among
        able = mended & among if (mended & among).any() else among
        promised = np.where(able, worth(quality, seconds, task, over), -np.inf)
        best = int(np.argmax(promised))
        balanced = replace(task, priority=Priority.BALANCED)
        usual = int(np.argmax(np.where(able, worth(quality, seconds, balanced, over), -np.inf)))
        if task.max_seconds:
            high = np.array([plan.time.high for plan in plans])
            if (high[able] > task.max_seconds).all():
                fastest = plans[int(np.argmin(np.where(able, seconds, np.inf)))]
                quick = able & [same_cost(plan, fastest) for plan in plans]
                return int(np.argmax(np.where(quick, promised, -np.inf)))
            if high[usual] > task.max_seconds:
                return best
        sure = able & [stands_out(plan, plans[usual], task.priority) for plan in plans]
        sure &= promised > promised[usual]
        return int(np.argmax(np.where(sure, promised, -np.inf))) if sure.any() else usual


class Trees:
    """The highest promised reward by gradient-boosted trees on flat features of the same data."""

    name, seeded = "boosted trees", True

    def __init__(self) -> None:
        self._grown: dict[int, FlatTrees] = {}

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        if seed not in self._grown:
            self._grown[seed] = FlatTrees(seed).fit([whole(s) for s in train])
        self._trees = self._grown[seed]
        self._known: dict[str, tuple[Floats, Floats, float]] = {}
        self.slack = slack(self)

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        quality, seconds, spent = self.predicted(scan)
        return Choice(int(np.argmax(worth(quality, seconds, task, self.slack))), spent)

    def predicted(self, scan: ScanOutcomes) -> tuple[Floats, Floats, float]:
        """Quality and seconds of each complete pipeline, and what it took."""
        if scan.name not in self._known:
            one = whole(scan)
            began = time.process_time()
            self._known[scan.name] = (*self._trees.predict(one), time.process_time() - began)
        return self._known[scan.name]


class Predicting(Protocol):
    """What predicts quality and seconds of pipelines, of all nodes or of the complete ones."""

    def predicted(self, scan: ScanOutcomes) -> tuple[Floats, Floats, float]:
        """Quality, seconds, and what it took."""


def slack(contender: Predicting) -> float:
    """How many times what is predicted most pipelines of the validation scans may take."""
    ratios = []
    for scan in validation():
        seconds = contender.predicted(scan)[1]
        own = seconds if len(seconds) == len(scan.complete) else seconds[scan.complete]
        ratios.append(scan.total_seconds[scan.complete] / own)
    return max(float(np.quantile(np.concatenate(ratios), KEPT)), 1.0) if ratios else 1.0


@cache
def validation() -> tuple[ScanOutcomes, ...]:
    """The scans by which settings of contenders are chosen."""
    return Outcomes.load(SIMULATED).split("validation")


def whole(scan: ScanOutcomes) -> Arrays:
    """The complete pipelines of a scan, in the order of ``scan.complete``."""
    arrays = encoded(scan)
    return picked(arrays, np.flatnonzero(arrays["complete"]))
