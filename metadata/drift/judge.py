"""Judges a metric each time a bin is over: its normal, how likely it drifts, and until when."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import BIN_S, OUTLYING, ClosedBin
from metadata.drift.cause import Seen
from metadata.drift.episode import NOW_DAYS, Episode
from metadata.drift.forecast import SEEN, Forecast, bases, forecast, guess
from metadata.drift.learning import Learned
from metadata.drift.nearing import SHARE
from metadata.drift.normal import Normal, learn
from metadata.drift.sequence import read_window
from metadata.drift.set_points import SetPoints, rest
from metadata.drift.settings import MonitorSettings
from metadata.drift.shapes import AGES
from metadata.drift.verdicts import MOVING, QUIET, WARNING
from metadata.drift.weighing import weighed
from metadata.drift.window import Recent, Window
from metadata.series import Limits

Floats = NDArray[np.float64]

FIRST_BINS, FIRST_PARTS = 8 * 3, 40
FEW = 3  # parts of a bin that are too few to leave an outlier out
LEARN_BINS = 8 * 4
SETTLED = 8 * 14
# A level that is set anew moves by up to a quarter of the way to the limit.
STEP_SHARE = 0.17
KEY_SIZE = 3.0
# How far swing, fast moves and wander reach when the limit is met, of mean and deviations: what
# true ways to the limit differ by from the level's (draw_history, seeds 2000 to 2199).
SWING_REACH, FAST_REACH, SLOW_REACH = 0.65, 1.3, 0.9
# So many deviations of a reading above its normal a metric is not by chance.
NOISE_REACH = 3.0
# Without a limit: as if one were so many deviations of a reading away.
UNLIMITED = 12.0
#: Log odds of a drift (a priori one begins each day, which makes little of them) from which one
#: is seen, below which the normal is learned, above which it is worth looking for its cause, and
#: above which it is not ruled out (0.4 left out 2 of 1055 drifts at half of the life, seeds 310000
#: to 311054).
MOVES, CALM, POSSIBLE, OPEN = 3.0, 1.5, 0.8, 0.0
# What is taken for repaired or for a new normal without a word in the log book may go on all the
# same (drifts by jumps go back at times): for so many days the time to the limit stays open.
DOUBTED = 80
# Nor is repaired what maintenance leaves beyond so much of the way to the limit that was reached.
MENDED = 0.5
# Log odds, with what the whole way to the limit is worth, that false warnings pass once in 100
# days (draw_history, seeds below 10000: docs/drift.md), how many less or more for each e times
# fewer or more days (the last: seeds 612000 to 612089).
WARN_AT, FEWER_DAYS, MORE_DAYS, HYSTERESIS, NEAR = 13.0, 2.2, 5.0, 1.0, 20.0
STAYS = 1.0  # what moves does so until its log odds are so much lower
MONTH_DAYS = 30.0


class Judge:
    """What is known of a metric's past, and what that says now."""

    def __init__(self) -> None:
        self.recent = Recent()
        self.normal: Normal | None = None
        self.forecast: Forecast | None = None
        self.weights: NDArray[np.float16] | None = None
        self.learned = Learned()
        self.set_points, self.key = SetPoints(), 0.0
        self.state, self.calm = QUIET, True
        self.decided = -np.inf
        self.closed = 0
        self.last_learned = 0
        self.since = -1
        self.reading = np.nan
        #: Last month's level, and how far the metric's normal reaches below and above it.
        self.usual, self.reach = np.nan, (0.0, 0.0)
        self.episode = Episode()
        #: Until the end of which bin an end that nobody told of is doubted, and of which side.
        self.doubted, self.side = -1, 0
        #: What lies beyond this after maintenance was not repaired (NaN: nothing was to be).
        self.mended = np.nan
        #: Whether the warning began with the last bin.
        self.rose = False
        self.daily = False
        self.parts = 0
        self.tail: list[float] = []

    def close(
        self,
        closed: ClosedBin,
        era: int,
        key: float,
        reading: float,
        limits: Limits,
        settings: MonitorSettings,
        logged: bool = True,
    ) -> bool:
        """A bin is over; whether that led to a new judgement. ``reading``: standard deviation of
        a single reading. ``logged``: a log book tells when levels are set anew."""  # fmt: skip
        if closed.subs == 0:
            return False
        if closed.subs < FEW:
            closed = replace(closed, mean=self._likely(closed.mean))
        self.recent.add(closed, era, key)
        self.closed += 1
        self.parts += closed.subs
        self._mend(closed)
        variance = self.recent.noise_variance()
        # Where no two parts of a bin are neighbours each of them is one reading.
        noise = float(np.sqrt(variance)) if np.isfinite(variance) else reading
        if not np.isfinite(noise) or self.closed < FIRST_BINS or self.parts < FIRST_PARTS:
            return False
        window = self.recent.window(closed.index, self.since)
        if window is None or len(window.rows) < 4:
            return False
        noise = max(noise, _finest(window, limits))
        self.reading, self.key = max(reading, noise), key
        read, window = window, self._here(window, closed.index)
        low, high = self._limits(window, limits)
        step, key_size = self.sizes(window, low, high)
        due = self.closed - self.last_learned >= min(LEARN_BINS, self.closed // 4)
        calm = self.forecast is None or self.forecast.moved < CALM
        # What was taken for moves within hours before the day's swing was known is none.
        daily = bool(np.any(window.swing))
        if self.normal is None or (due and calm) or (daily and not self.daily):
            self.daily = daily
            learned = learn(window, noise, self.reading, step, key_size)
            if self.normal is not None and self.closed > SETTLED:
                # A slow drift must not become wander before it is seen.
                slow = np.clip(learned.slow / self.normal.slow, 0.8, 1.07) * self.normal.slow
                learned = replace(learned, slow=float(slow))
            self.normal = learned
            if settings.remember and calm:
                self.set_points.learn(read, learned, step, key_size, closed.index)
            self.last_learned = self.closed
        fast = FAST_REACH * self.normal.fast + SLOW_REACH * self.normal.slow
        reach = (SWING_REACH * -window.low + fast, SWING_REACH * window.high + fast)
        self.usual, self.reach = _usual(window), reach
        limited = np.isfinite(limits.low) or np.isfinite(limits.high)
        found = forecast(self.normal, window, (low, high), reach, step, key_size,
                         logged or not limited)  # fmt: skip
        self.decided = (closed.index + 1) * BIN_S
        self.forecast, self.weights = None, None
        odds = -np.inf
        if found is not None:
            self.forecast, odds = found[0], found[0].odds
            self.weights = found[1].astype(np.float16)
            if odds <= SEEN < self.forecast.moved:
                # Likelier a level set anew: when a drift in it would be over nobody can tell.
                self.forecast = replace(self.forecast, days=guess(self.forecast.side).days)
            elif settings.network and odds > SEEN:
                view = self.view(window, limits)
                if view is not None:
                    limit = limits.high if self.forecast.side > 0 else limits.low
                    way = abs(limit - self.usual)
                    self.forecast = weighed(self.forecast, self.normal, window, view, way)
        elif closed.index < self.doubted:
            self.forecast = guess(self.side)
        near = NEAR * _nearness(window, self.usual, limits)
        self._settle(odds, odds + near, limits, settings)
        self._follow(closed.index, window, (low, high), logged)
        if not self.possible:
            self.weights = None  # nobody asks what causes it
        return True

    def _here(self, window: Window, index: int) -> Window:
        """The window with its means as they would be at the set-point in force."""
        return self.set_points.at(window, self.key, KEY_SIZE * self.reading, index)

    def _likely(self, mean: float) -> float:
        """What comes rarely cannot be averaged: one reading far from the median of the last five
        counts as one at the edge."""
        self.tail = [*self.tail, mean][-5:]
        middle = float(np.median(self.tail))
        far = OUTLYING * self.normal.noise if self.normal else np.inf
        return float(np.clip(mean, middle - far, middle + far))

    def _follow(
        self, index: int, window: Window, limits: tuple[float, float], logged: bool
    ) -> None:
        """While a warning stands: has what moved come back, or does it rest? Where no log book
        tells of repairs, what ends a warning may be one."""
        if self.state != WARNING or self.forecast is None or self.normal is None:
            if logged or self.normal is None or self.episode.past(index):
                self.episode = Episode()
            elif self.episode.left(window, self._spread()):
                self._end(index, index - 1, int(np.sign(self.episode.way)))
            return
        base = bases(window)[int(np.argmin(np.abs(AGES - self.forecast.age)))]
        way = (limits[1] if self.forecast.side > 0 else limits[0]) - base
        if np.isfinite(way):
            since = self.episode.over(index, window, float(base), float(way), self._spread())
            if since >= 0:
                self._end(index, since, self.forecast.side)

    def _end(self, index: int, since: int, side: int) -> None:
        """At the end of bin ``index``: a drift to that ``side`` is over, as it seems, and another
        normal holds from bin ``since`` on."""
        self.restart(since)
        self.side, self.doubted, self.forecast = side, index + DOUBTED, guess(side)

    def _spread(self) -> float:
        """Standard deviation of half a day's level."""
        assert self.normal is not None
        normal = self.normal
        return float(np.sqrt(normal.slow**2 + normal.fast**2 + normal.noise**2 / 12))

    def _settle(
        self, odds: float, urgency: float, limits: Limits, settings: MonitorSettings
    ) -> None:
        """The state that these odds make of the one before; near the limit lower ones suffice."""
        longer = float(np.log(settings.false_alarm_days / 100))
        warn = WARN_AT + (MORE_DAYS if longer > 0 else FEWER_DAYS) * longer
        limited = np.isfinite(limits.low) or np.isfinite(limits.high)
        before, self.calm = self.state, False
        stays = self.state == WARNING and urgency > warn - HYSTERESIS
        if limited and (urgency > warn or stays):
            self.state = WARNING
        else:
            moves = MOVES if limited else warn
            self.calm = odds <= moves
            still = (
                before != QUIET and odds > moves - STAYS
            )  # not said each time noise takes it off
            self.state = QUIET if self.calm and not still else MOVING
        self.rose = self.state == WARNING and before != WARNING

    @property
    def possible(self) -> bool:
        """A drift is likely enough for its cause to be looked for."""
        found = self.forecast
        return found is not None and (found.moved > POSSIBLE or self.state == WARNING)

    @property
    def open(self) -> bool:
        """A drift is not ruled out: when it would be at the limit is worth saying."""
        doubted = self.decided <= self.doubted * BIN_S
        return self.forecast is not None and (
            doubted or self.forecast.moved > OPEN or self.state == WARNING
        )

    def repair(self, index: int, side: int, limits: Limits) -> None:
        """The limit on that ``side`` was reached and maintenance began: from bin ``index`` on there
        is a new normal of any size. What then lies near the limit all the same may go on, and until
        a reading tells, the time to the limit stays open."""
        limit = limits.high if side > 0 else limits.low
        mended = self.usual + MENDED * (limit - self.usual)
        self.restart(index)
        self.side, self.mended = side, float(mended)
        # Nobody knows yet whether it was.
        self.doubted, self.forecast, self.decided = index, guess(side), index * BIN_S

    def _mend(self, closed: ClosedBin) -> None:
        """The first bin after maintenance tells whether what had reached its limit was repaired."""
        if closed.index < self.since or not np.isfinite(self.mended):
            return
        if self.side * (closed.mean - self.mended) > 0:
            self.doubted, self.forecast = closed.index + DOUBTED, guess(self.side)
            self.decided = (closed.index + 1) * BIN_S
        else:
            self.doubted, self.forecast = -1, None
        self.mended = np.nan

    def restart(self, index: int) -> None:
        """What was before bin ``index`` is no longer its normal (a repair, a new objective)."""
        self.since = index
        self.doubted, self.mended = -1, np.nan
        self.forecast, self.weights, self.state, self.calm = None, None, QUIET, True
        self.usual = np.nan
        self.episode = Episode()
        self.last_learned = self.closed

    def edges(self, limits: Limits) -> tuple[float, float]:
        """Beyond these it is near a limit: :data:`SHARE` of the way from last month's level, and
        further off that than its normal comes."""
        apart = [beyond + NOISE_REACH * self.reading for beyond in self.reach]
        low = self.usual - max(SHARE * (self.usual - limits.low), apart[0])
        high = self.usual + max(SHARE * (limits.high - self.usual), apart[1])
        return (max(low, limits.low) if np.isfinite(low) else -np.inf,
                min(high, limits.high) if np.isfinite(high) else np.inf)  # fmt: skip

    def seen(self, newest: int, limits: Limits, whole: bool = True) -> Seen | None:
        """As a possible cause of another's drift: what was known when bin ``newest`` was over;
        ``whole``: what was before a new baseline too."""
        if self.normal is None:
            return None
        # What moved before its own repair moved all the same.
        window = self.recent.window(newest, -1 if whole else self.since)
        if window is None or len(window.rows) < 4:
            return None
        window = self._here(window, newest)
        low, high = self._limits(window, limits)
        step, key = self.sizes(window, low, high)
        return Seen(window, self.normal, self.reading, step, key)

    def view(self, window: Window, limits: Limits) -> NDArray[np.float32] | None:
        """What the network reads of a window; None where there is no limit ahead."""
        side = self.forecast.side if self.forecast else 0
        limit = limits.high - self.reach[1] if side > 0 else limits.low + self.reach[0]
        if not np.isfinite(limit) or not side * (limit - self.usual) > self.reading:
            return None
        return read_window(window, self.usual, limit)

    def _limits(self, window: Window, limits: Limits) -> tuple[float, float]:
        if np.isfinite(limits.low) or np.isfinite(limits.high):
            return limits.low, limits.high
        level = float(window.y @ window.n / window.n.sum())
        way = UNLIMITED * self.reading
        return level - way + window.low, level + way + window.high

    def sizes(self, window: Window, low: float, high: float) -> tuple[float, float]:
        level = float(window.y @ window.n / window.n.sum())
        ways = [w for w in (high - level - window.high, level - low + window.low)
                if np.isfinite(w)]  # fmt: skip
        way = max(min(ways), 0.0) if ways else 0.0
        return STEP_SHARE * way, KEY_SIZE * self.reading

    def to_state(self) -> dict[str, Any]:
        state = dict(vars(self))
        state["set_points"] = self.set_points.to_state()
        state["recent"] = self.recent.to_state()
        state["learned"] = self.learned.to_state()
        state["episode"] = self.episode.to_state()
        state["normal"] = vars(self.normal) if self.normal else None
        state["forecast"] = vars(self.forecast) if self.forecast else None
        return state

    @classmethod
    def from_state(cls, state: Mapping[str, Any]) -> Judge:
        judge = cls()
        for name in vars(judge):
            setattr(judge, name, state.get(name, getattr(judge, name)))
        judge.set_points = rest(state)
        judge.recent = Recent.from_state(state["recent"])
        judge.learned = Learned.from_state(state["learned"])
        judge.episode = Episode.from_state(state["episode"])
        judge.normal = Normal(**state["normal"]) if state["normal"] else None
        found = state["forecast"]
        if found:
            listed = {name: tuple(found[name]) for name in ("days", "shapes", "apart")}
            judge.forecast = Forecast(**(found | listed))
        return judge


def _usual(window: Window) -> float:
    """The level of the last month: the median; NaN where nothing was read in it."""
    month = window.ages < MONTH_DAYS
    if not month.any():
        return np.nan
    order = np.argsort(window.y[month])
    share = np.cumsum(window.n[month][order])
    return float(window.y[month][order][np.searchsorted(share, share[-1] / 2)])


def _nearness(window: Window, usual: float, limits: Limits) -> float:
    """Part of the way from the usual level to a limit at which half a day lies."""
    now = window.ages < NOW_DAYS
    if not now.any() or not np.isfinite(usual):
        return 0.0
    level = float(np.average(window.y[now], weights=window.n[now]))
    gone = [(level - usual) / (limit - usual) for limit in (limits.low, limits.high)
            if np.isfinite(limit) and limit != usual]  # fmt: skip
    return min(max(gone, default=0.0), 1.0)


def _finest(window: Window, limits: Limits) -> float:
    """What no noise is smaller than: the resolution of the numbers, and a hundred-thousandth of
    the way to the limit (what is read in coarse steps has none of its own)."""
    level = float(window.y @ window.n / window.n.sum())
    ways = [abs(limit - level) for limit in (limits.low, limits.high) if np.isfinite(limit)]
    return max(4 * float(np.spacing(np.abs(window.y).max())), 1e-5 * min(ways, default=0.0), 1e-90)
