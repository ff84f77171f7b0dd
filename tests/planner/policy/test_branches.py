"""That only what was executed is offered, and what was measured is the reward."""

from __future__ import annotations

import dataclasses
import math

import numpy as np
import pytest

from planner.outcomes.reward import rewards
from planner.policy.actions import Actions, Resource
from planner.policy.branches import State
from planner.policy.lessons import lesson, together
from planner.policy.resources import Resources, drawn
from planner.task import Priority
from tests.planner.policy.trees import ACTIONS, RECIPES, branches

PLAIN = Resources()


def test_every_way_through_the_offers_is_an_executed_pipeline(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    here = branches(monkeypatch)
    ended: list[int] = []

    def walk(state: State) -> None:
        for after in here.offered(state, PLAIN).values():
            if after.resource is not None:
                ended.append(after.node)
            else:
                walk(after)

    walk(State())
    assert sorted(ended) == sorted(map(int, here.scan.complete))
    assert {here.recipe(n) for n in ended} == set(RECIPES)


def test_a_tool_with_levels_is_set_and_one_without_is_not(monkeypatch: pytest.MonkeyPatch) -> None:
    here = branches(monkeypatch)
    state = State()
    for tool in ("flat_field", "minus_log", "center_consensus"):
        after = here.offered(state, PLAIN)
        assert list(after) == [ACTIONS.tool(tool)]
        state = after[next(iter(after))]
        assert state.pending is None
    offered = here.offered(state, PLAIN)
    fbp = offered[ACTIONS.tool("fbp") or 0]
    assert fbp.pending == "fbp"
    assert set(here.offered(fbp, PLAIN)) == {ACTIONS.level(0), ACTIONS.level(2)}
    assert ACTIONS.stop not in offered
    assert here.forward(State(), PLAIN) == state  # up to here there was nothing to choose


def test_the_reward_is_that_of_the_tables(monkeypatch: pytest.MonkeyPatch) -> None:
    for priority in Priority:
        here = branches(monkeypatch, priority)
        worth = here.worth(PLAIN)
        known = worth.rewards[Resource.FREE_CORES][here.scan.complete]
        assert known == pytest.approx(rewards(here.scan), abs=1e-6)


def test_cores_share_slabs_and_waits_count(monkeypatch: pytest.MonkeyPatch) -> None:
    here = branches(monkeypatch)
    node = here.scan.complete[-1]
    alone = here.worth(PLAIN).seconds[Resource.FREE_CORES][node]
    busy = here.worth(Resources(free_cores=1, cores=8, wait=3.0))
    assert busy.seconds[Resource.FREE_CORES][node] == pytest.approx(alone)
    whole = busy.seconds[Resource.ALL_CORES][node]
    # The axis is found on a sample by one core; the rest is cut into slabs
    assert whole == pytest.approx(3.0 + 1.0 + (alone - 1.0) / 8)


def test_free_memory_is_a_limit(monkeypatch: pytest.MonkeyPatch) -> None:
    here = branches(monkeypatch)
    slow = next(n for n in here.scan.complete if here.recipe(int(n))[-1].tool == "sirt")
    plenty = here.worth(Resources(free_bytes=1e9)).top[slow]
    little = here.worth(Resources(free_bytes=1.5e7)).top[slow]
    assert little == pytest.approx(plenty - 0.3 * 2 / 1.5)


def test_a_tool_that_was_not_learned_is_not_offered(monkeypatch: pytest.MonkeyPatch) -> None:
    known = Actions(tuple(t for t in ACTIONS.tools if t != "sirt"))
    here = branches(monkeypatch, actions=known)
    found = lesson(here, PLAIN)
    assert found.best == pytest.approx(max(rewards(here.scan)[:3]))


def test_a_lesson_knows_the_best_that_each_action_leads_to(monkeypatch: pytest.MonkeyPatch) -> None:
    here = branches(monkeypatch)
    found = lesson(here, PLAIN)
    best = float(rewards(here.scan).max())
    assert found.best == pytest.approx(best)
    assert found.reached(found.value) == pytest.approx(best)  # who takes the best gets it
    assert found.reached(-found.value) == pytest.approx(0.62)  # the other filter, first turned to
    both = together([found, found])
    count = len(found.states)
    assert (both.state[len(found.state) :] == found.state + count).all()
    assert (both.after[len(found.after) :][found.after >= 0] >= count).all()


def test_another_request_has_other_rewards(monkeypatch: pytest.MonkeyPatch) -> None:
    here = branches(monkeypatch)
    quick = dataclasses.replace(here, request=dataclasses.replace(here.task, max_seconds=2.0),
                                _features={})  # fmt: skip
    slow = here.scan.complete[-1]
    lost = here.worth(PLAIN).top[slow] - quick.worth(PLAIN).top[slow]
    assert lost == pytest.approx(0.9)  # ten seconds fill two five times; three count at most


def test_resources_drawn_are_possible() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        found = drawn(rng, 0.1, np.array([1e7, 2e7, np.nan]))
        assert 1 <= found.free_cores <= found.cores <= 16
        assert found.wait >= 0
        assert all(math.isfinite(v) for v in found.vector(0.1))
        assert Resource.FREE_CORES in found.offered
