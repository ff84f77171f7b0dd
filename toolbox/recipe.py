"""Recipes: steps in order, wired into a pipeline by the kinds of their ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from toolbox.kinds import DataKind, Stage
from toolbox.pipeline import SCAN, Edge, Node, Pipeline
from toolbox.registry import known_tools

FRAMES = (DataKind.PROJECTIONS, DataKind.SINOGRAM)


@dataclass(frozen=True)
class Step:
    """A tool with the parameters that differ from their defaults."""

    tool: str
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)


Recipe = tuple[Step, ...]


def wire(recipe: Sequence[Step], scans: int = 1) -> Pipeline:
    """The pipeline of a recipe: every input port takes the latest output of its kind.

    With several scans, the steps before the first one that joins two stacks are done for each.
    """
    nodes: list[Node] = []
    edges: list[Edge] = []
    recipe = list(recipe)
    joint = next((i for i, s in enumerate(recipe) if joins(s)), len(recipe) if scans == 1 else 0)
    ends = []
    for index in range(scans):
        source = SCAN if scans == 1 else f"{SCAN}_{index + 1}"
        nodes.append(Node(source, SCAN, {"index": index}))
        latest = {DataKind.PROJECTIONS: source}
        for step in recipe[:joint]:
            _add(step, nodes, edges, latest)
        ends.append(latest[DataKind.PROJECTIONS])
    latest = {DataKind.PROJECTIONS: ends[0]}
    rest = recipe[joint:]
    if scans > 1:
        if not rest:
            raise ValueError("a recipe for several scans needs a step that joins them")
        join, rest = rest[0], rest[1:]
        first, second = _stack_ports(join)
        for other in ends[1:]:
            name = _fresh(join.tool, nodes)
            nodes.append(Node(name, join.tool, dict(join.parameters)))
            edges += [Edge(latest[DataKind.PROJECTIONS], name, first), Edge(other, name, second)]
            latest[DataKind.PROJECTIONS] = name
    for step in rest:
        _add(step, nodes, edges, latest)
    return Pipeline(tuple(nodes), tuple(edges))


def _add(step: Step, nodes: list[Node], edges: list[Edge], latest: dict[DataKind, str]) -> None:
    name = _fresh(step.tool, nodes)
    known = known_tools().get(step.tool)
    if known is None:  # left for `validate` to name
        nodes.append(Node(name, step.tool, dict(step.parameters)))
        edges.append(Edge(latest[DataKind.PROJECTIONS], name, "input"))
        return
    card = known.card
    nodes.append(Node(name, step.tool, dict(step.parameters)))
    for port_name, port in card.inputs.items():
        kind = DataKind.PROJECTIONS if port.kind in FRAMES else port.kind
        if kind in latest:
            edges.append(Edge(latest[kind], name, port_name))
    output = card.output.kind
    latest[DataKind.PROJECTIONS if output in FRAMES else output] = name
    if card.stage in (Stage.STITCH, Stage.ALIGN) and output in FRAMES:
        # What was measured on the stack as it was no longer holds once it is moved or merged.
        latest.pop(DataKind.CENTER, None)
        latest.pop(DataKind.SHIFTS, None)


def _stack_ports(step: Step) -> list[str]:
    known = known_tools().get(step.tool)
    inputs = known.card.inputs if known else {}
    return [name for name, port in inputs.items() if port.kind in FRAMES and not port.optional]


def joins(step: Step) -> bool:
    """Whether a step takes two stacks of projections."""
    return len(_stack_ports(step)) > 1


def _fresh(tool: str, nodes: Sequence[Node]) -> str:
    taken = {n.id for n in nodes}
    name, count = tool, 2
    while name in taken:
        name, count = f"{tool}_{count}", count + 1
    return name
