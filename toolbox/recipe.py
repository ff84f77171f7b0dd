"""Recipes: steps in order, wired into a pipeline by the kinds of their ports."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

from toolbox.kinds import DataKind, Stage
from toolbox.pipeline import SCAN, Edge, Node, Pipeline
from toolbox.registry import known_tools

FRAMES = (DataKind.PROJECTIONS, DataKind.SINOGRAM)
MOVED = "moved"  # the port that takes what comes of the second of two scans


@dataclass(frozen=True)
class Step:
    """A tool with the parameters that differ from their defaults."""

    tool: str
    parameters: dict[str, Any] = field(default_factory=dict, hash=False)


Recipe = tuple[Step, ...]


Lane = dict[DataKind, str]  # the latest node of each kind, on the way of one scan


def wire(recipe: Sequence[Step], scans: int = 1, *, volumes: bool = False) -> Pipeline:
    """The pipeline of a recipe: every input port takes the latest output of its kind.

    With several scans, the steps before the first one that joins their stacks are done for each.
    A step that makes one stack of two is chained; any other that joins gets the first scan at its
    first stack port, the second at the second and so on. Of the steps after it, ports called
    ``moved`` take what comes of the second scan, the others what comes of the first. ``volumes``:
    the files hold slices already.
    """
    nodes: list[Node] = []
    edges: list[Edge] = []
    recipe = list(recipe)
    joint = next((i for i, s in enumerate(recipe) if joins(s)), len(recipe) if scans == 1 else 0)
    lanes: list[Lane] = []
    for index in range(scans):
        source = SCAN if scans == 1 else f"{SCAN}_{index + 1}"
        about: dict[str, Any] = {"index": index}
        nodes.append(Node(source, SCAN, about | {"content": "volume"} if volumes else about))
        lanes.append({DataKind.VOLUME if volumes else DataKind.PROJECTIONS: source})
        for step in recipe[:joint]:
            _add(step, nodes, edges, lanes[-1:])
    rest = recipe[joint:]
    if scans > 1:
        if not rest:
            raise ValueError("a recipe for several scans needs a step that joins them")
        _join(rest[0], nodes, edges, lanes)
        rest = rest[1:]
    for step in rest:
        _add(step, nodes, edges, lanes)
    return Pipeline(tuple(nodes), tuple(edges))


def _join(step: Step, nodes: list[Node], edges: list[Edge], lanes: list[Lane]) -> None:
    """Put the step that brings the scans together; a chain of it where it makes one of two."""
    card = known_tools()[step.tool].card
    ports = stack_ports(step, optional=True)
    kind = _lane_kind(card.inputs[ports[0]].kind)
    ends = [lane[kind] for lane in lanes if kind in lane]
    if card.output.kind not in FRAMES:
        name = _fresh(step.tool, nodes)
        nodes.append(Node(name, step.tool, dict(step.parameters)))
        edges += [Edge(end, name, port) for end, port in zip(ends, ports, strict=False)]
        lanes[0][_lane_kind(card.output.kind)] = name
        return
    for other in ends[1:]:
        name = _fresh(step.tool, nodes)
        nodes.append(Node(name, step.tool, dict(step.parameters)))
        edges += [Edge(ends[0], name, ports[0]), Edge(other, name, ports[1])]
        ends[0] = name
    lanes[:] = [{kind: ends[0]}]


def _add(step: Step, nodes: list[Node], edges: list[Edge], lanes: list[Lane]) -> None:
    name, latest = _fresh(step.tool, nodes), lanes[0]
    known = known_tools().get(step.tool)
    nodes.append(Node(name, step.tool, dict(step.parameters)))
    if known is None:  # left for `validate` to name
        edges.append(Edge(next(iter(latest.values())), name, "input"))
        return
    card = known.card
    moves = MOVED in card.inputs
    each = stack_ports(step, optional=True) if joins(step) and len(lanes) > 1 else []
    for port_name, port in card.inputs.items():
        index = each.index(port_name) if port_name in each else int(port_name == MOVED)
        lane = lanes[index] if index < len(lanes) else {}
        kind = _lane_kind(port.kind)
        if kind in lane:
            edges.append(Edge(lane[kind], name, port_name))
    output = card.output.kind
    if moves and output.is_stack and len(lanes) > 1:
        latest = lanes[1]
    latest[_lane_kind(output)] = name
    if card.stage in (Stage.STITCH, Stage.ALIGN) and output in FRAMES:
        # What was measured on the stack as it was no longer holds once it is moved or merged.
        latest.pop(DataKind.CENTER, None)
        latest.pop(DataKind.SHIFTS, None)


def _lane_kind(kind: DataKind) -> DataKind:
    return DataKind.PROJECTIONS if kind in FRAMES else kind


def stack_ports(step: Step, optional: bool = False) -> list[str]:
    """The ports of a step that take projections or volumes."""
    known = known_tools().get(step.tool)
    inputs = known.card.inputs if known else {}
    kinds = (*FRAMES, DataKind.VOLUME)
    return [n for n, p in inputs.items() if p.kind in kinds and (optional or not p.optional)]


def joins(step: Step) -> bool:
    """Whether a step takes two stacks of projections, or two volumes."""
    return len(stack_ports(step)) > 1


def _fresh(tool: str, nodes: Sequence[Node]) -> str:
    taken = {n.id for n in nodes}
    name, count = tool, 2
    while name in taken:
        name, count = f"{tool}_{count}", count + 1
    return name
