"""The simulated cluster: what starts when, what is shared, and what a scheduler may not do."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from metadata.errors import InputError, WorkError
from simulators.clusters import (
    Device,
    Job,
    Machine,
    Placement,
    Situation,
    Step,
    Truth,
    Waiting,
    simulate,
)

GIB = 2.0**30


class Eager:
    """The first that fits, on its quickest free device; keeps what it saw."""

    name = "eager"

    def __init__(self) -> None:
        self.seen: list[tuple[float, int]] = []

    def choose(self, situation: Situation) -> Placement | None:
        self.seen.append((situation.now, len(situation.waiting)))
        for waiting in situation.waiting:
            if (place := situation.quickest(waiting)) is not None:
                return place
        return None


def true(jobs: Sequence[Job], factor: float = 1.0) -> list[Truth]:
    return [Truth((factor,) * len(job.steps)) for job in jobs]


def completion(jobs: Sequence[Job], *machines: Machine, factor: float = 1.0) -> list[float]:
    return simulate(jobs, true(jobs, factor), machines, Eager()).completion.tolist()


def test_jobs_share_slots_and_wait_for_them() -> None:
    jobs = [Job(i, 0.0, (Step(10.0),)) for i in range(3)]
    assert completion(jobs, Machine("m", 2)) == [10.0, 10.0, 20.0]
    assert completion(jobs, Machine("m", 2, speed=2.0)) == [5.0, 5.0, 10.0]
    assert completion(jobs, Machine("m", 2), factor=1.5) == [15.0, 15.0, 30.0]


def test_a_step_waits_for_those_before_it_and_others_run_beside() -> None:
    steps = (Step(4.0), Step(3.0, after=(0,)), Step(5.0, after=(0,)), Step(1.0, after=(1, 2)))
    assert completion([Job(0, 2.0, steps)], Machine("m", 2)) == [10.0]
    assert completion([Job(0, 2.0, steps)], Machine("m", 1)) == [13.0]
    assert Job(0, 0.0, steps).tails == (10.0, 4.0, 6.0, 1.0)


def test_a_gpu_is_taken_by_one_step_and_needs_a_slot() -> None:
    jobs = [Job(i, 0.0, (Step(60.0, gpu_seconds=10.0),)) for i in range(2)]
    assert completion(jobs, Machine("m", 4, gpus=1)) == [10.0, 60.0]
    assert completion(jobs, Machine("m", 1, gpus=2)) == [10.0, 20.0]
    assert completion(jobs, Machine("m", 4)) == [60.0, 60.0]


def test_memory_is_shared() -> None:
    jobs = [Job(i, 0.0, (Step(10.0, memory=6 * GIB),)) for i in range(2)]
    assert completion(jobs, Machine("m", 4, memory=10 * GIB)) == [10.0, 20.0]
    assert completion(jobs, Machine("m", 4, memory=12 * GIB)) == [10.0, 10.0]


def test_deadlines_are_counted_among_those_that_there_are() -> None:
    jobs = [Job(0, 0.0, (Step(10.0),), deadline=9.0), Job(1, 0.0, (Step(10.0),), deadline=25.0),
            Job(2, 0.0, (Step(1.0),))]  # fmt: skip
    found = simulate(jobs, true(jobs), [Machine("m", 1)], Eager())
    assert found.broken.tolist() == [True, False, False]
    assert found.broken_share == 0.5
    assert found.busy == pytest.approx(1.0)


def test_what_comes_at_one_moment_is_known_together() -> None:
    jobs = [Job(i, 5.0, (Step(1.0),)) for i in range(4)]
    eager = Eager()
    simulate(jobs, true(jobs), [Machine("m", 4)], eager)
    assert eager.seen[0] == (5.0, 4)


class Never:
    name = "never"

    def choose(self, situation: Situation) -> Placement | None:
        return None


class Twice:
    """Places the same step again."""

    name = "twice"

    def __init__(self) -> None:
        self.kept: Waiting | None = None

    def choose(self, situation: Situation) -> Placement | None:
        self.kept = self.kept or situation.waiting[0]
        return Placement(self.kept, 0, Device.CPU)


def test_what_a_scheduler_may_not_do_is_told() -> None:
    jobs = [Job(i, 0.0, (Step(1.0),)) for i in range(2)]
    machine = Machine("m", 2)
    with pytest.raises(WorkError, match="would wait for ever"):
        simulate(jobs, true(jobs), [machine], Never())
    with pytest.raises(WorkError, match="where it cannot start now"):
        simulate(jobs, true(jobs), [machine], Twice())


def test_unusable_queues_are_told() -> None:
    job = Job(0, 0.0, (Step(1.0, memory=200 * GIB),))
    with pytest.raises(InputError, match=r"needs 200\.0 GiB, and the largest machine has 8\.0"):
        simulate([job], true([job]), [Machine("m", 1, memory=8 * GIB)], Eager())
    with pytest.raises(InputError, match="1 jobs and 0 truths"):
        simulate([job], [], [Machine("m", 1)], Eager())
    with pytest.raises(InputError, match="comes after"):
        Job(1, 0.0, (Step(1.0, after=(0,)),))
    with pytest.raises(InputError, match="at least one slot"):
        Machine("m", 0)


jobs_drawn = st.lists(
    st.tuples(
        st.floats(0, 50),
        st.lists(st.tuples(st.floats(0.1, 20), st.booleans(), st.floats(0, 6)), min_size=1,
                 max_size=4),
    ),
    min_size=1, max_size=8,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(jobs_drawn, st.floats(0.5, 2.0))
def test_laws_of_any_queue(drawn: list[tuple[float, list[tuple[float, bool, float]]]],
                           factor: float) -> None:  # fmt: skip
    """Every job ends, none sooner than its longest way allows, the last not before all work is
    done; and the same queue ends the same way again."""
    jobs = [
        Job(i, at, tuple(Step(s, s / 3 if gpu else None, m * GIB, (k - 1,) if k else ())
                         for k, (s, gpu, m) in enumerate(steps)))
        for i, (at, steps) in enumerate(drawn)
    ]  # fmt: skip
    machines = [Machine("a", 2, gpus=1, memory=8 * GIB), Machine("b", 1, memory=8 * GIB)]
    found = simulate(jobs, true(jobs, factor), machines, Eager())
    assert len(found.completion) == len(jobs)
    for job, took in zip(jobs, found.completion, strict=True):
        assert took >= factor * job.tails[0] * (1 - 1e-9)
    work = factor * sum(s.best for j in jobs for s in j.steps)
    assert found.ends >= min(j.arrival for j in jobs) + work / 3 * (1 - 1e-9)
    assert 0 < found.busy <= 1 + 1e-9
    again = simulate(jobs, true(jobs, factor), machines, Eager())
    assert np.array_equal(found.completion, again.completion)
