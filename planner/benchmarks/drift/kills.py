"""Killed and restarted: nothing that is said is lost or said twice."""

from __future__ import annotations

import pickle
from dataclasses import dataclass

import numpy as np

from metadata.drift.monitor import Monitor
from metadata.drift.verdicts import Verdicts
from planner.benchmarks.drift.case import Case
from planner.benchmarks.drift.watched import days, joined


@dataclass(frozen=True)
class Kills:
    """``kills`` restarts within one history; changes of state ``lost``, ``repeated``, and rows
    that say something else than without a kill (``differing``), of ``said`` changes."""

    kills: int
    said: int
    lost: int
    repeated: int
    differing: int


def measure(case: Case, kills: int, seed: int = 0) -> Kills:
    """What a monitor says that is written down, thrown away and read back ``kills`` times,
    against one that lives on."""
    steps = list(days(case.samples, case.events, step=3 * 3600.0))
    cuts = set(np.random.default_rng(seed).choice(len(steps), kills, replace=False).tolist())
    lived, killed = [], []
    steady, restarted = Monitor(case.metrics), Monitor(case.metrics)
    for number, (blocks, events) in enumerate(steps):
        lived += [v for v in steady.update(blocks, events) if v.metric == case.metric]
        if number in cuts:
            # What a killed process did after it last wrote down is gone, and done again.
            kept = pickle.dumps(restarted.to_state())
            list(restarted.update(blocks, events))
            restarted = Monitor.from_state(pickle.loads(kept))
        killed += [v for v in restarted.update(blocks, events) if v.metric == case.metric]
    one, other = joined(lived), joined(killed)
    truth, again = _changes(one), _changes(other)
    return Kills(kills, len(truth), len(truth - again), len(other.changes()) - len(again),
                 _differing(one, other))  # fmt: skip


def _changes(verdicts: Verdicts) -> set[tuple[float, int]]:
    told = verdicts.changes()
    return set(zip(told.times.tolist(), told.codes.tolist(), strict=True))


def _differing(one: Verdicts, other: Verdicts) -> int:
    if len(one) != len(other):
        return abs(len(one) - len(other))
    differ = one.codes != other.codes
    for a, b in ((one.scores, other.scores), (one.seconds, other.seconds)):
        differ |= (a != b) & ~(np.isnan(a) & np.isnan(b))
    return int(differ.sum())
