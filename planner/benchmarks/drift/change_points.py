"""Change points of several channels, said once: F1 with each found by the first saying after it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.monitor import Monitor
from metadata.drift.verdicts import GAP, QUIET
from metadata.series import MetricInfo, Samples
from planner.benchmarks.drift.collections import Rig
from planner.benchmarks.drift.spread import spread
from planner.benchmarks.drift.watched import days

Values = NDArray[np.float64]
CLOCK_S = 45
LONGS_S = (60, 120, 240)
LEVELS = (3, 4, 5, 6, 8, 12)


@dataclass(frozen=True)
class Found:
    """``f1`` = 2 found / (changes + sayings), over all recordings together."""

    name: str
    f1: float
    found: int
    said: int
    changes: int


def once(times: Values, within_s: float) -> Values:
    """Sayings less than ``within_s`` after one that counts are the same one said again.

    >>> once(np.array([3.0, 5.0, 70.0]), 60.0).tolist()
    [3.0, 70.0]
    """
    kept: list[float] = []
    for time in np.sort(times):
        if not kept or time - kept[-1] >= within_s:
            kept.append(float(time))
    return np.array(kept)


def matched(changes: Values, said: Values, within_s: float) -> int:
    """How many changes have a saying of their own in the ``within_s`` seconds after them.

    >>> matched(np.array([100.0, 110.0]), np.array([105.0, 400.0]), 60.0)
    1
    """
    left = list(np.sort(said))
    count = 0
    for change in np.sort(changes):
        own = next((time for time in left if change <= time <= change + within_s), None)
        if own is not None:
            left.remove(own)
            count += 1
    return count


def score(name: str, rigs: Sequence[Rig], say: Callable[[Rig], Values], within_s: float) -> Found:
    """F1 of what ``say`` says of each recording, each said once."""
    found = said = changes = 0
    for rig in rigs:
        times = once(say(rig), within_s)
        found += matched(rig.changes, times, within_s)
        said += len(times)
        changes += len(rig.changes)
    return Found(name, 2 * found / max(changes + said, 1), found, said, changes)


def monitored(rig: Rig) -> Values:
    """When the monitor, without limits and as it comes, says that a channel left its normal."""
    return _watched(rig, {name: MetricInfo(name, source=rig.name) for name in rig.channels})


def separate(rig: Rig) -> Values:
    """The same where it is not told that the channels belong together."""
    return _watched(rig, {name: MetricInfo(name) for name in rig.channels})


def _watched(rig: Rig, infos: Mapping[str, MetricInfo]) -> Values:
    monitor = Monitor(infos)
    times = []
    for blocks, _ in days(rig.channels, (), step=60.0):
        for verdicts in monitor.update(blocks):
            new = verdicts.changed & (verdicts.codes != QUIET) & (verdicts.codes != GAP)
            times.append(verdicts.times[new])
    return np.concatenate(times)


def shifted_mean(threshold: float, long_s: int = 120, short_s: int = 10) -> Callable[[Rig], Values]:
    """The last seconds' mean in deviations of the time before, over the largest channel; one
    saying when it passes the threshold from below."""

    def say(rig: Rig) -> Values:
        highest = np.zeros(0)
        for record in rig.channels.values():
            v = record.values
            recent = np.convolve(v, np.ones(short_s) / short_s)[: len(v)]
            sums = np.cumsum(np.pad(v, (1, 0)))
            squares = np.cumsum(np.pad(v**2, (1, 0)))
            end = np.maximum(np.arange(1, len(v) + 1) - short_s, 0)
            start = np.maximum(end - long_s, 0)
            many = np.maximum(end - start, 1)
            mean = (sums[end] - sums[start]) / many
            spread = np.sqrt(np.maximum((squares[end] - squares[start]) / many - mean**2, 1e-12))
            z = np.abs(recent - mean) / spread
            z[: long_s + short_s] = 0
            highest = np.maximum(highest, z) if len(highest) else z
        up = (highest[1:] >= threshold) & (highest[:-1] < threshold)
        times = next(iter(rig.channels.values())).times
        return times[1:][up]

    return say


def _known(said: Mapping[str, Values]) -> Callable[[Rig], Values]:
    """What was said of each recording, by its name."""
    return lambda rig: said[rig.name]


def clock(period: float) -> Callable[[Rig], Values]:
    """A blind saying at fixed intervals."""

    def say(rig: Rig) -> Values:
        times = next(iter(rig.channels.values())).times
        return np.arange(times[0], times[-1], period)

    return say


def simulated(span: Mapping[str, Any]) -> list[Rig]:
    """The recordings of ``{first_seed, count}``."""
    from simulators.rig import draw_rig

    found = []
    for seed in range(span["first_seed"], span["first_seed"] + span["count"]):
        record = draw_rig(seed)
        channels = {n: Samples.of(n, record.times, v) for n, v in record.channels.items()}
        found.append(Rig(str(seed), channels, record.changes))
    return found


def measure(rigs: Sequence[Rig], within_s: float, workers: int = 1) -> list[Found]:
    """A row a detector; the simple one has the threshold that suits these recordings best."""
    simple = [
        score(f"shifted mean of {long} s, best threshold ({level})", rigs,
              shifted_mean(level, long), within_s)
        for long in LONGS_S for level in LEVELS
    ]  # fmt: skip
    ours = []
    for name, say in (("tomoplan", monitored), ("tomoplan, each channel by itself", separate)):
        said = dict(zip((r.name for r in rigs), spread(say, rigs, workers, name), strict=True))
        ours.append(score(name, rigs, _known(said), within_s))
    return [
        *ours,
        max(simple, key=lambda found: found.f1),
        score(f"a clock, every {CLOCK_S} s", rigs, clock(CLOCK_S), within_s),
    ]
