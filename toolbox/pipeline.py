"""An immutable typed graph of tools."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from metadata.errors import InputError
from toolbox.kinds import DataKind, GreyState
from toolbox.registry import known_tools, make_tool, parameter_problems
from toolbox.tool import Tool

SCAN = "scan"  # the name of source nodes; parameter `index` counts the scans given to a run,
# `content: volume` says that it holds slices already


@dataclass(frozen=True)
class Node:
    """One step: a tool by name with the parameters that differ from their defaults."""

    id: str
    tool: str
    parameters: dict[str, Any] = field(default_factory=dict)


def source_kind(node: Node) -> DataKind:
    """What a source node yields."""
    volume = node.parameters.get("content") == DataKind.VOLUME
    return DataKind.VOLUME if volume else DataKind.PROJECTIONS


@dataclass(frozen=True)
class Edge:
    """The output of ``source`` goes into the input ``port`` of ``target``."""

    source: str
    target: str
    port: str


@dataclass(frozen=True)
class Problem:
    """Why a pipeline is not valid: the step, and a sentence that says what would help."""

    node: str
    message: str

    def __str__(self) -> str:
        return f"{self.node}: {self.message}" if self.node else self.message


@dataclass(frozen=True)
class Pipeline:
    """Steps and edges. Make one with :meth:`chain` or from YAML; check it with :meth:`validate`.

    >>> p = Pipeline.chain(["flat_field", "minus_log", ("stripe_fourier", {}), "fbp"],
    ...                    center=("known_center", {"column": 296.0}))
    >>> p.validate()
    []
    """

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @classmethod
    def chain(
        cls,
        steps: Sequence[str | tuple[str, dict[str, Any]]],
        center: str | tuple[str, dict[str, Any]] | None = None,
    ) -> Pipeline:
        """A pipeline along one line from one scan. Each step takes the step before it; a step
        with a ``center`` port also takes the ``center`` tool, which looks at that same data."""
        from toolbox.recipe import Step, wire

        def step(given: str | tuple[str, dict[str, Any]]) -> Step:
            return Step(given) if isinstance(given, str) else Step(*given)

        recipe = [step(s) for s in steps]
        if center is not None:
            needs = (
                i
                for i, s in enumerate(recipe)
                if s.tool in known_tools() and "center" in known_tools()[s.tool].card.inputs
            )
            recipe.insert(next(needs, len(recipe)), step(center))
        return wire(recipe)

    # ---- looking -------------------------------------------------------------------------

    def node(self, name: str) -> Node:
        """The node with this id."""
        return next(n for n in self.nodes if n.id == name)

    def inputs_of(self, name: str) -> dict[str, str]:
        """Input port → node that feeds it."""
        return {e.port: e.source for e in self.edges if e.target == name}

    def consumers_of(self, name: str) -> list[Edge]:
        """The edges that leave a node."""
        return [e for e in self.edges if e.source == name]

    def tool(self, name: str) -> Tool:
        """The tool of a node, made with its parameters."""
        node = self.node(name)
        return make_tool(node.tool, node.parameters)

    def kind_of(self, name: str) -> DataKind:
        """What a node yields."""
        node = self.node(name)
        return source_kind(node) if node.tool == SCAN else known_tools()[node.tool].card.output.kind

    @cached_property
    def order(self) -> tuple[str, ...]:
        """Node ids, each after what it needs (valid pipelines only)."""
        import networkx as nx

        graph = nx.DiGraph()
        graph.add_nodes_from(n.id for n in self.nodes)
        graph.add_edges_from((e.source, e.target) for e in self.edges)
        position = {n.id: i for i, n in enumerate(self.nodes)}
        return tuple(nx.lexicographical_topological_sort(graph, key=position.__getitem__))

    @property
    def scans(self) -> int:
        """How many scans a run needs."""
        return 1 + max(
            (int(n.parameters.get("index", 0)) for n in self.nodes if n.tool == SCAN), default=-1
        )

    def states(self, scans: Sequence[GreyState] = (GreyState.COUNTS,)) -> dict[str, GreyState]:
        """The grey-value state that each node of a valid pipeline yields."""
        found: dict[str, GreyState] = {}
        for name in self.order:
            node = self.node(name)
            if node.tool == SCAN:
                index = int(node.parameters.get("index", 0))
                found[name] = scans[min(index, len(scans) - 1)]
                continue
            card = known_tools()[node.tool].card
            if card.output.states:
                found[name] = next(iter(card.output.states))
            else:
                sources = self.inputs_of(name)
                first = next((sources[p] for p in card.inputs if p in sources), None)
                if first in found:
                    found[name] = found[first]
        return found

    # ---- checking ------------------------------------------------------------------------

    def validate(self, scans: Sequence[GreyState] = (GreyState.COUNTS,)) -> list[Problem]:
        """Every problem at once; an empty list means that the pipeline can run on scans whose
        values are in these states."""
        from toolbox.validation import problems

        return problems(self, scans)

    def require_valid(self, scans: Sequence[GreyState] = (GreyState.COUNTS,)) -> None:
        """Raise one error that lists every problem."""
        found = self.validate(scans)
        if found:
            raise InputError("The pipeline cannot run. " + " ".join(f"{p}" for p in found))

    # ---- writing -------------------------------------------------------------------------

    def to_json(self) -> dict[str, Any]:
        """Nodes and edges; ``kind`` of an edge is said for readers and not read back."""
        return {
            "nodes": [{"id": n.id, "tool": n.tool, "parameters": n.parameters} for n in self.nodes],
            "edges": [
                {
                    "source": e.source,
                    "target": e.target,
                    "kind": self.kind_of(e.source).value,
                    "port": e.port,
                }
                for e in self.edges
            ],
        }

    @classmethod
    def from_json(cls, document: Any) -> Pipeline:
        """The pipeline that a document describes; raises InputError on anything malformed."""
        from toolbox.validation import parse

        return parse(document)

    def to_yaml(self) -> str:
        """The same as YAML, as ``tomoplan run`` reads it."""
        import yaml

        return yaml.safe_dump(self.to_json(), sort_keys=False, allow_unicode=True)

    @classmethod
    def from_yaml(cls, text: str) -> Pipeline:
        """The pipeline in a YAML text; raises InputError on anything malformed."""
        import yaml

        try:
            document = yaml.safe_load(text)
        except yaml.YAMLError as error:
            place = getattr(error, "problem_mark", None)
            where = f" near line {place.line + 1}" if place else ""
            raise InputError(
                f"The plan is not readable YAML{where}. Expected a mapping with `nodes` and "
                f"`edges`, as `tomoplan plan … --out plan.yaml` writes it."
            ) from None
        return cls.from_json(document)

    @classmethod
    def load(cls, path: str | Path) -> Pipeline:
        """The pipeline in a YAML file."""
        try:
            text = Path(path).read_text(encoding="utf-8")
        except UnicodeDecodeError:
            raise InputError(
                f"The plan {path} is no text (UTF-8). Expected YAML, as `tomoplan plan … --out "
                f"plan.yaml` writes it."
            ) from None
        except OSError as error:
            raise InputError(
                f"The plan {path} cannot be read ({error.strerror}). Expected a YAML file; check "
                f"its spelling, or write one with `tomoplan plan … --out plan.yaml`."
            ) from None
        return cls.from_yaml(text)

    def fingerprint(self) -> str:
        """A short name that changes with any step or parameter."""
        import hashlib

        text = json.dumps(self.to_json(), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:16]

    def draw(self, path: str | Path) -> None:
        """The graph as a picture; SVG, PNG or PDF by the file's ending."""
        from toolbox.drawing import draw_pipeline

        draw_pipeline(self, path)

    def _repr_svg_(self) -> str:
        from toolbox.drawing import pipeline_svg

        return pipeline_svg(self)


__all__ = ["SCAN", "Edge", "Node", "Pipeline", "Problem", "parameter_problems"]
