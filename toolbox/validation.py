"""Says everything that keeps a pipeline from running, in words that name the way out."""

from __future__ import annotations

import difflib
import itertools
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from metadata.errors import InputError
from toolbox.card import Port
from toolbox.kinds import DataKind, GreyState
from toolbox.pipeline import SCAN, Edge, Node, Pipeline, Problem, source_kind
from toolbox.registry import known_tools, parameter_problems

SIDE_VALUES = {DataKind.CENTER, DataKind.PROJECTIONS, DataKind.SINOGRAM}


def parse(document: Any) -> Pipeline:
    """The pipeline that a YAML or JSON document describes; one InputError lists what is malformed.

    An edge without ``port`` goes to the one free input that takes the kind of its source.
    """
    if document is None:
        raise InputError(
            "The plan is empty. Expected a mapping with `nodes` and `edges`, as `tomoplan plan … "
            "--out plan.yaml` writes it."
        )
    if not isinstance(document, Mapping):
        raise InputError(
            f"The plan is a {_type(document)}, expected a mapping with `nodes` and `edges`, "
            f"as `tomoplan plan … --out plan.yaml` writes it."
        )
    if "nodes" not in document and isinstance(document.get("pipeline"), Mapping):
        document = document["pipeline"]
    wrong: list[str] = []
    nodes = [_node(item, at, wrong) for at, item in enumerate(_list(document, "nodes", wrong))]
    made = [n for n in nodes if n is not None]
    edges: list[Edge] = []
    for at, item in enumerate(_list(document, "edges", wrong, needed=False)):
        edge = _edge(item, at, wrong)
        if edge is not None:
            edges.append(edge if edge.port else _with_port(edge, made, edges, wrong))
    if wrong:
        raise InputError("The plan cannot be read. " + " ".join(wrong))
    return Pipeline(tuple(made), tuple(edges))


def _list(
    document: Mapping[Any, Any], key: str, wrong: list[str], needed: bool = True
) -> list[Any]:
    value = document.get(key)
    if isinstance(value, list):
        return value
    if value is None and not needed:
        return []
    wrong.append(f"`{key}` is {_type(value)}, expected a list.")
    return []


def _node(item: Any, at: int, wrong: list[str]) -> Node | None:
    if not isinstance(item, Mapping):
        wrong.append(f"Node {at + 1} is {_type(item)}, expected a mapping with id and tool.")
        return None
    tool, name = item.get("tool"), item.get("id", item.get("tool"))
    parameters = item.get("parameters")
    parameters = {} if parameters is None else parameters
    found = len(wrong)
    if not isinstance(tool, str) or not tool:
        wrong.append(f"Node {at + 1} has the tool {tool!r}, expected a tool's name.")
    if not isinstance(name, str) or not name:
        wrong.append(f"Node {at + 1} has the id {name!r}, expected a short text.")
    if not isinstance(parameters, Mapping) or not all(isinstance(k, str) for k in parameters):
        wrong.append(f"Node {at + 1} has {parameters!r} as parameters, expected name: value.")
    if len(wrong) > found or not isinstance(tool, str) or not isinstance(name, str):
        return None
    return Node(name, tool, dict(parameters))


def _edge(item: Any, at: int, wrong: list[str]) -> Edge | None:
    if not isinstance(item, Mapping):
        wrong.append(f"Edge {at + 1} is {_type(item)}, expected source, target and port.")
        return None
    fields = [item.get("source"), item.get("target"), item.get("port") or ""]
    if not all(isinstance(f, str) for f in fields) or not (fields[0] and fields[1]):
        wrong.append(
            f"Edge {at + 1} goes from {fields[0]!r} to {fields[1]!r} at port {item.get('port')!r}, "
            f"expected ids of nodes and the name of an input."
        )
        return None
    return Edge(*(str(f) for f in fields))


