"""The cluster, event by event."""

from __future__ import annotations

import heapq
from collections.abc import Generator, Sequence

import numpy as np

from metadata.errors import InputError, WorkError
from simulators.clusters.job import Job, Truth
from simulators.clusters.machine import Device, Machine
from simulators.clusters.outcome import Outcome
from simulators.clusters.placement import Placement, Waiting
from simulators.clusters.scheduler import Scheduler
from simulators.clusters.situation import Running, Situation

Event = tuple[float, int, Running | Job]


def simulate(
    jobs: Sequence[Job],
    truths: Sequence[Truth],
    machines: Sequence[Machine],
    scheduler: Scheduler,
) -> Outcome:
    """Run a queue to its end. Steps are not interrupted; a step takes its predicted seconds there
    times its factor in ``truths``. The same arguments give the same outcome.

    Raises InputError for a step that fits on no machine, WorkError for a scheduler that waits
    though nothing will happen any more, or places what does not fit.

    >>> from simulators.clusters import Step
    >>> class First:
    ...     name = "first"
    ...     def choose(self, situation):
    ...         return next((p for w in situation.waiting for p in situation.places(w)), None)
    >>> jobs = [Job(0, 0.0, (Step(10.0),)), Job(1, 1.0, (Step(5.0),))]
    >>> simulate(jobs, [Truth((1.0,))] * 2, [Machine("m", 1)], First()).completion.tolist()
    [10.0, 14.0]
    """
    game = playing(jobs, truths, machines)
    situation = next(game)
    while True:
        try:
            situation = game.send(scheduler.choose(situation))
        except StopIteration as end:
            return end.value


def playing(
    jobs: Sequence[Job], truths: Sequence[Truth], machines: Sequence[Machine]
) -> Generator[Situation, Placement | None, Outcome]:
    """The queue as a game: yields the situation wherever something could start, and is sent a
    placement or None; returns the outcome. The situation is one object that changes."""
    _check(jobs, truths, machines)
    situation = Situation(tuple(machines))
    known = dict(zip((j.number for j in jobs), truths, strict=True))
    events: list[Event] = []
    for count, job in enumerate(sorted(jobs, key=lambda j: j.arrival)):
        heapq.heappush(events, (job.arrival, count, job))
    count = len(jobs)
    unfinished: dict[int, set[int]] = {}
    coming, busy = len(jobs), 0.0
    while events:
        situation.now, _, event = heapq.heappop(events)
        if isinstance(event, Job):
            coming -= 1
            situation.more = coming > 0
            unfinished[event.number] = set(range(len(event.steps)))
            situation.left[event.number] = set(range(len(event.steps)))
            _release(situation, event, unfinished[event.number])
        else:
            _end(situation, event, unfinished)
        if events and events[0][0] <= situation.now:
            continue  # all that happens at one moment is known before anything is chosen
        while situation.waiting and any(
            True for w in situation.waiting for _ in situation.places(w)
        ):
            placement = yield situation
            if placement is None:
                break
            seconds = _start(situation, placement, known)
            busy += seconds
            heapq.heappush(events, (situation.now + seconds, count, situation.running[-1]))
            count += 1
        if situation.waiting and not events:
            raise WorkError(
                f"The scheduler waits with {len(situation.waiting)} steps in the queue though "
                f"nothing runs and nothing will come: it would wait for ever."
            )
    return _outcome(jobs, situation.ended, busy, machines, situation.now)


def _release(situation: Situation, job: Job, unfinished: set[int]) -> None:
    """Put the steps of a job that have become possible into the queue."""
    waiting = {w.index for w in situation.waiting if w.job is job}
    for index in sorted(situation.left[job.number] - waiting):
        if not set(job.steps[index].after) & unfinished:
            situation.waiting.append(Waiting(job, index, situation.now))
    situation.waiting.sort(key=lambda w: (w.job.arrival, w.job.number, w.index))


def _start(situation: Situation, placement: Placement, known: dict[int, Truth]) -> float:
    """Begin a step; returns its true seconds."""
    waiting, machine, device = placement.waiting, placement.machine, placement.device
    if waiting not in situation.waiting or not situation.fits(waiting.step, machine, device):
        raise WorkError(
            f"The scheduler placed step {waiting.index} of job {waiting.job.number} on the "
            f"{device} of {situation.machines[machine].name}, where it cannot start now."
        )
    job, index = waiting.job, waiting.index
    predicted = situation.seconds(placement)
    situation.waiting.remove(waiting)
    situation.left[job.number].discard(index)
    situation.slots[machine] -= 1
    situation.gpus[machine] -= device is Device.GPU
    situation.memory[machine] -= waiting.step.memory
    situation.running.append(Running(job, index, machine, device, situation.now + predicted))
    return predicted * known[job.number].factors[index]


def _end(situation: Situation, run: Running, unfinished: dict[int, set[int]]) -> None:
    situation.running.remove(run)
    situation.slots[run.machine] += 1
    situation.gpus[run.machine] += run.device is Device.GPU
    situation.memory[run.machine] += run.step.memory
    left = unfinished[run.job.number]
    left.discard(run.index)
    if left:
        _release(situation, run.job, left)
    else:
        situation.ended[run.job.number] = situation.now
        del situation.left[run.job.number]


def _check(jobs: Sequence[Job], truths: Sequence[Truth], machines: Sequence[Machine]) -> None:
    if not jobs or len(jobs) != len(truths) or len({j.number for j in jobs}) != len(jobs):
        raise InputError(
            f"A queue was given {len(jobs)} jobs and {len(truths)} truths; expected at least one "
            f"job, each with a number and a truth of its own."
        )
    largest = max(m.memory for m in machines)
    for job, truth in zip(jobs, truths, strict=True):
        if len(truth.factors) != len(job.steps):
            raise InputError(
                f"Job {job.number} has {len(job.steps)} steps and its truth {len(truth.factors)} "
                f"factors; expected one for each step."
            )
        need = max(s.memory for s in job.steps)
        if need > largest:
            raise InputError(
                f"A step of job {job.number} needs {need / 2**30:.1f} GiB, and the largest machine "
                f"has {largest / 2**30:.1f} GiB. Give it less, or a larger machine."
            )


def _outcome(
    jobs: Sequence[Job],
    ended: dict[int, float],
    busy: float,
    machines: Sequence[Machine],
    ends: float,
) -> Outcome:
    first = min(j.arrival for j in jobs)
    completion = np.array([ended[j.number] - j.arrival for j in jobs])
    had = np.array([j.deadline is not None for j in jobs])
    broken = np.array([j.deadline is not None and ended[j.number] > j.deadline for j in jobs])
    total = sum(m.slots for m in machines) * max(ends - first, 1e-9)
    return Outcome(completion, had, broken, busy / total, ends)
