"""Pipelines as graphs of numbers: tools with their cards and parameters, and typed edges."""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cache, lru_cache

import numpy as np
from numpy.typing import NDArray

from planner.situation import Situation, rules
from toolbox.card import Parameter, parameters_of
from toolbox.kinds import DataKind, Domain, Split, Stage
from toolbox.pipeline import SCAN
from toolbox.recipe import Recipe, Step, wire
from toolbox.registry import known_tools, make_tool
from toolbox.values import Shape

Floats = NDArray[np.float32]
Whole = NDArray[np.int64]

UNKNOWN, SOURCE = 0, 1  # tool numbers: none learned from; a scan
SETTINGS = 4  # parameters of a tool that are told apart
KINDS = tuple(DataKind)
SOLID = (DataKind.VOLUME, DataKind.LABELS, DataKind.MATERIALS)
CARD = len(Stage) + len(Domain) + len(Split) + 4
NODE = 1 + CARD + 10 + 2 * SETTINGS + 2  # card, what rules know, parameters, work


@dataclass(frozen=True, eq=False)
class Encoded:
    """A pipeline: ``tools`` (node), ``nodes`` (node, :data:`NODE`), ``edges`` ((from, to), edge)
    and their ``kinds``; the last node is the one that delivers."""

    tools: Whole
    nodes: Floats
    edges: Whole
    kinds: Whole


def vocabulary() -> tuple[str, ...]:
    """The tools that are at hand, in order: what a training learns of one by one."""
    return tuple(sorted(known_tools()))


class Encoder:
    """Encodes recipes for one situation; ``names``: the tools that the network learned of."""

    def __init__(self, situation: Situation, names: Sequence[str]) -> None:
        self._situation = situation
        self._number = {name: at + 2 for at, name in enumerate(names)}
        self._known: dict[Step, Floats] = {}

    def encode(self, recipe: Recipe) -> Encoded:
        """A recipe, whole or begun (of at least one step)."""
        pipeline = wire(recipe, len(self._situation.infos), volumes=self._situation.volumes)
        place = {node.id: at for at, node in enumerate(pipeline.nodes)}
        tools = [SOURCE if n.tool == SCAN else self._number.get(n.tool, UNKNOWN)
                 for n in pipeline.nodes]  # fmt: skip
        nodes = [_source() if n.tool == SCAN else self._node(Step(n.tool, n.parameters))
                 for n in pipeline.nodes]  # fmt: skip
        edges = [(place[e.source], place[e.target]) for e in pipeline.edges]
        kinds = [KINDS.index(pipeline.kind_of(e.source)) for e in pipeline.edges]
        return Encoded(
            np.array(tools, np.int64),
            np.stack(nodes),
            np.array(edges, np.int64).reshape(-1, 2).T,
            np.array(kinds, np.int64),
        )

    def _node(self, step: Step) -> Floats:
        found = self._known.get(step)
        if found is None:
            work = _work(step, self._situation)
            found = np.concatenate([[0.0], _card(step.tool), _measured(step.tool),
                                    _settings(step), work]).astype(np.float32)  # fmt: skip
            self._known[step] = found
        return found


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
def _measured(name: str) -> Floats:
    """What of each defect the tool was measured to leave (1: all), and its harm."""
    defects = rules()["defects"]
    left = [rule["left"].get(name, 1.0) for rule in defects.values()]
    left = (left + [1.0] * 9)[:9]
    return np.array([*left, 10 * rules()["harm"].get(name, 0.0)], np.float32)


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
            found[2 * at + 1] = math.copysign(
                math.log10(1e-3 + abs(value / default if known else value)), 1.0
            )
        elif value in parameter.about.choices:
            found[2 * at + 1] = 1 + parameter.about.choices.index(value)
    return found


def _work(step: Step, situation: Situation) -> Floats:
    """Powers of ten of nominal operations and of bytes, for the whole scan."""
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
    return np.array([math.log10(1 + cost.operations) / 10, math.log10(1 + cost.bytes) / 10],
                    np.float32)  # fmt: skip


@lru_cache(maxsize=4)
def encoder(situation: Situation, names: tuple[str, ...]) -> Encoder:
    """The encoder of a situation, kept while a plan is made."""
    return Encoder(situation, names)
