"""The early warning itself: samples and log entries in, what is to be said of each sample out."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence

import numpy as np

from metadata.drift.follower import Follower
from metadata.drift.regimes import Timeline
from metadata.drift.saving import pack, unpack
from metadata.drift.settings import MonitorSettings
from metadata.drift.verdicts import Verdicts
from metadata.series import Limits, LoggedEvent, MetricInfo, Samples


class Monitor:
    """Follows many metrics. What is said of a sample depends on what arrived before it, and not
    on how arrivals were cut into calls (cut at times: all that came until then in one call).

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
        self.followers = {n: Follower(info, self.settings) for n, info in metrics.items()}

    def update(
        self, blocks: Sequence[Samples], events: Sequence[LoggedEvent] = ()
    ) -> Iterator[Verdicts]:
        """What is said of each sample, a block for each block."""
        for event in events:
            self.timeline.tell(event)
        found = []
        for block in blocks:
            if block.metric not in self.followers:
                info = MetricInfo(block.metric, block.unit)
                self.followers[block.metric] = Follower(info, self.settings)
            if len(block):
                found.append(self.followers[block.metric].update(block, self.timeline))
        return iter(found)

    def set_limits(self, metric: str, limits: Limits | None) -> None:
        """From now on another limit holds (new objectives move limits)."""
        self.followers[metric].limits = limits or Limits()

    def to_state(self) -> dict[str, np.ndarray]:
        """All that is known, as arrays (``numpy.savez(file, **monitor.to_state())`` keeps it)."""
        return pack({
            "settings": vars(self.settings),
            "timeline": self.timeline.to_state(),
            "followers": [f.to_state() for f in self.followers.values()],
        })  # fmt: skip

    @classmethod
    def from_state(cls, state: Mapping[str, np.ndarray]) -> Monitor:
        """Goes on as if nothing had happened."""
        kept = unpack(state)
        monitor = cls({}, MonitorSettings(**kept["settings"]))
        monitor.timeline = Timeline.from_state(kept["timeline"])
        followers = [Follower.from_state(s, monitor.settings) for s in kept["followers"]]
        monitor.followers = {f.name: f for f in followers}
        return monitor
