"""Pipelines as graphs: the same wiring, the same rules, quickly."""

from __future__ import annotations

import numpy as np
import pytest

from planner.grammar import recipes
from planner.graph_network.encoding import KINDS, NODE, RESPONSES, RULES, Encoder, vocabulary
from planner.graph_network.rehearsal import NOTHING, RESPONSE, Rehearsal
from planner.scoring import RuleScorer
from planner.task import Condition, Goal, Intent, Task
from tests.planner.situations import situation
from toolbox.pipeline import SCAN
from toolbox.recipe import Recipe, Step, wire

ASKED = situation(
    Task(Intent.PLAN, (Goal.SEGMENT,), conditions=(Condition.JITTER,)), rings=12.0, noise=0.2,
    zingers=1e-3, jitter=1.5,
)  # fmt: skip
SOME: list[Recipe] = list(recipes(ASKED))[::991][:40]


def test_edges_are_those_of_the_pipeline() -> None:
    found = Encoder(ASKED, vocabulary()).encode(SOME)
    for at, recipe in enumerate(SOME):
        pipeline = wire(recipe, 1)
        place = {n.id: i for i, n in enumerate(pipeline.nodes)}
        wanted = {(place[e.source], place[e.target], pipeline.kind_of(e.source))
                  for e in pipeline.edges}  # fmt: skip
        here = np.flatnonzero(found["graph"] == at)
        mine = np.isin(found["edges"][0], here)
        assert {
            (int(a - here[0]), int(b - here[0]), KINDS[k])
            for a, b, k in zip(*found["edges"][:, mine], found["kinds"][mine], strict=True)
        } == wanted
        tools = [n.tool for n in pipeline.nodes]
        assert tools[0] == SCAN
        assert len(here) == len(tools)


def test_what_the_rules_say_is_what_the_scorer_says() -> None:
    found = Encoder(ASKED, vocabulary()).encode(SOME)["rules"]
    scorer = RuleScorer()
    assert found.shape == (len(SOME), RULES)
    for recipe, row in zip(SOME, found, strict=True):
        assert row[-1] == pytest.approx(scorer.quality(recipe, ASKED).value, abs=1e-5)
        losses = scorer.losses(recipe, ASKED).values()
        np.testing.assert_allclose(row[: len(losses)], list(losses), atol=1e-5)


def test_settings_and_tries_change_a_node() -> None:
    tried = np.arange(RESPONSE, dtype=np.float32) + 1
    rehearsal = Rehearsal({"fbp": ((Step("fbp"), tried),)}, NOTHING.slice)
    encoder = Encoder(ASKED, vocabulary(), rehearsal)
    before = (Step("flat_field"), Step("minus_log"), Step("center_consensus"))
    plain, hann = (*before, Step("fbp")), (*before, Step("fbp", {"filter": "hann"}))
    nodes = encoder.encode([plain, hann])["nodes"]
    assert nodes.shape[1] == NODE
    assert not np.array_equal(nodes[4], nodes[9])
    np.testing.assert_array_equal(nodes[4, RESPONSES], tried)
    np.testing.assert_array_equal(nodes[9, RESPONSES], tried)
    np.testing.assert_array_equal(nodes[3, RESPONSES], 0)


def test_an_unknown_tool_is_judged_by_its_card() -> None:
    recipe = (Step("flat_field"), Step("minus_log"))
    known, unknown = (Encoder(ASKED, names).encode([recipe])
                      for names in (vocabulary(), ("minus_log",)))  # fmt: skip
    np.testing.assert_array_equal(known["nodes"], unknown["nodes"])
    assert known["tools"][1] > 1
    assert unknown["tools"][1] == 0
