"""How new what is read is: how far from the nearest that was ever read like it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.tail import HALF, Tail

Floats = NDArray[np.float64]
Singles = NDArray[np.float32]

KEPT, EVERY = 5120, 64
SHORT, LONG = 8, 16  # rows of the mean, and of the size of the steps
USUAL = 2048  # readings that tell the middle and the spread
WILD, FAR = 1e37, 1e30  # readings, and deviations, that count as no larger than this
STILL = 0.05  # deviations: steps that are smaller are none
# Middle and spread are others when they differ by so much: in deviations, and the logarithm of
# their ratio.
MOVED, GROWN = 0.25, 0.2


class Novelty:
    """Distance to the nearest earlier neighbour, of two views of each reading: it and the one
    before; and the mean of the last eight with the usual size of the last sixteen steps (detection
    by neighbours, Burnaev and Ishimtsev, arXiv:1608.04585). What came once is known the second
    time: a state that is another is told when it begins, a cycle is not, and nothing is told twice.

    Readings are squeezed to ``arcsinh`` of robust deviations of the last 2048, and kept as 16 bits
    each: fine to a thousandth of what they are. How rare a distance is its own past says
    (:class:`Tail`).
    """

    def __init__(self) -> None:
        #: The readings that came before the batch that is gathered, squeezed, and those of the
        #: batch, less the first of all (when it has 64, the others are seen anew).
        self._kept: NDArray[np.float16] = np.empty(0, np.float16)
        self._batch: Floats = np.empty(0)
        self._origin, self._middle, self._spread = np.nan, np.nan, np.nan
        self._tails = [Tail(), Tail()]
        #: Of the readings kept: squeezed, means, sizes of the steps; None: to be made again.
        self._seen: tuple[Singles, Singles, Singles] | None = None

    def update(self, times: Floats, values: Floats) -> Floats:
        most = self.rarity(values).max(axis=0)
        return np.asarray(most / (most + HALF))

    def rarity(self, values: Floats) -> Floats:
        """Powers of ten (2, n) of how rare the two views of each reading (n,) are."""
        row = np.asarray(values, float)
        tens = np.zeros((2, len(row)))
        there = np.flatnonzero(np.isfinite(row))
        at = 0
        while at < len(there):
            stop = min(len(there), at + EVERY - len(self._batch))
            tens[:, there[at:stop]] = self._rare(row[there[at:stop]])
            at = stop
        self._seen = None  # six times what is kept: not between two calls
        return tens

    def _rare(self, values: Floats) -> Floats:
        """Powers of ten (2, n) of readings of one batch."""
        if not np.isfinite(self._origin):
            self._origin = float(values[0]) if abs(values[0]) < WILD else 0.0
        many = len(values)
        new = np.clip(values - self._origin, -WILD, WILD)
        tens = np.zeros((2, many))
        if np.isfinite(self._spread):
            if self._seen is None:
                none = np.empty(0, np.float32)
                past = np.concatenate([self._kept, self._squeezed(self._batch)])
                self._seen = more((none, none, none), past)
            z, means, sizes = self._seen = more(self._seen, self._squeezed(new))
            tens[0] = self._tails[0].update(nearest(z[1:], z[:-1], many, 2))
            tens[1] = self._tails[1].update(nearest(means, sizes, many, LONG))
        self._batch = np.concatenate([self._batch, new])
        if len(self._batch) == EVERY:
            self._learn()
        return tens

    def _squeezed(self, readings: Floats) -> NDArray[np.float16]:
        near = np.clip((readings - self._middle) / self._spread, -FAR, FAR)
        return np.asarray(2 * np.arcsinh(near / 2)).astype(np.float16)

    def _learn(self) -> None:
        """Keep the batch; see all in a middle and a spread that are new, if they are others."""
        past = self._kept.astype(np.float64)
        readings = self._batch
        if len(past):
            readings = np.concatenate(
                [self._middle + self._spread * 2 * np.sinh(past / 2), readings]
            )
        last = readings[-USUAL:]
        low, quarter, middle, upper, high = np.quantile(last, [0.02, 0.25, 0.5, 0.75, 0.98])
        spread = max((upper - quarter) / 1.35, 0.075 * (high - low))
        spread = float(spread + 1e-7 * np.abs(last).max() + 1e-300)
        apart = abs(float(middle) - self._middle) > MOVED * self._spread
        if not len(past) or apart or abs(np.log(spread / self._spread)) > GROWN:
            self._middle, self._spread = float(middle), spread
            self._kept = self._squeezed(readings[-KEPT:])
        else:
            kept = np.concatenate([self._kept, self._squeezed(self._batch)])
            self._kept = kept[-KEPT:].copy()
        self._batch, self._seen = np.empty(0), None

    def to_state(self) -> dict[str, Any]:
        state = {k: v for k, v in vars(self).items() if k not in ("_tails", "_seen")}
        return {**state, "tails": [dict(vars(tail)) for tail in self._tails]}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if name != "tails":
                setattr(self, name, value)
        self._seen = None
        for tail, kept in zip(self._tails, state["tails"], strict=True):
            for name, value in kept.items():
                setattr(tail, name, value)


def more(
    seen: tuple[Singles, Singles, Singles], new: NDArray[np.float16]
) -> tuple[Singles, Singles, Singles]:
    """Squeezed readings, means and sizes of the steps with those of ``new`` readings."""
    z = np.concatenate([seen[0], new.astype(np.float32)])
    tail = z[-(len(new) + LONG) :].astype(np.float64)
    steps = np.log(np.abs(np.diff(tail)) + STILL)
    means, sizes = running(tail[-(len(new) + SHORT - 1) :], SHORT), running(steps, LONG)
    return (
        z,
        np.concatenate([seen[1], means.astype(np.float32)]),
        np.concatenate([seen[2], sizes.astype(np.float32)]),
    )


def running(row: Floats, width: int) -> Floats:
    """Means of each ``width`` neighbours, summed in the same order wherever a block ends.

    >>> running(np.array([1.0, 2.0, 3.0]), 2).tolist()
    [1.5, 2.5]
    """
    many = max(len(row) - width + 1, 0)
    total = np.zeros(many)
    for k in range(width):
        total += row[k : k + many]
    return total / width


def nearest(first: Singles, second: Singles, last: int, gap: int) -> Floats:
    """Distance of each of the ``last`` points (first, second) to the nearest that is at least
    ``gap`` before it, NaN without one. Of two rows of other lengths the ends belong together.

    >>> nearest(np.array([0, 5, 1], np.float32), np.zeros(3, np.float32), 1, 1).tolist()
    [1.0]
    """
    many = min(len(first), len(second))
    first, second = first[len(first) - many :], second[len(second) - many :]
    out = np.full(last, np.nan)
    for k in range(last):
        here = many - last + k
        end = here - gap + 1
        if here >= 0 and end > 0:
            across, up = first[:end] - first[here], second[:end] - second[here]
            across *= across
            up *= up
            across += up
            out[k] = np.sqrt(float(across.min()))
    return out
