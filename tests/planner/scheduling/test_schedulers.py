"""The schedulers on small queues whose best order is known, and on those of the bench."""

from __future__ import annotations

import numpy as np
import pytest

from metadata.errors import InputError, WorkError
from planner.scheduling import SCHEDULERS
from planner.scheduling.candidates import FEATURES, MOST, candidates
from planner.scheduling.first_come import FirstCome
from planner.scheduling.heft import Heft
from planner.scheduling.jobs import cluster, queue, settings, templates
from planner.scheduling.learned import NAMES, Learned, untrained
from planner.scheduling.shortest import Shortest
from simulators.clusters import Job, Machine, Situation, Step, Truth, simulate
from simulators.clusters.placement import Waiting

GIB = 2.0**30


def took(scheduler: object, jobs: list[Job], *machines: Machine) -> list[float]:
    truths = [Truth((1.0,) * len(j.steps)) for j in jobs]
    return simulate(jobs, truths, machines, scheduler).completion.tolist()  # type: ignore[arg-type]


def test_shortest_goes_first() -> None:
    jobs = [Job(0, 0.0, (Step(10.0),)), Job(1, 0.0, (Step(1.0),)), Job(2, 0.0, (Step(4.0),))]
    assert took(FirstCome(), jobs, Machine("m", 1)) == [10.0, 11.0, 15.0]
    for scheduler in (Shortest(), Shortest(looks_ahead=True), untrained()):
        assert took(scheduler, jobs, Machine("m", 1)) == [15.0, 1.0, 5.0]


def test_shortest_goes_by_what_is_left_of_the_job() -> None:
    begun = Job(0, 0.0, (Step(5.0), Step(1.0, after=(0,))))
    assert took(Shortest(), [begun, Job(1, 1.0, (Step(3.0),))], Machine("m", 1)) == [6.0, 8.0]


def test_first_come_lets_nothing_pass_unless_it_fills_gaps() -> None:
    jobs = [Job(0, 0.0, (Step(10.0, memory=6 * GIB),)), Job(1, 1.0, (Step(10.0, memory=6 * GIB),)),
            Job(2, 2.0, (Step(1.0),))]  # fmt: skip
    machine = Machine("m", 4, memory=8 * GIB)
    assert took(FirstCome(), jobs, machine) == [10.0, 19.0, 9.0]
    assert took(FirstCome(fills_gaps=True), jobs, machine) == [10.0, 19.0, 1.0]


def test_looking_ahead_waits_for_a_better_device() -> None:
    jobs = [Job(i, 0.0, (Step(60.0, gpu_seconds=10.0),)) for i in range(2)]
    machine = Machine("m", 4, gpus=1)
    assert took(Shortest(), jobs, machine) == [10.0, 60.0]
    for scheduler in (Shortest(looks_ahead=True), Heft(), untrained()):
        assert took(scheduler, jobs, machine) == [10.0, 20.0]


def test_heft_puts_the_longest_way_first_and_where_it_ends_first() -> None:
    jobs = [Job(0, 0.0, (Step(2.0),)), Job(1, 0.0, (Step(6.0), Step(6.0, after=(0,))))]
    assert took(Heft(), jobs, Machine("m", 1)) == [14.0, 12.0]
    both = (Machine("slow", 1, speed=0.5), Machine("fast", 1, speed=2.0))
    assert took(Heft(), [Job(0, 0.0, (Step(6.0),))], *both) == [3.0]


@pytest.mark.parametrize("name", SCHEDULERS)
@pytest.mark.parametrize("where", ["one-node", "three-nodes"])
def test_every_scheduler_ends_every_queue(name: str, where: str) -> None:
    jobs, truths = queue(where, 0.6, seed=3, pool=1, count=40)
    found = simulate(jobs, truths, cluster(where), SCHEDULERS[name]())
    assert np.isfinite(found.completion).all()
    for job, truth, seconds in zip(jobs, truths, found.completion, strict=True):
        fastest = max(m.speed for m in cluster(where))
        assert seconds >= min(truth.factors) * max(s.best for s in job.steps) / fastest * 0.999


def test_queues_are_made_again_by_their_seed_and_differ_otherwise() -> None:
    one, two = queue("one-node", 0.5, 1, 1, 20), queue("one-node", 0.5, 1, 1, 20)
    assert [j.arrival for j in one[0]] == [j.arrival for j in two[0]]
    assert [t.factors for t in one[1]] == [t.factors for t in two[1]]
    assert [j.arrival for j in queue("one-node", 0.5, 2, 1, 20)[0]] != [j.arrival for j in one[0]]
    assert templates(1)[:20] != templates(2)[:20]


def test_jobs_are_what_the_cost_model_says() -> None:
    made = templates(1)
    work = np.array([t.work for t in made])
    assert len(made) > 100
    assert np.quantile(work, 0.9) > 10 * np.median(work)  # of very different sizes
    assert (
        max(s.memory for t in made for s in t.steps) <= settings()["requests"]["memory_gib"] * GIB
    )
    gpu = [s for t in made for s in t.steps if s.gpu_seconds is not None]
    assert gpu
    assert any(len(step.after) > 1 for t in made for step in t.steps)


def test_an_unknown_cluster_is_told() -> None:
    with pytest.raises(InputError, match="no cluster 'moon'; expected one of one-node"):
        cluster("moon")


def test_candidates_tell_nothing_of_true_durations() -> None:
    jobs, truths = queue("one-node", 0.6, seed=3, pool=1, count=30)
    seen: list[np.ndarray] = []

    class Watching(Shortest):
        def choose(self, situation: Situation) -> object:  # type: ignore[override]
            seen.append(candidates(situation).features)
            return super().choose(situation)

    simulate(jobs, truths, cluster("one-node"), Watching())  # type: ignore[arg-type]
    slow = [Truth(tuple(5 * f for f in t.factors)) for t in truths]
    first = seen[0]
    seen.clear()
    simulate(jobs, slow, cluster("one-node"), Watching())  # type: ignore[arg-type]
    assert np.array_equal(first, seen[0])


def test_candidates_are_bounded_and_masked() -> None:
    situation = Situation((Machine("m", 4, gpus=2),))
    for number in range(50):
        job = Job(number, 0.0, (Step(10.0 + number, 3.0),), deadline=100.0 + number)
        situation.left[number] = {0}
        situation.waiting.append(Waiting(job, 0, 0.0))
    found = candidates(situation)
    assert found.features.shape == (MOST + 1, len(FEATURES))
    assert np.isfinite(found.features).all()
    assert found.allowed[: len(found.placements)].all()
    assert not found.allowed[len(found.placements) :].any()  # nothing runs: no waiting


def test_weights_that_do_not_fit_are_told() -> None:
    with pytest.raises(WorkError, match="tomoplan train scheduling"):
        Learned({"first.weight": np.zeros((1, 1), np.float32)})
    assert set(NAMES) == set(untrained()._tensors)
