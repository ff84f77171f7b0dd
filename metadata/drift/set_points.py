"""What is remembered of a metric's set-points: how its level and its swing at each differ.

The window of forty days forgets a set-point that is not in force; when it comes back after months
its level would be as unknown as at first. Here the difference of each set-point from the
first one is kept, with how sure it is, and taken for known when it returns.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.normal import Normal, covariance
from metadata.drift.window import KEPT, PER_DAY, Window

Floats = NDArray[np.float64]

MOST = 32  # set-points; of more those that were in force longest ago are forgotten
GAIN = 0.5  # deviation of a swing that nothing is known of, of the usual one
LEAST = 12.0  # parts of bins under a set-point from which its level is learned
# What is not in force changes by itself, a year: readings' deviations, and of the usual swing.
AGES, GAIN_AGES = 0.5, 0.15
# Nothing is remembered more surely than so, of what is unknown at first: a stay of days at a
# set-point may have been an odd one.
SUREST = 0.25


@dataclass
class Known:
    """Of one set-point: level (metric's unit, from the first set-point's) and gain of the swing
    (from the usual) with variances, ``kept`` from before the window and ``now`` with it; numbers
    of the bins at which they were kept and last seen."""

    key: float
    kept: list[float]
    now: list[float]
    since: int
    seen: int


class SetPoints:
    """The set-points of one metric."""

    def __init__(self) -> None:
        self._known: list[Known] = []

    def __len__(self) -> int:
        return len(self._known)

    def prior(self, keys: Floats, key_size: float, index: int) -> tuple[Floats, Floats]:
        """Means and variances (2, keys) of level and gain as they are believed before anything of
        the window is read."""
        means, variances = np.zeros((2, len(keys))), np.zeros((2, len(keys)))
        variances[0], variances[1] = key_size**2, GAIN**2
        for place, key in enumerate(keys):
            known = self._of(float(key))
            if known is not None:
                years = max(index - known.since, 0) / PER_DAY / 365.25
                level, sure, gain, even = known.kept
                means[:, place] = level, gain
                older = (AGES * key_size / 3) ** 2 * years, GAIN_AGES**2 * years
                least = (SUREST * key_size) ** 2, (SUREST * GAIN) ** 2
                variances[0, place] = min(max(sure, least[0]) + older[0], key_size**2)
                variances[1, place] = min(max(even, least[1]) + older[1], GAIN**2)
        return means, variances

    def at(self, window: Window, key: float, key_size: float, index: int) -> Window:
        """The window with its means as they would be at set-point ``key``; what is unsure of the
        others is in ``keys``. ``key_size``: deviation of levels that nothing is known of."""
        if not len(window.set_points) or not self._known:
            return window
        if len(window.set_points) == 1:
            ours = np.array([window.set_points[0], key])
            apart = self.prior(ours, key_size, index)[0][0]
            return replace(window, y=window.y + (apart[1] - apart[0]))
        means, variances = self.prior(window.set_points, key_size, index)
        (level,), (gain,) = self.prior(np.array([key]), key_size, index)[0]
        # The swing that was taken off is that of all set-points in the window.
        usual = window.n @ window.keys @ means[1] / window.n.sum()
        y = window.y - window.keys @ (means[0] - level)
        y = y - (window.keys @ (means[1] - usual)) * window.swing
        wide = max(1 + gain - usual, 0.2)
        return replace(
            window, y=y, keys=window.keys * (np.sqrt(variances[0]) / key_size),
            low=window.low * wide, high=window.high * wide,
        )  # fmt: skip

    def learn(
        self, window: Window, normal: Normal, step: float, key_size: float, index: int
    ) -> None:
        """What a window without a drift says of the set-points in it (the window as it was read;
        posterior of a linear model with the normal as its noise)."""
        keys = window.set_points
        if not window.keys.shape[1]:
            return
        if not self._known:
            amount = window.n @ window.keys
            first = float(keys[int(np.argmax(amount))])
            # All others are told from this one.
            nothing = [0.0, 1e-12 * key_size**2, 0.0, GAIN**2]
            self._known = [Known(first, nothing, nothing, index, index)]
        means, variances = self.prior(keys, key_size, index)
        design = np.concatenate([window.keys, window.keys * window.swing[:, None]], axis=1)
        mean, spread = means.ravel(), variances.ravel()
        plain = replace(window, keys=np.zeros((len(window.rows), 0)))
        total = covariance(normal, plain, step, key_size) + (design * spread) @ design.T
        apart = window.y - design @ mean
        apart = apart - float(np.average(apart, weights=window.n))
        solved = np.linalg.solve(total, np.column_stack([apart, design * spread]))
        found = mean + spread * (design.T @ solved[:, 0])
        left = spread - np.einsum("ij,ij->j", design * spread, solved[:, 1:])
        left = np.maximum(left, 1e-6 * spread)
        many = len(keys)
        for place, key in enumerate(keys):
            if window.n @ window.keys[:, place] < LEAST:
                continue
            now = [found[place], left[place], found[many + place], left[many + place]]
            known = self._of(float(key))
            if known is None:
                kept = [mean[place], spread[place], mean[many + place], spread[many + place]]
                known = Known(float(key), [float(v) for v in kept], [], index - 1, index)
                self._known.append(known)
            known.now, known.seen = [float(v) for v in now], index
            if index - known.since >= KEPT:  # all in the window is newer than what was kept
                known.kept, known.since = known.now, index
        for known in self._known:
            if known.since < known.seen < index:  # it has left the window
                known.kept, known.since = known.now, known.seen
        self._known = sorted(self._known, key=lambda k: k.seen)[-MOST:]

    def levels(self, keys: Floats, key_size: float, index: int) -> Floats:
        """Levels of set-points (n,) from that of the first one, 0 where nothing is known."""
        return self.prior(keys, key_size, index)[0][0]

    def _of(self, key: float) -> Known | None:
        return next((k for k in self._known if k.key == key), None)

    def to_state(self) -> Floats:
        """A row each."""
        rows = [[k.key, *k.kept, *k.now, k.since, k.seen] for k in self._known]
        return np.array(rows, float).reshape(-1, 11)

    @classmethod
    def from_state(cls, state: Any) -> SetPoints:
        points = cls()
        points._known = [
            Known(float(row[0]), [float(v) for v in row[1:5]], [float(v) for v in row[5:9]],
                  int(row[9]), int(row[10])) for row in state
        ]  # fmt: skip
        return points


def rest(state: Mapping[str, Any]) -> SetPoints:
    """Of a judge's state, which may be older than this memory."""
    return SetPoints.from_state(state.get("set_points", ()))
