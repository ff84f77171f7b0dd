"""Networks are timed on one slice, beside what they are compared with."""

from __future__ import annotations

from planner.benchmarks.slice_speed import PEER, Timed, recipes, slice_by_slice
from planner.trial_runs import foam
from simulators import simulate
from toolbox.registry import make_tool


def test_networks_are_timed_and_other_steps_are_not() -> None:
    some = [r for r in recipes() if {s.tool for s in r} & {"fbpconvnet", "stripe_network"}]
    walk = Timed([simulate(foam(64, 1))], some, "test")
    walk.walk()
    assert set(walk.seconds) == {PEER, "fbpconvnet", "stripe_network"}
    assert all(0 < clock < 60 and busy > 0 for clock, busy in walk.seconds.values())


def test_what_aligns_and_what_is_not_trained_is_left_out() -> None:
    assert slice_by_slice(make_tool("tomogan", {}))
    assert not slice_by_slice(make_tool("align_network", {}))
    assert not slice_by_slice(make_tool("denoise_nlm", {}))
