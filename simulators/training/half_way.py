"""Whole simulated histories, followed by a monitor until half of the life of their drift."""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from metadata.drift.forecast import Forecast
    from metadata.drift.judge import Judge
    from metadata.drift.window import Window
    from metadata.series import Limits

Floats32 = NDArray[np.float32]
DAY = 86400.0
PENALTY = 20.0  # of the interval score (Winkler) of 90 % intervals, of logarithms


@dataclass(frozen=True, eq=False)
class HalfWay:
    """The ``shape`` of a drift, the logarithm of the days ``left`` at half of its life, and the
    ``judge`` of its metric then, with the ``limits``."""

    shape: str
    left: float
    judge: Judge
    limits: Limits

    @property
    def bank(self) -> Forecast:
        """What the bank says."""
        found = self.judge.forecast
        assert found is not None
        return found

    @cached_property
    def window(self) -> Window | None:
        """What was judged; None where too little was read since the last repair."""
        from metadata.drift.bins import BIN_S

        newest = round(self.judge.decided / BIN_S) - 1
        found = self.judge.seen(newest, self.limits, whole=False)
        return None if found is None else found.window

    def read(self) -> Floats32 | None:
        """What the sequence reads of it; None where there is no limit ahead."""
        return None if self.window is None else self.judge.view(self.window, self.limits)

    @property
    def way(self) -> float:
        """From the usual level to the limit, in the metric's unit."""
        limit = self.limits.high if self.bank.side > 0 else self.limits.low
        return abs(limit - self.judge.usual)


def half_way(seed: int) -> HalfWay | None:
    """Of the history of a seed; None where nothing drifts, or nothing is told of it."""
    from metadata.drift.monitor import Monitor
    from metadata.drift.settings import MonitorSettings
    from metadata.series import Limits, LoggedEvent, MetricInfo, Samples
    from simulators.histories import draw_history, simulate_history

    settings = draw_history(seed)
    made = simulate_history(settings)
    onset, crossing = made.truth.onset, made.truth.crossing
    if onset is None or crossing is None:
        return None
    name, half = settings.metric, (onset + crossing) / 2
    times, values = made.series[name]
    until = int(np.searchsorted(np.maximum.accumulate(times), half))
    limits = Limits(*made.limits[name][-1][1:])
    info = MetricInfo(name, made.units[name], limits)
    monitor = Monitor({name: info}, MonitorSettings(network=False))
    events = [LoggedEvent(e.time, e.kind, e.text) for e in made.events if e.time < half]
    list(monitor.update([Samples.of(name, times[:until], values[:until])], events))
    judge = monitor.followers[name].judge
    if judge.forecast is None:
        return None
    left = float(np.log((crossing - judge.decided) / DAY))
    return HalfWay(settings.shape, left, judge, limits)


def interval_score(said: Any, left: Any) -> Any:
    """Winkler's, of logarithms (n, 3) and (n,)."""
    low, high = said[:, 0], said[:, 2]
    return high - low + PENALTY * (np.maximum(low - left, 0) + np.maximum(left - high, 0))


def by_shape(shapes: list[str], bank: Any, own: Any) -> list[dict[str, Any]]:
    """Rows of a card: the scores of each shape's histories, the bank's and one's own."""
    rows = []
    for shape in sorted(set(shapes)):
        some = np.array([s == shape for s in shapes])
        theirs, ours = float(bank[some].mean()), float(own[some].mean())
        rows.append({"world": shape, "scans": int(some.sum()), "conventional": "bank",
                     "conventional_score": round(theirs, 3), "own_score": round(ours, 3),
                     "gain": round(theirs - ours, 3)})  # fmt: skip
    return rows
