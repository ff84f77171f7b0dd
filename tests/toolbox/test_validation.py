"""Every problem is said, in words that help; nothing malformed gets past."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.errors import InputError
from toolbox.kinds import GreyState
from toolbox.pipeline import SCAN, Edge, Node, Pipeline
from toolbox.registry import known_tools
from toolbox.validation import parse

GOOD: dict[str, Any] = {
    "nodes": [
        {"id": "scan", "tool": "scan", "parameters": {"index": 0}},
        {"id": "flat", "tool": "flat_field"},
        {"id": "log", "tool": "minus_log", "parameters": {"floor": 1e-5}},
        {"id": "axis", "tool": "known_center", "parameters": {"column": 10.0}},
        {"id": "fbp", "tool": "fbp"},
    ],
    "edges": [
        {"source": "scan", "target": "flat"},
        {"source": "flat", "target": "log", "port": "projections"},
        {"source": "log", "target": "axis"},
        {"source": "log", "target": "fbp"},
        {"source": "axis", "target": "fbp"},
    ],
}


def said(pipeline: Pipeline, state: GreyState = GreyState.COUNTS) -> str:
    return "\n".join(str(p) for p in pipeline.validate([state]))


def changed(**changes: Any) -> Pipeline:
    """The good pipeline with nodes or edges by position replaced (None: dropped), or more."""
    document = {k: [dict(i) for i in v] for k, v in GOOD.items()}
    for key, value in changes.items():
        part, _, at = key.partition("_")
        if at == "more":
            document[part].append(value)
        elif value is None:
            document[part][int(at)] = None  # type: ignore[call-overload]
        else:
            document[part][int(at)] |= value
    return parse({k: [i for i in v if i is not None] for k, v in document.items()})


def test_a_good_pipeline_has_no_problem() -> None:
    pipeline = parse(GOOD)
    assert pipeline.validate() == []
    assert pipeline.inputs_of("fbp") == {"sinogram": "log", "center": "axis"}


@pytest.mark.parametrize(
    ("changes", "texts"),
    [
        ({"nodes_1": {"tool": "flat_feild"}}, ["flat: there is no tool called 'flat_feild'",
                                               "did you mean flat_field"]),
        ({"nodes_2": {"parameters": {"flor": 1}}}, ["no parameter 'flor' (it has: floor)"]),
        ({"nodes_2": {"parameters": {"floor": 3}}}, ["log: minus_log: floor is 3", "at most 0.5"]),
        ({"nodes_2": {"parameters": {"floor": float("inf")}}}, ["expected a finite number"]),
        ({"nodes_2": {"id": "flat"}}, ["flat: two nodes have this id"]),
        ({"nodes_3": None}, ["the edge log → axis names 'axis', and no node has this id"]),
        ({"edges_4": None}, ["fbp needs center at its input center, and nothing leads there",
                             "known_center"]),
        ({"edges_1": None}, ["log: minus_log needs projections in transmission",
                             "flat_field"]),
        ({"edges_3": {"source": "axis", "port": "sinogram"}},
         ["fbp got center from axis at its input sinogram, it needs sinogram in attenuation"]),
        ({"edges_more": {"source": "scan", "target": "fbp", "port": "volume"}},
         ["fbp has no input 'volume' (it has: sinogram, center)"]),
        ({"edges_more": {"source": "flat", "target": "log", "port": "projections"}},
         ["log: two edges lead into its input projections"]),
        ({"edges_more": {"source": "log", "target": "scan", "port": "x"}},
         ["scan: a scan takes no input"]),
        ({"edges_0": {"source": "log", "port": "projections"}},
         ["form a circle", "log → flat → log"]),
        ({"nodes_0": {"parameters": {"index": -1}}}, ["the scan's index is -1"]),
        ({"nodes_0": {"parameters": {"row": 1}}}, ["a scan has no parameter row"]),
        ({"nodes_0": {"tool": "minus_log"}}, ["nothing reads a scan"]),
        ({"nodes_more": {"id": "second", "tool": "scan", "parameters": {"index": 1}}},
         ["second: nothing uses this scan"]),
        ({"nodes_more": {"id": "log2", "tool": "minus_log"},
          "edges_more": {"source": "flat", "target": "log2"}},
         ["log2: nothing uses the projections that minus_log yields"]),
        ({"edges_2": {"source": "scan"}, "edges_3": {"source": "flat"}},
         ["fbp got projections in transmission from flat", "attenuation or phase", "minus_log"]),
    ],
)  # fmt: skip
def test_one_thing_wrong(changes: dict[str, Any], texts: list[str]) -> None:
    told = said(changed(**changes))
    for text in texts:
        assert text in told


def test_what_takes_two_steps_to_supply_is_named() -> None:
    told = said(Pipeline.chain(["fbp"], center="center_consensus"), GreyState.COUNTS)
    assert "flat_field" in told
    assert "and then minus_log before it" in told
    assert "no tool turns" not in told


def test_log_twice_does_not_validate() -> None:
    pipeline = Pipeline(
        (Node("scan", SCAN), Node("a", "minus_log"), Node("b", "minus_log")),
        (Edge("scan", "a", "projections"), Edge("a", "b", "projections")),
    )
    told = said(pipeline, GreyState.TRANSMISSION)
    assert told.startswith("b: minus_log got projections in attenuation from a, it needs trans")
    assert "drop this step" in told


def test_all_problems_come_at_once() -> None:
    pipeline = changed(
        nodes_1={"tool": "flat_feild"}, nodes_2={"parameters": {"floor": 9}}, edges_4=None
    )
    assert len(pipeline.validate()) == 4  # the axis has no use any more, either
    with pytest.raises(InputError, match=r"flat_feild.*floor is 9.*nothing leads there"):
        pipeline.require_valid()


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("nodes: [", "not readable YAML near line 1"),
        ("- a\n- b", "The plan is a list, expected a mapping"),
        ("", "The plan is empty. Expected a mapping"),
        ("edges: []", "`nodes` is missing, expected a list"),
        ("nodes: 3", "`nodes` is int, expected a list"),
        ("nodes: [3]", "Node 1 is int, expected a mapping"),
        ("nodes: [{tool: [1]}]", "Node 1 has the tool"),
        ("nodes: [{id: 1, tool: scan}]", "Node 1 has the id 1"),
        ("nodes: [{tool: scan, parameters: [1]}]", "as parameters"),
        ("nodes: [{tool: scan}]\nedges: [{source: scan}]", "Edge 1 goes from 'scan' to None"),
        ("nodes: [{tool: scan}]\nedges: [scan]", "Edge 1 is text"),
    ],
)
def test_plans_that_cannot_be_read(text: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        Pipeline.from_yaml(text)
    assert told in str(caught.value)


def test_round_trips() -> None:
    pipeline = parse(GOOD)
    assert Pipeline.from_yaml(pipeline.to_yaml()) == pipeline
    assert Pipeline.from_json(pipeline.to_json()) == pipeline
    assert parse({"pipeline": pipeline.to_json(), "predicted": {}}) == pipeline
    assert Pipeline.from_yaml(pipeline.to_yaml()).fingerprint() == pipeline.fingerprint()


plain = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5)
anything = st.recursive(
    plain, lambda v: st.lists(v, max_size=3) | st.dictionaries(st.text(max_size=5), v, max_size=3),
    max_leaves=8,
)  # fmt: skip
names = st.sampled_from(["a", "b", "c", "d", "scan"])
tools = st.sampled_from([*known_tools(), SCAN, SCAN, "fpb"])
ports = st.sampled_from(["projections", "sinogram", "center", "volume", "nothing"])
parameters = st.dictionaries(
    st.sampled_from(["index", "floor", "strength", "size", "column", "filter"]), plain, max_size=2
)
graphs = st.builds(
    Pipeline,
    st.lists(st.builds(Node, names, tools, parameters), max_size=6).map(tuple),
    st.lists(st.builds(Edge, names, names, ports), max_size=8).map(tuple),
)


@settings(max_examples=60, deadline=None)
@given(anything)
def test_any_document_is_read_or_refused(document: Any) -> None:
    for given_ in (document, {"nodes": document}, {"nodes": [document], "edges": [document]}):
        try:
            pipeline = parse(given_)
        except InputError:
            continue
        assert isinstance(pipeline.validate(), list)


@settings(max_examples=120, deadline=None)
@given(graphs, st.sampled_from(list(GreyState)))
def test_any_graph_is_judged(pipeline: Pipeline, state: GreyState) -> None:
    found = pipeline.validate([state])
    for problem in found:
        assert problem.message.endswith((".", "?"))
    if found:
        with pytest.raises(InputError):
            pipeline.require_valid([state])
    else:  # what is valid can be ordered, planned and written
        from toolbox.execution import plan_passes

        done = [n for p in plan_passes(pipeline) for n in p.nodes]
        assert len(done) == len(set(done))
        assert Pipeline.from_yaml(pipeline.to_yaml()).to_json() == pipeline.to_json()
