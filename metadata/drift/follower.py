"""Follows one metric: gathers its samples into bins and says of each sample what is known."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.away import BACK, HOME, KNOWN, Away
from metadata.drift.beam import is_ring_current
from metadata.drift.bins import BIN_S, Bins, ClosedBin
from metadata.drift.block import Block
from metadata.drift.clock import Clock
from metadata.drift.judge import Judge
from metadata.drift.nearing import Nearing
from metadata.drift.own_gaps import OwnGaps
from metadata.drift.passage import Passage
from metadata.drift.regimes import AWAY, MAINTENANCE, RECOVERY, REFILL, STEADY, Timeline
from metadata.drift.roughness import Roughness
from metadata.drift.saw_tooth import SawTooth
from metadata.drift.settings import MonitorSettings
from metadata.drift.stuck import Stuck
from metadata.drift.ticks import Ticks
from metadata.drift.together import Said
from metadata.drift.verdict import Cause
from metadata.drift.verdicts import ALARM, GAP, MOVING, QUIET, WARNING, Verdicts
from metadata.drift.window import DAY
from metadata.series import Limits, Mark, MetricInfo, Samples

Floats = NDArray[np.float64]

KEPT = ("shown", "silent", "resets", "inside")
PARTS = {"clock": Clock, "bins": Bins, "rough": Roughness, "judge": Judge, "stuck": Stuck,
         "tooth": SawTooth, "gaps": OwnGaps, "passage": Passage, "nearing": Nearing,
         "ticks": Ticks, "away": Away}  # fmt: skip
# No instrument reads this: what a broken format or driver makes.
WILDEST = 1e100


class Follower:
    """Everything known of one metric. A block is taken in by :meth:`begin`, bin by bin by
    :meth:`step`, and answered by :meth:`finish`. ``info.limits`` may be changed at any time."""

    def __init__(self, info: MetricInfo, settings: MonitorSettings) -> None:
        self.info, self.settings = info, settings
        self.clock, self.bins, self.rough = Clock(), Bins(), Roughness()
        self.judge, self.stuck = Judge(), Stuck()
        self.tooth, self.gaps, self.passage = SawTooth(), OwnGaps(), Passage()
        self.nearing, self.away = Nearing(), Away()
        self.ticks, self.beam = Ticks(settings.false_alarm_days), is_ring_current(info)
        self.causes: tuple[Cause, ...] = ()
        #: Seconds after a bin's end at which it is judged, and the one that waits for that.
        self.delay = 0.0
        self.waiting: ClosedBin | None = None
        #: Whether the level of the last bin may have been inside the limits.
        self.inside = True
        #: The state that was told last, and how many readings in a row are missing.
        self.shown, self.silent = -1, 0
        self.resets = 0

    @property
    def limits(self) -> Limits:
        return self.info.limits or Limits()

    def begin(self, samples: Samples, timeline: Timeline) -> list[tuple[float, int, int]]:
        """Take in a block; for each bin of it the clock at its first sample, and its slice."""
        times, values = samples.times, np.asarray(samples.values, float)
        clock, placed = self.clock.update(times)
        good = (samples.marks == Mark.GOOD) | (samples.marks == Mark.RESTARTED)
        with np.errstate(invalid="ignore"):
            good = good & placed & (np.abs(values) < WILDEST)
        held = self.stuck.update(values, good)
        real = good & (held == 0)
        regimes = timeline.codes(clock)
        if clock[0] < max(timeline.logged, self.gaps.until):
            told = clock >= timeline.logged  # from then on the log book says it
            regimes = self.gaps.update(clock, real & ~told, regimes)
        steady = np.isin(regimes, STEADY)
        rising = self.tooth.update(times, values, real)
        if self.beam:  # elsewhere a rise may be anything
            regimes = np.where(rising & steady, np.int8(REFILL), regimes)
        self._block = Block(samples, timeline, clock, values, good, held, regimes.astype(np.int8),
                            steady & real)  # fmt: skip
        if not self.limited and not self.beam:  # with a limit the drift counts, not each reading
            block = self._block
            block.anomalies, block.moved = self.ticks.update(clock, values, block.steady)
        cuts = self.bins.segments(clock, self.delay)
        return [(float(clock[a]), a, b) for a, b in cuts]

    @property
    def limited(self) -> bool:
        """Whether there is a limit on either side."""
        return bool(np.isfinite(self.limits.low) or np.isfinite(self.limits.high))

    def readings(self) -> tuple[Floats, Floats, NDArray[np.bool_]]:
        """Of the block: clock, values, and which of them were read in a steady regime (repeats of a
        value too: beside the other channels they tell something)."""
        block = self._block
        return block.clock, block.values, block.good & np.isin(block.regimes, STEADY)

    def share(self, said: Said) -> None:
        """Of the block's samples that were read with others what all together say counts."""
        block = self._block
        block.moved[said.shared] = False
        block.moved[said.leads] = True
        block.anomalies[said.leads] = np.maximum(block.anomalies[said.leads], said.scores)

    def advance(self, start: int) -> bool:
        """Open the bin of sample ``start``; True when a judgement was made of one before."""
        now = float(self._block.clock[start])
        index = int(now // BIN_S)
        closed = self.bins.advance(index)
        judged = False
        if closed is not None and closed.index <= index:  # else a clock that was wrong is back
            self.rough.settle()
            judged = self.waiting is not None and self._judge(self.waiting)
            self.waiting = closed
        if self.waiting is not None and now >= (self.waiting.index + 1) * BIN_S + self.delay:
            judged, self.waiting = self._judge(self.waiting) or judged, None
        return judged

    def _judge(self, closed: ClosedBin) -> bool:
        """What is known when that bin is over; whether that led to a new judgement."""
        timeline = self._block.timeline
        middle = (closed.index + 0.5) * BIN_S
        era = timeline.era(middle) + self.gaps.era(middle)
        resets = timeline.reset(middle)
        if resets > self.resets:
            self.resets = resets
            self.judge.restart(closed.index)
            self.passage, self.nearing = Passage(), Nearing()
        elif self.passage.reached and int(timeline.codes(np.array([middle]))[0]) == MAINTENANCE:
            # Repaired, it may be: what comes after is a new baseline of any size.
            self.judge.repair(closed.index + 1, self.passage.reached, self.limits)
            self.passage, self.nearing = Passage(), Nearing()
        judged = self.judge.close(closed, era, timeline.key(middle), self.rough.deviation,
                                  self.limits, self.settings,
                                  bool(np.isfinite(timeline.logged)))  # fmt: skip
        if closed.subs:
            self.away.level = closed.mean
            # While the drift stands, noise about the limit ends no alarm
            margin = APART * self.judge.reading if self.judge.state == WARNING else 0.0
            self.passage.release(closed.mean, self.limits, margin)
            apart = APART * self.judge.reading / float(np.sqrt(closed.subs))
            low, high = self.limits.low, self.limits.high
            # Before anything is judged its noise is not known, and nothing is told of the time.
            self.inside = not (closed.mean < low - apart or closed.mean > high + apart)
        if judged:
            self._learn()
        return judged

    def _learn(self) -> None:
        judge = self.judge
        if judge.calm and not self.passage.reached:
            judge.learned.gone()
        elif judge.state == WARNING and judge.forecast is not None:
            low, middle, high = (d * DAY for d in judge.forecast.days)
            judge.learned.tell(judge.decided, low, middle, high)
        if not judge.possible:
            self.causes = ()

    def step(self, start: int, stop: int) -> None:
        """Take in samples ``start … stop`` of the block, all of the open bin."""
        block, part = self._block, slice(start, stop)
        heard = block.steady[part]
        away, back, lost = self._away(part, heard)
        heard, use = heard & (away < KNOWN), heard & (away == HOME)
        values = block.values[part][use]
        self.bins.add(block.clock[part][use], values)
        self.rough.update(values)
        before = self.passage.reached
        reached, sides = np.zeros(len(use), bool), np.zeros(len(use), np.int8)
        for a, b in pairwise([0, *sorted([*back, *lost]), len(use)]):
            if a in back:
                self.passage = Passage()
            elif a in lost:
                self.passage.outside()
            reached[a:b] = self.passage.update(block.values[part][a:b], heard[a:b], self.limits)
            sides[a:b] = self.passage.reached
        near = np.zeros(len(use), np.int8)
        if np.isfinite(self.judge.usual):
            edges = self.judge.edges(self.limits)
            near = self.nearing.update(block.clock[part], block.values[part], use, *edges)
        state = np.where(near != 0, WARNING, self.judge.state)
        block.codes[part] = np.where(reached, ALARM, state)
        self._tell(part, reached, sides, near)
        if self.passage.reached and not before:
            first = start + int(np.argmax(reached))
            self.judge.learned.arrived(float(self._block.clock[first]))

    def _away(
        self, part: slice, use: NDArray[np.bool_]
    ) -> tuple[NDArray[np.int8], list[int], list[int]]:
        """What is known of readings far outside the limits, as :meth:`Away.update` has it; a log
        book knows better."""
        block, limits = self._block, self.limits
        unlogged = block.clock[part] < block.timeline.logged
        if not self.limited or not unlogged.any() or not np.isfinite(self.judge.usual):
            return np.zeros(len(use), np.int8), [], []
        codes, back, lost = self.away.update(
            block.clock[part], block.values[part], use & unlogged, self.judge.edges(limits), limits,
            self.judge.reading,
        )  # fmt: skip
        codes[~unlogged] = HOME
        regimes = block.regimes[part]  # a view
        steady = np.isin(regimes, STEADY) & unlogged  # a reading that repeats itself is away too
        regimes[(codes == KNOWN) & steady], regimes[(codes == BACK) & steady] = AWAY, RECOVERY
        for place in back:
            if codes[place] == BACK:
                self.gaps.back(float(block.clock[part][place]))
        return codes, back, lost

    def _tell(
        self,
        part: slice,
        reached: NDArray[np.bool_],
        sides: NDArray[np.int8],
        near: NDArray[np.int8],
    ) -> None:
        judge, found = self.judge, self.judge.forecast
        scores, limits, seconds, lows, highs = (row[part] for row in self._block.numbers)
        limit = self.limits
        side = found.side if found is not None else 0
        if judge.open:
            limits[:] = limit.high if side > 0 else limit.low
        limits[near > 0], limits[near < 0] = limit.high, limit.low
        limits[reached & (sides > 0)] = limit.high
        limits[reached & (sides < 0)] = limit.low
        if found is not None:
            # Without a limit a drift is toward nothing, and each reading speaks for itself.
            if np.isfinite(limit.low) or np.isfinite(limit.high):
                scores[:] = 1 / (1 + np.exp(-np.clip(found.odds - CENTRE, -30, 30)))
            scores[reached] = 1.0
            told = (near == side) | judge.open
            if told.any() and np.isfinite(limit.high if side > 0 else limit.low):
                gone = self._block.clock[part] - judge.decided
                low, middle, high = (d * DAY for d in found.days)
                low, high = judge.learned.interval(low, middle, high)
                # As time passes the end comes nearer, but is not there before it is.
                for array, of in ((seconds, middle), (lows, low), (highs, high)):
                    array[told] = np.maximum(of - gone, 0.3 * of)[told]
            if self.causes and judge.possible:
                self._block.named[part] = len(self._block.causes)
                self._block.causes.append(self.causes)
        limits[~np.isfinite(limits)] = np.nan
        # Single readings are beyond it before the level is: then the time is not over.
        over = reached & ~(np.isfinite(seconds) & self.inside)
        seconds[over] = lows[over] = highs[over] = 0.0

    def finish(self) -> Verdicts:
        """What is said of each sample of the block, which is then let go."""
        block = self._block
        del self._block
        codes, numbers = block.codes, block.numbers
        unjudged = ~np.isin(block.regimes, STEADY)
        silent = ~block.good | (block.held == 2)
        numbers[0] = np.maximum(numbers[0], block.anomalies)
        codes[block.moved & (codes == QUIET)] = MOVING
        codes[unjudged] = QUIET
        away = block.regimes == AWAY
        codes[away] = MOVING  # beyond its limit it is, and that is never kept back
        codes[silent] = GAP
        # While nothing is judged, what was known of the time to the limit holds.
        numbers[1:, silent | away] = np.nan
        block.named[silent | away] = -1
        changed = self._told(codes)
        scores, limits, seconds, lows, highs = numbers
        return Verdicts(
            self.info.name, block.samples.times, codes, scores, block.values, limits, seconds, lows,
            highs, block.anomalies, block.regimes, block.named, changed, tuple(block.causes),
            self.info.unit,
        )  # fmt: skip

    def _told(self, codes: NDArray[np.int8]) -> NDArray[np.bool_]:
        """Where the state is another than what was told last. A reading or two that are missing are
        marked and not told."""
        gap, place = codes == GAP, np.arange(len(codes))
        before = np.maximum.accumulate(np.where(gap, -1, place))
        run = np.where(before < 0, self.silent + place + 1, place - before)
        short = gap & (run < TOLD)
        last = np.maximum.accumulate(np.where(short, -1, place))
        told = np.where(last < 0, self.shown, codes[last])
        changed = np.diff(told, prepend=self.shown) != 0
        self.shown, self.silent = int(told[-1]), int(run[-1])
        return np.asarray(changed)

    def to_state(self) -> dict[str, Any]:
        """Plain numbers, arrays and dicts of them; :meth:`from_state` goes on from there."""
        limits = self.limits
        return {
            "info": [
                self.info.name,
                self.info.unit,
                limits.low,
                limits.high,
                self.info.about,
                self.info.source,
            ],
            "waiting": vars(self.waiting) if self.waiting else None,
            "causes": [[c.metric, c.kind, c.score] for c in self.causes],
            **{name: getattr(self, name) for name in KEPT},
            **{name: getattr(self, name).to_state() for name in PARTS},
        }

    @classmethod
    def from_state(cls, state: Mapping[str, Any], settings: MonitorSettings) -> Follower:
        name, unit, low, high, *told = state["info"]
        follower = cls(MetricInfo(name, unit, Limits(low, high), *told), settings)
        for kept in KEPT:
            setattr(follower, kept, state[kept])
        for part, kind in PARTS.items():
            setattr(follower, part, kind.from_state(state[part]))  # type: ignore[attr-defined]
        if state["waiting"]:
            follower.waiting = ClosedBin(**state["waiting"])
        follower.causes = tuple(Cause(*c) for c in state["causes"])
        return follower


TOLD = 3  # readings in a row that are missing
APART = 2.0  # standard deviations of a reading
CENTRE = 3.0  # log odds at which the score is a half
