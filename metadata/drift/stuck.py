"""Readings that no longer change: a channel that is disconnected shows its last value for ever."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float64]

USUAL, WEIGHT = 0.05, 20.0
UNLIKELY = 1e-6
NEVER = 0.9  # a set-point repeats itself most of the time: it can be held for ever
HOLDS = 0.5  # of the new values held for long: what goes in such steps can be held for ever, too
EVERY = 512


class Stuck:
    """Tells held values from readings that repeat because they are read in steps."""

    def __init__(self) -> None:
        self._value = np.nan
        self._run = 0
        self._same, self._all = USUAL * WEIGHT, WEIGHT
        self._new_same, self._new_all = 0, 0
        #: Repeats in unusually long holds that ended, and the number of these holds.
        self._ended, self._holds = 0.0, 0.0
        self._new_ended, self._new_holds = 0, 0

    @property
    def allowed(self) -> float:
        """So many repeats in a row are still normal."""
        usual = self._same / self._all
        steps = self._holds > HOLDS * (self._all - self._same - self._ended)
        held = usual > NEVER or steps
        return np.inf if held else max(3.0, np.log(UNLIKELY) / np.log(usual))

    def update(self, values: Floats, good: NDArray[np.bool_]) -> NDArray[np.int8]:
        """For each sample: 0 a reading, 1 a repeat that is unusual for this metric, 2 held."""
        out = np.zeros(len(values), np.int8)
        places = np.flatnonzero(good)
        if not len(places):
            return out
        row = values[places]
        same = np.concatenate([[self._value], row[:-1]]) == row
        count = np.arange(1, len(row) + 1)
        begun = np.where(~same, count, 0)
        last = np.maximum.accumulate(begun)
        run = np.where(last > 0, count - last, self._run + count)
        before = np.concatenate([[self._run], run[:-1]])
        # What is usual is counted by fixed numbers of samples, whatever the blocks.
        at = 0
        while at < len(row):
            stop = min(len(row), at + EVERY - self._new_all)
            allowed = self.allowed
            piece = slice(at, stop)
            rare = self._same / self._all < 0.2
            state = np.where(run[piece] > allowed, 2, (run[piece] > 0) & rare)
            out[places[piece]] = state
            self._new_all += stop - at
            self._new_same += int((same[piece] & (run[piece] <= allowed)).sum())
            if np.isfinite(allowed):
                over = ~same[piece] & (before[piece] > allowed)
                self._new_ended += int(before[piece][over].sum())
                self._new_holds += int(over.sum())
            if self._new_all == EVERY:
                self._same, self._all = self._same + self._new_same, self._all + EVERY
                self._ended += self._new_ended
                self._holds += self._new_holds
                if self._all > 64 * EVERY:
                    self._same, self._all = self._same / 2, self._all / 2
                    self._ended, self._holds = self._ended / 2, self._holds / 2
                self._new_ended = self._new_holds = 0
                self._new_same = self._new_all = 0
            at = stop
        self._value, self._run = float(row[-1]), int(run[-1])
        return out

    def to_state(self) -> dict[str, Any]:
        return dict(vars(self))

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Stuck:
        stuck = cls()
        for name, kept in vars(stuck).items():
            setattr(stuck, name, type(kept)(state.get(name, kept)))
        return stuck