def _with_port(edge: Edge, nodes: list[Node], before: list[Edge], wrong: list[str]) -> Edge:
    by_id = {n.id: n for n in nodes}
    target = known_tools().get(by_id[edge.target].tool) if edge.target in by_id else None
    if target is None:
        return edge  # validation says what is wrong with the target
    taken = {e.port for e in before if e.target == edge.target}
    kind = _kind(by_id.get(edge.source))
    fits = [
        name
        for name, port in target.card.inputs.items()
        if name not in taken and (kind is None or port.accepts(kind))
    ]
    if len(fits) > 1 and kind is not None:
        wrong.append(
            f"The edge {edge.source} → {edge.target} could go to any of {', '.join(fits)}: "
            f"say which with `port:`."
        )
    return Edge(edge.source, edge.target, fits[0] if fits else next(iter(target.card.inputs), ""))


def _kind(node: Node | None) -> DataKind | None:
    if node is None:
        return None
    if node.tool == SCAN:
        return source_kind(node)
    known = known_tools().get(node.tool)
    return known.card.output.kind if known else None


def _type(value: Any) -> str:
    if value is None:
        return "missing"
    return {"str": "text", "list": "list", "dict": "mapping"}.get(
        type(value).__name__, type(value).__name__
    )


# ---- problems ----------------------------------------------------------------------------


def problems(pipeline: Pipeline, scans: Sequence[GreyState] = (GreyState.COUNTS,)) -> list[Problem]:
    """Every problem of a pipeline for scans in these grey-value states; never raises.

    >>> [str(p) for p in problems(Pipeline((), ()))]
    ['the pipeline has no steps: begin with a scan node and add tools (`tomoplan tools`).']
    """
    if not pipeline.nodes:
        return [
            Problem(
                "",
                "the pipeline has no steps: begin with a scan node and add tools "
                "(`tomoplan tools`).",
            )
        ]
    found = [*_names(pipeline), *_steps(pipeline), *_edges(pipeline)]
    circle = _cycle(pipeline)
    if circle:
        return [
            *found,
            Problem(
                circle[0],
                f"the steps form a circle: {' → '.join(circle)}; cut one of these "
                f"edges, data must flow one way.",
            ),
        ]
    return [*found, *_inputs(pipeline), *_states(pipeline, scans), *_unused(pipeline)]


def _names(pipeline: Pipeline) -> Iterable[Problem]:
    seen: set[str] = set()
    for node in pipeline.nodes:
        if node.id in seen:
            yield Problem(node.id, "two nodes have this id: give each its own.")
        seen.add(node.id)
    if not any(n.tool == SCAN for n in pipeline.nodes):
        yield Problem(
            "",
            "nothing reads a scan: add a node with the tool `scan` "
            "(parameter index: 0) and an edge from it to the first step.",
        )


def _steps(pipeline: Pipeline) -> Iterable[Problem]:
    known = known_tools()
    for node in pipeline.nodes:
        if node.tool == SCAN:
            index = node.parameters.get("index", 0)
            if isinstance(index, bool) or not isinstance(index, int) or index < 0:
                yield Problem(
                    node.id,
                    f"the scan's index is {index!r}, expected 0 for the first "
                    f"scan, 1 for the second and so on.",
                )
            content = node.parameters.get("content", DataKind.PROJECTIONS)
            if content not in (DataKind.PROJECTIONS, DataKind.VOLUME):
                yield Problem(
                    node.id, f"the scan's content is {content!r}, expected projections or volume."
                )
            extra = sorted(set(node.parameters) - {"index", "content"})
            if extra:
                yield Problem(
                    node.id, f"a scan has no parameter {', '.join(extra)} (it has: index, content)."
                )
        elif node.tool not in known:
            near = difflib.get_close_matches(node.tool, [*known, SCAN], n=3, cutoff=0.5)
            hint = f"did you mean {' or '.join(near)}?" if near else "see `tomoplan tools`."
            yield Problem(node.id, f"there is no tool called {node.tool!r}: {hint}")
        else:
            for text in parameter_problems(known[node.tool], node.parameters):
                yield Problem(node.id, f"{node.tool}: {text}.")


