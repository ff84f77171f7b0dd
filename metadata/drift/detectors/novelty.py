"""How new what is read is: how far from the nearest that was ever read like it."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.tail import HALF, Tail

Floats = NDArray[np.float64]

KEPT, EVERY = 2048, 64
SHORT, LONG = 8, 16  # rows of the mean, and of the size of the steps
WILD = 1e37  # what single precision still holds
STILL = 0.05  # deviations: steps that are smaller are none


class Novelty:
    """Distance to the nearest earlier neighbour, of two views of each reading: it and the one
    before; and the mean of the last eight with the usual size of the last sixteen steps (detection
    by neighbours, Burnaev and Ishimtsev, arXiv:1608.04585). What came once is known the second
    time: a state that is another is told when it begins, a cycle is not, and nothing is told twice.

    Readings are squeezed to ``arcsinh`` of robust deviations of the last 2048. How rare a distance
    is its own past says (:class:`Tail`).
    """

    def __init__(self) -> None:
        #: The last readings less the first of all, and how many of them the batch has that is
        #: gathered (when it has 64, the others are seen anew).
        self._kept: NDArray[np.float32] = np.empty(0, np.float32)
        self._origin, self._batch = np.nan, 0
        self._middle, self._spread = np.nan, np.nan
        self._tails = [Tail(), Tail()]
        #: Of the readings kept: squeezed, means, sizes of the steps; None: to be made again.
        self._seen: tuple[Floats, Floats, Floats] | None = None
        #: Powers of ten (2, n) of the readings last given.
        self.tens: Floats = np.zeros((2, 0))

    def update(self, times: Floats, values: Floats) -> Floats:
        row = np.asarray(values, float)
        self.tens = np.zeros((2, len(row)))
        there = np.flatnonzero(np.isfinite(row))
        at = 0
        while at < len(there):
            stop = min(len(there), at + EVERY - self._batch)
            self.tens[:, there[at:stop]] = self._rare(row[there[at:stop]])
            at = stop
        most = self.tens.max(axis=0)
        return np.asarray(most / (most + HALF))

    def _rare(self, values: Floats) -> Floats:
        """Powers of ten (2, n) of readings of one batch."""
        if not np.isfinite(self._origin):
            self._origin = float(values[0]) if abs(values[0]) < WILD else 0.0
        many = len(values)
        new = np.clip(values - self._origin, -WILD, WILD).astype(np.float32)
        tens = np.zeros((2, many))
        if np.isfinite(self._spread):
            none = np.empty(0)
            seen = self._seen or self._more((none, none, none), self._kept)
            z, means, sizes = self._seen = self._more(seen, new)
            tens[0] = self._tails[0].update(nearest(z[1:], z[:-1], many, 2))
            tens[1] = self._tails[1].update(nearest(means, sizes, many, LONG))
        self._kept = np.concatenate([self._kept, new])
        self._batch += many
        if self._batch == EVERY:
            self._kept, self._batch, self._seen = self._kept[-KEPT:], 0, None
            known = self._kept.astype(np.float64)
            low, quarter, middle, upper, high = np.quantile(known, [0.02, 0.25, 0.5, 0.75, 0.98])
            spread = max((upper - quarter) / 1.35, 0.075 * (high - low))
            self._middle = float(middle)
            self._spread = float(spread + 1e-7 * np.abs(known).max() + 1e-300)
        return tens

    def _more(
        self, seen: tuple[Floats, Floats, Floats], new: NDArray[np.float32]
    ) -> tuple[Floats, Floats, Floats]:
        """Squeezed readings, means and sizes of the steps with those of ``new`` readings."""
        near = (new.astype(np.float64) - self._middle) / self._spread
        z = np.concatenate([seen[0], 2 * np.arcsinh(near / 2)])
        tail = z[-(len(new) + LONG) :]
        steps = np.log(np.abs(np.diff(tail)) + STILL)
        means, sizes = running(tail[-(len(new) + SHORT - 1) :], SHORT), running(steps, LONG)
        return z, np.concatenate([seen[1], means]), np.concatenate([seen[2], sizes])

    def to_state(self) -> dict[str, Any]:
        state = {k: v for k, v in vars(self).items() if k not in ("_tails", "_seen", "tens")}
        return {**state, "tails": [dict(vars(tail)) for tail in self._tails]}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if name != "tails":
                setattr(self, name, value)
        self._seen = None
        for tail, kept in zip(self._tails, state["tails"], strict=True):
            for name, value in kept.items():
                setattr(tail, name, value)


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


def nearest(first: Floats, second: Floats, last: int, gap: int) -> Floats:
    """Distance of each of the ``last`` points (first, second) to the nearest that is at least
    ``gap`` before it, NaN without one. Of two rows of other lengths the ends belong together.

    >>> nearest(np.array([0.0, 5.0, 1.0]), np.zeros(3), 1, 1).tolist()
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
            out[k] = np.sqrt((across * across + up * up).min())
    return out
