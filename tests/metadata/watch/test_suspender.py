"""A real RunEngine waits while a limit is about to be passed, and goes on when it may."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from metadata.drift.verdict import State, TimeToLimit, Verdict
from metadata.watch.acknowledgement import Acknowledgement
from metadata.watch.ledger import Ledger, Standing, Step
from metadata.watch.plan_hold import reasons_to_hold
from metadata.watch.problem import Problem


def warned(low: float, state: State = State.WARNING, at: float | None = None) -> Verdict:
    """The axis is expected at its limit in ``low`` seconds at the earliest."""
    return Verdict(time.time() if at is None else at, "axis", state, 0.99, 3.0, 3.5,
                   TimeToLimit(2 * low, low, 5 * low), None, "Expected soon.")  # fmt: skip


def say(store: Path, verdict: Verdict | None) -> Problem | None:
    """Write what a watch in another process would have kept."""
    problem = Problem.first(verdict) if verdict is not None else None
    problems = {"axis": problem} if problem is not None else {}
    latest = {"axis": verdict.to_json()} if verdict is not None else {}
    with Ledger(store) as ledger:
        ledger.write("k", ["s"], Step({}, b"", problems, latest, seen=time.time()))
    return problem


@pytest.mark.parametrize(
    ("verdict", "held"),
    [
        (warned(300.0, at=1000.0), True),
        (warned(3000.0, at=1000.0), False),
        (warned(3000.0, at=-1500.0), True),  # said 2500 s ago
        (warned(3000.0, State.ALARM, at=1000.0), True),
        (warned(300.0, State.QUIET, at=1000.0), False),
    ],
)
def test_a_plan_waits_before_the_limit_may_be_reached(verdict: Verdict, held: bool) -> None:
    one = Standing(Problem.first(verdict), verdict.to_json(), seen=1000.0)
    assert bool(reasons_to_hold([one], (), 1000.0, ahead=600.0)) is held
    assert reasons_to_hold([one], (), 1000.0, metrics=("other",)) == []
    assert reasons_to_hold([one], (), 9e9) == []  # nobody has watched since


def test_what_is_acknowledged_does_not_hold_until_it_is_worse() -> None:
    first, alarm = warned(300.0, at=1000.0), warned(0.0, State.ALARM, at=1100.0)
    problem = Problem.first(first)
    known = [Acknowledgement.of(problem, 1050.0)]
    assert reasons_to_hold([Standing(problem, first.to_json(), 1000.0)], known, 1050.0) == []
    assert problem.worse(alarm)
    worse = problem.told(alarm, worse=True)
    assert reasons_to_hold([Standing(worse, alarm.to_json(), 1100.0)], known, 1100.0) != []


@pytest.fixture
def engine() -> Iterator[Any]:
    bluesky = pytest.importorskip("bluesky")
    run_engine = bluesky.RunEngine({})
    yield run_engine
    if run_engine.state != "idle":
        run_engine.abort()


def test_a_plan_is_suspended_before_the_limit_and_resumes(
    tmp_path: Path, engine: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    pytest.importorskip("ophyd")
    from bluesky import plan_stubs
    from bluesky.plans import count
    from ophyd.sim import det

    from metadata.watch.suspender import drift_suspender

    store = tmp_path / "s.sqlite"
    say(store, None)
    suspender = drift_suspender(["axis"], ahead="10min", store=store, every=0.05)
    engine.install_suspender(suspender)
    taken: list[float] = []
    numbers: set[int] = set()
    waited: list[bool] = []

    def per_event(name: str, document: dict[str, Any]) -> None:
        if name != "event":
            return
        taken.append(time.monotonic())
        numbers.add(document["seq_num"])
        if len(taken) == 2:
            say(store, warned(300.0))
        waited.append(suspender.tripped)

    def release() -> None:
        while not suspender.tripped:
            time.sleep(0.01)
        time.sleep(0.3)  # it stands still meanwhile
        waited.append(len(taken) < 6)
        say(store, None)

    other = threading.Thread(target=release)
    other.start()

    def slowly(detectors: Any) -> Any:
        yield from plan_stubs.checkpoint()
        yield from plan_stubs.trigger_and_read(list(detectors))
        yield from plan_stubs.sleep(0.15)

    engine(count([det], num=6, per_shot=slowly), per_event)
    other.join()
    engine.remove_suspender(suspender)
    suspender._sig.close()
    assert numbers == {1, 2, 3, 4, 5, 6}  # nothing is lost; what was interrupted is taken again
    assert True in waited
    assert max(b - a for a, b in pairwise(taken)) >= 0.3