def _edges(pipeline: Pipeline) -> Iterable[Problem]:
    tools = {n.id: n.tool for n in pipeline.nodes}
    known = known_tools()
    taken: set[tuple[str, str]] = set()
    for edge in pipeline.edges:
        for end in (edge.source, edge.target):
            if end not in tools:
                near = difflib.get_close_matches(end, tools, n=1)
                hint = f"did you mean {near[0]}?" if near else "add the node or drop the edge."
                yield Problem(
                    "",
                    f"the edge {edge.source} → {edge.target} names {end!r}, "
                    f"and no node has this id: {hint}",
                )
        if tools.get(edge.target) == SCAN:
            yield Problem(
                edge.target,
                f"a scan takes no input, but {edge.source} leads into it: drop that edge.",
            )
        target = known.get(tools.get(edge.target, ""))
        if target is None:
            continue
        if edge.port not in target.card.inputs:
            yield Problem(
                edge.target,
                f"{target.card.name} has no input {edge.port!r} "
                f"(it has: {', '.join(target.card.inputs) or 'none'}).",
            )
        elif (edge.target, edge.port) in taken:
            yield Problem(edge.target, f"two edges lead into its input {edge.port}: keep one.")
        taken.add((edge.target, edge.port))


def _cycle(pipeline: Pipeline) -> list[str]:
    import networkx as nx

    graph = nx.DiGraph((e.source, e.target) for e in pipeline.edges)
    try:
        circle = nx.find_cycle(graph)
    except nx.NetworkXNoCycle:
        return []
    return [*(edge[0] for edge in circle), circle[0][0]]


def _inputs(pipeline: Pipeline) -> Iterable[Problem]:
    nodes = {n.id: n for n in pipeline.nodes}
    known = known_tools()
    for node in pipeline.nodes:
        cls = known.get(node.tool)
        if cls is None:
            continue
        sources = pipeline.inputs_of(node.id)
        for name, port in cls.card.inputs.items():
            if name not in sources:
                if not port.optional:
                    yield Problem(
                        node.id,
                        f"{node.tool} needs {_port(port)} at its input {name}, "
                        f"and nothing leads there: {_supply(port)}.",
                    )
                continue
            kind = _kind(nodes.get(sources[name]))
            if kind is not None and not port.accepts(kind):
                yield Problem(
                    node.id,
                    f"{node.tool} got {kind} from {sources[name]} at its input "
                    f"{name}, it needs {_port(port)}: {_supply(port, kind)}.",
                )


def _states(pipeline: Pipeline, scans: Sequence[GreyState]) -> Iterable[Problem]:
    known = known_tools()
    nodes = {n.id: n for n in pipeline.nodes}
    states = _flow(pipeline, scans)
    for node in pipeline.nodes:
        cls = known.get(node.tool)
        if cls is None:
            continue
        for name, source in pipeline.inputs_of(node.id).items():
            port, got = cls.card.inputs.get(name), states.get(source)
            kind = _kind(nodes.get(source))
            if port is None or got is None or kind is None or not port.accepts(kind):
                continue
            if port.states and got not in port.states:
                yield Problem(
                    node.id,
                    f"{node.tool} got {kind} in {got} from {source}, it needs "
                    f"{_either(port.states)}: {_supply(port, kind, got)}.",
                )


def _flow(pipeline: Pipeline, scans: Sequence[GreyState]) -> dict[str, GreyState]:
    """The state that each node yields, as far as it can be told."""
    import networkx as nx

    graph = nx.DiGraph()
    graph.add_nodes_from(n.id for n in pipeline.nodes)
    graph.add_edges_from((e.source, e.target) for e in pipeline.edges)
    nodes = {n.id: n for n in pipeline.nodes}
    known = known_tools()
    states: dict[str, GreyState] = {}
    for name in nx.topological_sort(graph):
        node = nodes.get(name)
        if node is None:
            continue
        if node.tool == SCAN:
            index = node.parameters.get("index", 0)
            if isinstance(index, int) and index >= 0 and scans:
                states[name] = scans[min(index, len(scans) - 1)]
        elif node.tool in known:
            card = known[node.tool].card
            sources = pipeline.inputs_of(name)
            first = next((sources[p] for p in card.inputs if p in sources), None)
            if card.output.states:
                states[name] = next(iter(card.output.states))
            elif card.output.kind.is_stack and first in states:
                states[name] = states[first]
    return states


