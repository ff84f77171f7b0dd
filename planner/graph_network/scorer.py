"""The graph network as a scorer of the planner."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from planner.graph_network.context import context
from planner.graph_network.encoding import Encoder
from planner.graph_network.inference import Predictor, trained
from planner.graph_network.rehearsal import NOTHING, Rehearsal, rehearse
from planner.plan import Interval
from planner.scoring import RuleScorer
from planner.situation import Situation
from toolbox.recipe import Recipe

RULES = 0.5  # weight of the rules beside the network's 1: `tomoplan bench planner` chooses it


class GraphScorer:
    """Quality by the trained graph network and, with less weight, by the rules, which keep it sober
    where scans are unlike those that it learned from (``rules``: their weight; 0: the network
    alone). The interval is the network's conformal 90 % one, moved along.

    ``tries``: look at what steps do to the scan first (:func:`rehearse`, about a fifth of a second
    a scan); off, for it was measured to add nothing (``tomoplan bench planner``). The network gives
    no reasons: they are those of the rules, which say what each step mends and not
    why this pipeline was preferred. Raises WorkError where no weights are.
    """

    def __init__(self, predictor: Predictor | None = None, tries: bool = False,
                 rules: float = RULES) -> None:  # fmt: skip
        self._predict, self._tries, self._weight = predictor or trained(), tries, rules
        self._rules = RuleScorer()
        self._situation: Situation | None = None
        self._known: dict[Recipe, Interval] = {}

    @property
    def goals(self) -> frozenset[str]:
        """What it learned of."""
        return self._predict.goals

    def quality(self, recipe: Recipe, situation: Situation) -> Interval:
        self.ahead([recipe], situation)
        return self._known[recipe]

    def ahead(self, recipes: Sequence[Recipe], situation: Situation) -> None:
        """Work out many recipes at once: far quicker than one after the other."""
        self._look(situation)
        new = [r for r in dict.fromkeys(recipes) if r not in self._known]
        if () in new:  # nothing done yet: nothing to see in a graph without a step
            self._known[()] = self._rules.quality((), situation)
            new.remove(())
        if not new:
            return
        graphs = self._encoder.encode(new)
        found = self._predict(graphs, self._context, np.zeros(len(new), np.int64))
        for recipe, row in zip(new, found, strict=True):
            ruled = self._rules.quality(recipe, situation).value
            own = interval(row, self._predict.stretch)
            self._known[recipe] = moved(
                own, self._weight * (ruled - own.value) / (1 + self._weight)
            )

    def reasons(self, recipe: Recipe, situation: Situation, language: str) -> list[str]:
        return self._rules.reasons(recipe, situation, language)

    def _look(self, situation: Situation) -> None:
        before = self._situation
        if before is situation:
            return
        # Another request on the same scan sees what the first one saw
        if before is None or before.inspections[0] is not situation.inspections[0]:
            self._looked = looked(situation, self._tries)
        rehearsal, seen = self._looked
        seen = seen if self._predict.sees else None
        self._situation, self._known = situation, {}
        self._encoder = Encoder(situation, self._predict.tools, rehearsal)
        self._context = context(situation, seen, rehearsal)[None]


def looked(situation: Situation, tries: bool) -> tuple[Rehearsal, NDArray[np.float32] | None]:
    """What is tried on the first scan where it is to be, and what the image model makes of it;
    nothing where the situation holds no preview or no axis."""
    from planner.perception.recognition import embedding

    inspection = situation.inspections[0]
    if inspection.preview is None or inspection.center is None:
        return NOTHING, None
    return rehearse(inspection) if tries else NOTHING, embedding(inspection)


def moved(of: Interval, by: float) -> Interval:
    """A quality with its interval, moved within 0 to 1."""
    return Interval(*(min(max(v + by, 0.0), 1.0) for v in (of.value, of.low, of.high)))


def interval(row: NDArray[np.float32], stretch: tuple[float, float]) -> Interval:
    """A row of the network's outputs as quality with its interval."""
    middle = float(row[0])
    low, high = middle - stretch[0] * float(row[1]), middle + stretch[1] * float(row[2])
    return Interval(*(1 / (1 + float(np.exp(-x))) for x in (middle, low, high)))
