"""What the learned policy sees: the placements that it may choose from, as numbers."""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from planner.scheduling.earliest_finish import gpus_free, slots_free
from simulators.clusters.machine import Device
from simulators.clusters.placement import Placement, Waiting
from simulators.clusters.situation import Situation

MOST = 16  # placements; one more choice is to wait
SOONEST = 6  # waiting steps with the least predicted seconds left; the rest by their deadlines
URGENT = 3
FEATURES = (
    "log_remaining",  # predicted seconds of the job left, this step on this device
    "log_seconds",  # of the step on this device
    "log_loss",  # over the fastest device that there is, free or not
    "log_hurry",  # over ending first: waiting for whichever device is predicted to be done soonest
    "log_waited",  # since the job came
    "has_deadline",
    "slack",  # (deadline − now − remaining) / remaining, within ±3
    "late",  # whether the deadline will be broken even if it starts now
    "on_gpu",
    "gains_by_gpu",  # log of CPU over GPU seconds, 0 where it cannot use one
    "memory_share",  # of what is free on the machine
    "slots_left",  # share of the machine's slots free after it
    "gpus_left",  # share of the cluster's GPUs free after it
    "steps_left",
    "log_queue",  # steps that wait
    "waits",  # 1 for the choice to wait
)
Numbers = NDArray[np.float32]


@dataclass(frozen=True, eq=False)
class Candidates:
    """``features``: (MOST + 1, len(FEATURES)); ``allowed``: which rows are choices; the last row is
    to wait."""

    placements: tuple[Placement, ...]
    features: Numbers
    allowed: NDArray[np.bool_]


def candidates(situation: Situation) -> Candidates:
    """The placements worth weighing now: of the steps whose jobs have least left and of those whose
    deadlines are nearest, on the quickest free CPU and GPU."""
    remaining = {id(w): situation.remaining(w) for w in situation.waiting}
    chosen = _shortlist(situation, remaining)
    placements: list[Placement] = []
    for waiting in chosen:
        for device in Device:
            here = [p for p in situation.places(waiting) if p.device is device]
            if here:
                placements.append(min(here, key=situation.seconds))
    placements = placements[:MOST]
    features = np.zeros((MOST + 1, len(FEATURES)), np.float32)
    soonest = [(min(slots_free(situation, m)), min(gpus_free(situation, m), default=math.inf))
               for m in range(len(situation.machines))]  # fmt: skip
    for row, placement in enumerate(placements):
        features[row] = _features(situation, placement, remaining[id(placement.waiting)], soonest)
    features[MOST, -1] = 1.0
    if placements:  # so that before training it lies below the worst of them
        features[MOST, 0] = features[: len(placements), 0].max()
    features[MOST, FEATURES.index("log_queue")] = math.log1p(len(situation.waiting))
    allowed = np.zeros(MOST + 1, np.bool_)
    allowed[: len(placements)] = True
    # To wait is a choice where something will happen; where nothing is in reach, the only one.
    allowed[MOST] = not placements or bool(situation.running)
    return Candidates(tuple(placements), features, allowed)


def _shortlist(situation: Situation, remaining: dict[int, float]) -> list[Waiting]:
    fitting = [w for w in situation.waiting if next(situation.places(w), None) is not None]
    fitting.sort(key=lambda w: remaining[id(w)])
    chosen = fitting[:SOONEST]
    rest = [w for w in fitting[SOONEST:] if w.job.deadline is not None]
    rest.sort(key=lambda w: (w.job.deadline or 0.0) - remaining[id(w)])
    reachable = [w for w in rest if _slack(situation, w, remaining[id(w)]) > 0]
    return chosen + reachable[:URGENT]


def _slack(situation: Situation, waiting: Waiting, remaining: float) -> float:
    assert waiting.job.deadline is not None
    return waiting.job.deadline - situation.now - remaining


def _features(
    situation: Situation,
    placement: Placement,
    remaining: float,
    soonest: list[tuple[float, float]],
) -> list[float]:
    waiting, number = placement.waiting, placement.machine
    step, job, machine = waiting.step, waiting.job, situation.machines[number]
    seconds = situation.seconds(placement)
    fastest = ends = math.inf
    for m, (slot, gpu) in zip(situation.machines, soonest, strict=True):
        cpu_seconds, gpu_seconds = step.seconds / m.speed, step.gpu_seconds
        fastest, ends = min(fastest, cpu_seconds), min(ends, slot - situation.now + cpu_seconds)
        if m.gpus and gpu_seconds is not None:
            fastest = min(fastest, gpu_seconds)
            ends = min(ends, max(slot, gpu) - situation.now + gpu_seconds)
    left = remaining - step.best + seconds if remaining > step.best else seconds
    slack, late = 3.0, 0.0
    if job.deadline is not None:
        slack = (job.deadline - situation.now - left) / max(left, 1e-3)
        late = float(slack < 0)
    on_gpu = placement.device is Device.GPU
    gpus = sum(m.gpus for m in situation.machines)
    gain = math.log(step.seconds / step.gpu_seconds) if step.gpu_seconds else 0.0
    return [
        math.log(max(left, 0.1)) / 3,
        math.log(max(seconds, 0.1)) / 3,
        math.log(max(seconds / fastest, 1.0)),
        math.log(max(seconds / ends, 1.0)),
        math.log1p(situation.now - job.arrival) / 3,
        float(job.deadline is not None),
        min(max(slack, -3.0), 3.0) / 3,
        late,
        float(on_gpu),
        gain,
        step.memory / max(situation.memory[number], 1.0),
        (situation.slots[number] - 1) / machine.slots,
        (sum(situation.gpus) - on_gpu) / max(gpus, 1),
        len(situation.left[job.number]) / 5,
        math.log1p(len(situation.waiting)),
        0.0,
    ]