def _unused(pipeline: Pipeline) -> Iterable[Problem]:
    tools = {n.id: n.tool for n in pipeline.nodes}
    used = {e.source for e in pipeline.edges}
    kinds = {n.id: _kind(n) for n in pipeline.nodes}
    goal = any(kinds[n] not in SIDE_VALUES for n in tools if n not in used)
    for name, tool in tools.items():
        if name in used:
            continue
        kind = kinds[name]
        if tool == SCAN and len(tools) > 1:
            yield Problem(name, "nothing uses this scan: lead it into a step or drop it.")
        elif goal and tool != SCAN and kind in SIDE_VALUES:
            takers = [
                n
                for n, t in tools.items()
                if t != SCAN
                and t in known_tools()
                and any(p.accepts(kind) for p in known_tools()[t].card.inputs.values())
            ]
            hint = f"lead it into {' or '.join(takers[:3])}" if takers else "give it a use"
            yield Problem(name, f"nothing uses the {kind} that {tool} yields: {hint}, or drop it.")


def _port(port: Port) -> str:
    return f"{port.kind} in {_either(port.states)}" if port.states else str(port.kind)


def _either(states: Iterable[GreyState]) -> str:
    order = list(GreyState)
    return " or ".join(s for s in order if s in set(states))


def _supply(port: Port, kind: DataKind | None = None, state: GreyState | None = None) -> str:
    """Which tools yield what a port needs, best those that take what is there."""
    fitting: list[str] = []
    others: list[str] = []
    for name, cls in known_tools().items():
        card = cls.card
        made = card.output.states or (
            frozenset() if card.output.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM) else None
        )
        if not port.accepts(card.output.kind):
            continue
        if port.states and made is not None and not (made & port.states):
            continue
        if state is not None and not card.output.states:
            continue  # keeps the state, so it would not help
        takes = kind is not None and any(
            p.accepts(kind) and (state is None or not p.states or state in p.states)
            for p in card.inputs.values()
        )
        (fitting if takes else others).append(name)
    if kind is not None and state is not None and not fitting:
        chain = _chain(port, kind, state)
        if chain:
            return f"put {' and then '.join(chain)} before it"
        return (
            f"no tool turns {state} back into that, so drop this step or lead into it what "
            f"there was before {state} was reached"
        )
    names = (fitting or others)[:4]
    if names:
        return f"put {' or '.join(names)} before it"
    if port.kind in (DataKind.PROJECTIONS, DataKind.SINOGRAM):
        return "lead a scan into it"
    return "no installed tool supplies it"


def _chain(port: Port, kind: DataKind, state: GreyState) -> tuple[str, ...]:
    """The fewest steps that lead one after the other from what is there to what a port needs, each
    as the tools that do it; none where no tools do."""
    makers: dict[tuple[GreyState, GreyState], list[str]] = {}
    for name, cls in known_tools().items():
        needed = [p for p in cls.card.inputs.values() if not p.optional]
        if len(needed) == 1 and needed[0].accepts(kind) and port.accepts(cls.card.output.kind):
            for states in itertools.product(needed[0].states, cls.card.output.states):
                makers.setdefault(states, []).append(name)
    ways: list[tuple[GreyState, ...]] = [(state,)]
    for way in ways:  # grows while it is gone through: the shortest come first
        if way[-1] in port.states:
            return tuple(" or ".join(makers[pair][:4]) for pair in itertools.pairwise(way))
        made = sorted(to for at, to in makers if at == way[-1])
        ways += [(*way, to) for to in made if all(to not in w for w in ways)]
    return ()
