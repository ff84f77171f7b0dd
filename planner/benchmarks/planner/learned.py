"""What learned from the training scans: the graph network by beam search, and boosted trees."""

from __future__ import annotations

import time
from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.benchmarks.planner.contender import Choice, settings, worth
from planner.graph_network.context import context
from planner.graph_network.encoding import Arrays, Encoder
from planner.graph_network.flat_trees import FlatTrees
from planner.graph_network.inference import Predictor, trained
from planner.graph_network.rehearsal import NOTHING, Rehearsal
from planner.graph_network.training import encoded, picked
from planner.graph_network.tried import tried
from planner.outcomes.remembered import remembered
from planner.task import Task
from simulators.outcomes import ScanOutcomes

SLACK = 1.3  # predicted seconds are off by no more in most pipelines


class GraphNetwork:
    """Beam search over the tree of what was run, by what the network says of pipelines begun and
    whole. ``blind``: the image embedding zeroed; ``untried``: what was tried on the scan zeroed."""

    seeded = False

    def __init__(self, blind: bool = False, untried: bool = False,
                 predictor: Predictor | None = None) -> None:  # fmt: skip
        self._blind, self._untried, self._given = blind, untried, predictor
        without = [n for n, b in (("image", blind), ("tries", untried)) if b]
        self.name = "graph network, beam search" + "".join(f", no {w}" for w in without)

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        """Trained before: the weights in the repository, whatever the seed."""
        self._predict = self._given or trained()

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        rehearsal, seen = self._looked(scan)
        began = time.process_time()
        situation = remembered(scan)
        encoder = Encoder(situation, self._predict.tools, rehearsal)
        about = context(situation, seen, rehearsal)[None]
        place = {int(n): at for at, n in enumerate(scan.complete)}
        quality, seconds = np.full(len(scan.parent), np.nan), np.full(len(scan.parent), np.nan)
        beam = [int(n) for n in scan.children(-1) if not scan.failed[n]]
        ends: list[int] = []
        while beam:
            graphs = encoder.encode([scan.recipe(n) for n in beam])
            found = self._predict(graphs, about, np.zeros(len(beam), np.int64))
            quality[beam], seconds[beam] = 1 / (1 + np.exp(-found[:, 0])), 10.0 ** found[:, 3]
            ends += [n for n in beam if n in place]
            # Pipelines of the same length compete: what is begun as well as what is whole
            order = np.argsort(-worth(quality[beam], seconds[beam], task, SLACK))
            kept = [beam[i] for i in order[: settings()["beam"]]]
            beam = [int(c) for n in kept for c in scan.children(n) if not scan.failed[c]]
        best = ends[int(np.argmax(worth(quality[ends], seconds[ends], task, SLACK)))]
        return Choice(place[best], time.process_time() - began)

    def _looked(self, scan: ScanOutcomes) -> tuple[Rehearsal, NDArray[np.float32] | None]:
        known = tried()
        rehearsal = NOTHING if self._untried else known.rehearsals.get(scan.name, NOTHING)
        return rehearsal, None if self._blind else known.seen.get(scan.name)


class Trees:
    """The highest promised reward by gradient-boosted trees on flat features of the same data."""

    name, seeded = "boosted trees", True

    def learn(self, train: Sequence[ScanOutcomes], seed: int) -> None:
        self._trees = FlatTrees(seed).fit([whole(s) for s in train])

    def choose(self, scan: ScanOutcomes, task: Task, seed: int) -> Choice:
        one = whole(scan)
        began = time.process_time()
        quality, seconds = self._trees.predict(one)
        chosen = int(np.argmax(worth(quality, seconds, task, SLACK)))
        return Choice(chosen, time.process_time() - began)


def whole(scan: ScanOutcomes) -> Arrays:
    """The complete pipelines of a scan, in the order of ``scan.complete``."""
    arrays = encoded(scan)
    return picked(arrays, np.flatnonzero(arrays["complete"]))
