"""Pipelines as graphs of numbers: tools with their cards and parameters, and typed edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache

import numpy as np
from numpy.typing import NDArray

from metadata.scan_info import Content
from planner.graph_network.rehearsal import NOTHING, RESPONSE, Rehearsal
from planner.outcomes.settings import SIMULATED
from planner.scoring import SMOOTHING
from planner.severity import severities_of
from planner.situation import Situation, rules
from toolbox.card import Parameter, parameters_of
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.pipeline import SCAN
from toolbox.recipe import FRAMES, Recipe, Step, joins, wire
from toolbox.registry import known_tools, make_tool
from toolbox.values import Shape

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]
Arrays = dict[str, NDArray]

UNKNOWN, SOURCE = 0, 1  # tool numbers: none learned from; a scan
SETTINGS = 4  # parameters of a tool that are told apart
KINDS = tuple(DataKind)
SOLID = (DataKind.VOLUME, DataKind.LABELS, DataKind.MATERIALS)
CARD = len(Stage) + len(Domain) + len(Split) + 4
DEFECTS = 9
# Source or not, card, what rules know, parameters, work, response, what it mends here
NODE = 1 + CARD + DEFECTS + 1 + 2 * SETTINGS + 2 + RESPONSE + DEFECTS
RESPONSES = slice(NODE - DEFECTS - RESPONSE, NODE - DEFECTS)  # what was tried, in a node
RULES = DEFECTS + 2  # of a whole pipeline: what each defect costs by the rules, harm, quality
GIGA = 1e9


@cache
def vocabulary() -> tuple[str, ...]:
    """The tools that there were when the outcome table was made, in order: what a training learns
    of one by one. Later ones are known by their cards."""
    from simulators.outcomes import Outcomes

    every = Outcomes.load(SIMULATED).versions
    return tuple(sorted(name for name in every if not name.startswith("library ")))


class Encoder:
    """Encodes recipes for one situation; ``names``: the tools that the network learned of;
    ``rehearsal``: what was tried on the scan."""

    def __init__(
        self, situation: Situation, names: Sequence[str], rehearsal: Rehearsal = NOTHING
    ) -> None:
        self._situation, self._rehearsal = situation, rehearsal
        self._number = {name: at + 2 for at, name in enumerate(names)}
        self._place: dict[Step, int] = {}
        self._rows = [_source()]
        self._tools = [SOURCE]
        severities, defects = severities_of(situation), list(rules()["defects"].items())[:DEFECTS]
        self._severity = np.zeros(DEFECTS)
        self._scale, self._weight = np.ones(DEFECTS), np.zeros(DEFECTS)
        for at, (name, rule) in enumerate(defects):
            self._severity[at] = min(severities[name], rule.get("highest", math.inf))
            self._scale[at], self._weight[at] = rule["scale"], rule["weight"]
        self._unmended = self._losses(np.ones(DEFECTS))
        volumes = situation.content is Content.VOLUME
        self._first = DataKind.VOLUME if volumes else DataKind.PROJECTIONS

    def encode(self, recipes: Sequence[Recipe]) -> Arrays:
        """Recipes, whole or begun (of at least one step), as graphs in a row.

        ``tools`` (node), ``nodes`` (node, :data:`NODE`), ``edges`` ((from, to), edge) and their
        ``kinds``, ``graph`` the number of each node's graph, ``rules`` (graph, :data:`RULES`);
        the last node of a graph is the one that delivers.
        """
        places: list[int] = []
        sizes, edges, kinds, known = [], [], [], []
        for recipe in recipes:
            steps, pairs, carried = self._graph(recipe)
            start = len(places)
            places += steps
            sizes.append(len(steps))
            edges += [(a + start, b + start) for a, b in pairs]
            kinds += carried
            known.append(self._by_rules(recipe))
        index = np.array(places, np.int64)
        return {
            "tools": np.array(self._tools, np.int64)[index],
            "nodes": np.stack(self._rows)[index],
            "edges": np.array(edges, np.int64).reshape(-1, 2).T,
            "kinds": np.array(kinds, np.int64),
            "graph": np.repeat(np.arange(len(sizes)), sizes),
            "rules": np.array(known, np.float32),
        }

    def _graph(self, recipe: Recipe) -> tuple[list[int], list[tuple[int, int]], list[int]]:
        """Nodes by their rows, edges within the graph, and what each edge carries."""
        if len(self._situation.infos) == 1 or not any(map(joins, recipe)):
            # Before the step that joins several scans, what is done to each of them
            pairs, carried = _chained(tuple(s.tool for s in recipe), self._first)
            return [0, *map(self._row, recipe)], pairs, carried
        pipeline = wire(recipe, len(self._situation.infos), volumes=self._situation.volumes)
        place = {node.id: at for at, node in enumerate(pipeline.nodes)}
        steps = [0 if n.tool == SCAN else self._row(Step(n.tool, n.parameters))
                 for n in pipeline.nodes]  # fmt: skip
        pairs = [(place[e.source], place[e.target]) for e in pipeline.edges]
        return steps, pairs, [KINDS.index(pipeline.kind_of(e.source)) for e in pipeline.edges]

    def _row(self, step: Step) -> int:
        place = self._place.get(step)
        if place is None:
            place = self._place[step] = len(self._rows)
            self._tools.append(self._number.get(step.tool, UNKNOWN))
            mends = self._unmended - self._losses(_left(step.tool))
            self._rows.append(
                np.concatenate(
                    [
                        [0.0],
                        _card(step.tool),
                        _measured(step.tool),
                        _settings(step),
                        _work(step, self._situation),
                        self._rehearsal.of(step),
                        mends,
                    ]
                ).astype(np.float32)
            )
        return place

    def _losses(self, left: NDArray[np.float64]) -> NDArray[np.float64]:
        x = self._severity * left / self._scale
        return np.asarray(np.minimum(self._weight * x / (1 + x), 0.99))

    def _by_rules(self, recipe: Recipe) -> NDArray[np.float64]:
        """What :class:`planner.scoring.RuleScorer` says of a recipe, quickly."""
        left, smoothest = np.ones(DEFECTS), np.ones(DEFECTS)
        gains, harm = 0.0, 0.0
        for tool in dict.fromkeys(s.tool for s in recipe):
            if known_tools()[tool].card.stage in SMOOTHING:
                smoothest = np.minimum(smoothest, _left(tool))
            else:
                left = left * _left(tool)
            own = rules()["harm"].get(tool, 0.0)
            harm, gains = harm + max(own, 0.0), min(gains, own)
        losses = self._losses(left * smoothest)
        quality = min(max(1 - rules()["base"] - harm - gains, 0.0), 1.0) * np.prod(1 - losses)
        return np.concatenate([losses, [harm + gains, quality]])


@cache
def _chained(tools: tuple[str, ...], first: DataKind) -> tuple[list[tuple[int, int]], list[int]]:
    """The edges of the steps of one scan and what they carry, as
    :func:`toolbox.recipe.wire` makes them."""
    lane: dict[DataKind, int] = {first: 0}
    carries = {0: KINDS.index(first)}
    pairs, carried = [], []
    for at, tool in enumerate(tools, start=1):
        card = known_tools()[tool].card
        for port in card.inputs.values():
            source = lane.get(_lane(port.kind))
            if source is not None:
                pairs.append((source, at))
                carried.append(carries[source])
        lane[_lane(card.output.kind)] = at
        carries[at] = KINDS.index(card.output.kind)
        if card.stage in (Stage.STITCH, Stage.ALIGN) and card.output.kind in FRAMES:
            lane.pop(DataKind.CENTER, None)
            lane.pop(DataKind.SHIFTS, None)
    return pairs, carried


def _lane(kind: DataKind) -> DataKind:
    return DataKind.PROJECTIONS if kind in FRAMES else kind


@cache
def _source() -> Floats:
    node = np.zeros(NODE, np.float32)
    node[0] = 1.0
    return node


@cache
def _card(name: str) -> Floats:
    """Stage, domain and split, and whether it runs on a GPU, learned from data, is on by default,
    and is kept to some scans."""
    card = known_tools()[name].card
    found = [card.stage is s for s in Stage]
    found += [card.domain is d for d in Domain]
    found += [card.split is s for s in Split]
    found += [card.gpu, bool(card.weights), card.default_on, bool(card.suits)]
    return np.array(found, np.float32)


@cache
def _left(name: str) -> NDArray[np.float64]:
    """What of each defect the tool was measured to leave (1: all)."""
    left = [float(rule["left"].get(name, 1.0)) for rule in rules()["defects"].values()]
    return np.array((left + [1.0] * DEFECTS)[:DEFECTS])


@cache
def _measured(name: str) -> Floats:
    return np.array([*_left(name), 10 * rules()["harm"].get(name, 0.0)], np.float32)


@cache
def _parameters(name: str) -> tuple[Parameter, ...]:
    return parameters_of(known_tools()[name])


def _settings(step: Step) -> Floats:
    """For each of the first parameters: whether it is set, and how large, as a power of ten over
    its default where that is a number."""
    found = np.zeros(2 * SETTINGS, np.float32)
    for at, parameter in enumerate(_parameters(step.tool)[:SETTINGS]):
        value = step.parameters.get(parameter.name)
        if value is None:
            continue
        found[2 * at] = 1.0
        if isinstance(value, int | float) and not isinstance(value, bool):
            default = parameter.default
            known = isinstance(default, int | float) and not isinstance(default, bool) and default
            found[2 * at + 1] = math.log10(1e-3 + abs(value / default if known else value))
        elif value in parameter.about.choices:
            found[2 * at + 1] = 1 + parameter.about.choices.index(value)
    return found


def _work(step: Step, situation: Situation) -> Floats:
    """Powers of ten of nominal operations (over 10⁹) and of bytes (over 10⁹), for the whole
    scan."""
    info = situation.info
    flat = Shape(info.projections, info.rows, info.columns)
    solid = Shape(info.columns, info.rows, info.columns)
    shapes = {
        name: solid if port.kind in SOLID else flat
        for name, port in known_tools()[step.tool].card.inputs.items()
        if port.kind.is_stack and not port.optional
    }
    if not shapes:
        return np.zeros(2, np.float32)
    cost = make_tool(step.tool, step.parameters).cost(**shapes)
    work = [(1 + cost.operations) / GIGA, (1 + cost.bytes) / GIGA]
    return np.log10(np.array(work)).astype(np.float32)
