"""Which tool calls a node of a tree stands for, and whose results they take."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

from simulators.outcomes.tree import Tree
from toolbox.kinds import DataKind
from toolbox.pipeline import Pipeline
from toolbox.recipe import FRAMES, joins, wire
from toolbox.registry import known_tools

Place = tuple[int, int]  # node of the tree (−1: a scan) and which of its calls (which scan)


@dataclass(frozen=True)
class Call:
    """One call of a node's tool: input port → whose result it takes."""

    inputs: Mapping[str, Place]


def calls_of(tree: Tree, scans: int) -> tuple[tuple[Call, ...], ...]:
    """The calls of each node: one, or one for each scan before the step that joins them.

    The wiring is that of :func:`toolbox.recipe.wire`, so a tree gives what its pipelines give.
    """
    ends = tree.ends_below()
    found: dict[int, tuple[Call, ...]] = {}
    for node in range(len(tree)):
        if node in found:
            continue
        path = tree.path(ends[node])
        recipe = tree.recipe(ends[node])
        pipeline = wire(recipe, scans)
        joint = next((i for i, s in enumerate(recipe) if joins(s)), len(recipe))
        places = _places(pipeline, path, scans, joint if scans > 1 else len(recipe))
        for place in places.values():
            if place[0] >= 0 and place[0] not in found:
                names = [n for n, p in places.items() if p[0] == place[0]]
                inputs = [pipeline.inputs_of(n) for n in names]
                found[place[0]] = tuple(
                    Call({port: places[s] for port, s in given.items()}) for given in inputs
                )
    return tuple(found[node] for node in range(len(tree)))


def _places(pipeline: Pipeline, path: tuple[int, ...], scans: int, joint: int) -> dict[str, Place]:
    """Pipeline node → place in the tree, by the order in which ``wire`` makes nodes."""
    names = [n.id for n in pipeline.nodes]
    places: dict[str, Place] = {}
    at = 0
    for scan in range(scans):
        places[names[at]] = (-1, scan)
        for depth in range(joint):
            places[names[at + 1 + depth]] = (path[depth], scan)
        at += 1 + joint
    for depth in range(joint, len(path)):
        card = known_tools()[pipeline.node(names[at]).tool].card
        chained = depth == joint and scans > 2 and card.output.kind in FRAMES
        for copy in range(scans - 1 if chained else 1):
            places[names[at]] = (path[depth], copy)
            at += 1
    return places


def kind_of(tree: Tree, node: int) -> DataKind:
    """What a node yields."""
    return known_tools()[tree.steps[node].tool].card.output.kind
