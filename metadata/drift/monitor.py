"""The early warning itself: samples and log entries in, what is to be said of each sample out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import replace
from zlib import crc32

import numpy as np

from metadata.drift.beam import Beam, is_ring_current
from metadata.drift.bins import BIN_S
from metadata.drift.cause import rank
from metadata.drift.follower import Follower
from metadata.drift.regimes import Timeline
from metadata.drift.saving import pack, unpack
from metadata.drift.saw_tooth import SawToothFacts
from metadata.drift.settings import MonitorSettings
from metadata.drift.together import FEWEST, MOST, Together
from metadata.drift.verdicts import Verdicts
from metadata.drift.window import DAY
from metadata.errors import InputError
from metadata.series import Limits, LoggedEvent, Mark, MetricInfo, Samples

# After so long the cause of a drift is looked for again.
AGAIN_S = 43200.0
SUSPECTS = 48
# More metrics than this are judged one after the other, on average so many seconds apart.
AT_ONCE, SPACED_S, LATEST_S = 100, 0.1, 1800.0
# The layout of what is kept, counted up when what an earlier one kept cannot be gone on from.
LAYOUT = 4
# A log book longer than this is kept for so many days before the metric that is furthest behind.
LONG_BOOK, BOOK_DAYS = 400, 60


class Monitor:
    """Follows many metrics. What is said of a sample depends on what arrived before it, and not
    on how the arrivals are cut into calls (at times: a call holds all that came until then).

    >>> times = 900.0 * np.arange(100)
    >>> monitor = Monitor({"axis": MetricInfo("axis", "px", Limits(-5, 5))})
    >>> [said] = monitor.update([Samples.of("axis", times, np.sin(times))])
    >>> len(said), said.one(0).state.value
    (100, 'quiet')
    """

    def __init__(
        self, metrics: Mapping[str, MetricInfo], settings: MonitorSettings | None = None
    ) -> None:
        self.settings = settings or MonitorSettings()
        self.timeline = Timeline()
        self.followers: dict[str, Follower] = {}
        self._beams: dict[str, Beam] = {}
        self._asked: dict[str, float] = {}
        #: By the source: metrics that are read at the same moments, as one.
        self._groups: dict[str, Together] = {}
        for info in metrics.values():
            self.add(info)

    def add(self, info: MetricInfo) -> None:
        """Follow a metric that was not there at first."""
        self.followers[info.name] = Follower(info, self.settings)
        if is_ring_current(info):
            self._beams[info.name] = Beam()

    def update(
        self, blocks: Sequence[Samples], events: Sequence[LoggedEvent] = ()
    ) -> Iterator[Verdicts]:
        """What is said of each sample: one block a metric, in the order of their first mention."""
        for event in events:
            self.timeline.tell(event)
        gathered: dict[str, list[Samples]] = {}
        for block in blocks:
            if len(block):
                gathered.setdefault(block.metric, []).append(block)
        whole = {name: _joined(parts) for name, parts in gathered.items()}
        for name, block in whole.items():
            if name not in self.followers:
                self.add(MetricInfo(name, block.unit))
            beam = self._beams.get(name)
            if beam is not None:
                good = (
                    (block.marks == Mark.GOOD)
                    & np.isfinite(block.values)
                    & np.isfinite(block.times)
                )
                beam.update(block.times, block.values, good, self.timeline)
        followers = [self.followers[name] for name in whole]
        for follower in followers:
            follower.delay = self._delay(follower.info.name)
        pieces = [
            (moment, number, start, stop)
            for number, (follower, block) in enumerate(zip(followers, whole.values(), strict=True))
            for moment, start, stop in follower.begin(block, self.timeline)
        ]
        self._together(whole)
        # In the order of time, so that a cause is looked for in what was known by then.
        for _, number, start, stop in sorted(pieces):
            follower = followers[number]
            if follower.advance(start):
                self._explain(follower)
            follower.step(start, stop)
        if len(self.timeline) > LONG_BOOK:
            nows = [f.clock.now for f in self.followers.values() if np.isfinite(f.clock.now)]
            self.timeline.forget(min(nows, default=-np.inf) - BOOK_DAYS * DAY)
        return iter([follower.finish() for follower in followers])

    def set_limits(self, metric: str, limits: Limits | None) -> None:
        """From now on another limit holds (new objectives move limits)."""
        follower = self.followers[metric]
        follower.info = replace(follower.info, limits=limits)

    def saw_tooth(self, metric: str) -> SawToothFacts | None:
        """Refills, their step and period and the lifetime, where a metric is a saw-tooth."""
        return self.followers[metric].tooth.facts()

    def _together(self, whole: Mapping[str, Samples]) -> None:
        """What metrics of one source without limits say together of the blocks that came."""
        named: dict[str, list[str]] = {}
        for name, follower in self.followers.items():
            if follower.info.source and not follower.limited and not follower.beam:
                named.setdefault(follower.info.source, []).append(name)
        for source, names in named.items():
            if not FEWEST <= len(names) <= MOST or not any(name in whole for name in names):
                continue
            group = self._groups.get(source)
            if group is None or group.names != names:
                group = Together(names, self.settings.false_alarm_days)
                self._groups[source] = group
            told = group.update(
                [self.followers[name].readings() if name in whole else None for name in names]
            )
            for name, said in zip(names, told, strict=True):
                if name in whole:
                    self.followers[name].share(said)

    def _delay(self, name: str) -> float:
        """Many metrics are not all judged in the second in which their bins end."""
        late = SPACED_S * max(0, len(self.followers) - AT_ONCE)
        return min(late, LATEST_S) * crc32(name.encode()) / 2**32

    def _explain(self, follower: Follower) -> None:
        """Look for the cause of a drift: when it is first seen, when it is warned of, and twice a
        day."""
        judge, name = follower.judge, follower.info.name
        if not judge.possible or judge.weights is None or len(self.followers) < 2:
            self._asked.pop(name, None)
            return
        due = self._asked.get(name, -np.inf) + AGAIN_S
        if judge.decided < due and not judge.rose:
            return
        self._asked[name] = judge.decided
        newest = round(judge.decided / BIN_S) - 1
        others = {}
        for other in self._suspects(name):
            seen = other.judge.seen(newest, other.limits)
            if seen is not None:
                others[other.info.name] = seen
        mine = judge.seen(newest, follower.limits, whole=False)
        if mine is None:
            return
        weights = judge.weights.astype(np.float64)
        follower.causes = rank(name, weights, mine, others, self.settings.causes)

    def _suspects(self, name: str) -> list[Follower]:
        """The others, or of very many those that are the most unrestful."""
        others = [f for f in self.followers.values() if f.info.name != name]
        if len(others) > SUSPECTS:
            others.sort(key=lambda f: -(f.judge.forecast.odds if f.judge.forecast else -np.inf))
        return others[:SUSPECTS]

    def to_state(self) -> dict[str, np.ndarray]:
        """All that is known, as arrays (``numpy.savez(file, **monitor.to_state())`` keeps it)."""
        return pack({
            "layout": LAYOUT,
            "settings": vars(self.settings),
            "timeline": self.timeline.to_state(),
            "beams": {name: beam.to_state() for name, beam in self._beams.items()},
            "asked": self._asked,
            "groups": {source: group.to_state() for source, group in self._groups.items()},
            "followers": [f.to_state() for f in self.followers.values()],
        })  # fmt: skip

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Monitor:
        """Goes on as if nothing had happened. Raises InputError where another version of tomoplan
        kept it, whose detectors remembered other things."""
        kept = unpack(state)
        if kept.get("layout") != LAYOUT:
            raise InputError(
                "What the early warning knew was kept by another version of tomoplan (layout "
                f"{kept.get('layout', 1)}; this one goes on from {LAYOUT}), whose detectors "
                "remembered other things. Begin anew with the history: `tomoplan watch … --fresh`."
            )
        monitor = cls({}, MonitorSettings(**kept["settings"]))
        monitor.timeline = Timeline.from_state(kept["timeline"])
        monitor._beams = {name: Beam.from_state(s) for name, s in kept["beams"].items()}
        monitor._asked = dict(kept["asked"])
        monitor._groups = {n: Together.from_state(s) for n, s in kept.get("groups", {}).items()}
        followers = [Follower.from_state(s, monitor.settings) for s in kept["followers"]]
        monitor.followers = {f.info.name: f for f in followers}
        return monitor


def _joined(parts: list[Samples]) -> Samples:
    """Blocks of one metric in the order of arrival as one."""
    if len(parts) == 1:
        return parts[0]
    return Samples(
        parts[0].metric, np.concatenate([p.times for p in parts]),
        np.concatenate([p.values for p in parts]), np.concatenate([p.marks for p in parts]),
        parts[0].unit,
    )  # fmt: skip
