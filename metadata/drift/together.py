"""Channels of one source that are read at the same moments, followed as one."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.multivariate import Multivariate
from metadata.drift.ticks import NATIVE, TICK_S

Floats = NDArray[np.float64]
Flags = NDArray[np.bool_]

FEWEST, MOST = 2, 32  # channels: more of them are no one rig


@dataclass(frozen=True, eq=False)
class Said:
    """For one channel: the samples ``shared`` with the others (places in its block), and those at
    which it leads a change, with their ``scores``."""

    shared: NDArray[np.int64]
    leads: NDArray[np.int64]
    scores: Floats


class Together:
    """Rows are the times at which half of the channels or more have a reading; where each has times
    of its own there are none, and nothing is said. Every row at first, means of a minute
    after :data:`~metadata.drift.ticks.NATIVE` of them, as for single metrics."""

    def __init__(self, names: Sequence[str], days: float = 100.0) -> None:
        """``days``: expected time between two false alarms."""
        self.names = list(names)
        self.detector = Multivariate(days)
        self._count = 0
        self._minute = -1.0
        self._sums: Floats = np.zeros(len(self.names))
        self._numbers: Floats = np.zeros(len(self.names))

    def update(self, blocks: Sequence[tuple[Floats, Floats, Flags] | None]) -> list[Said]:
        """``blocks``: for each of the names (None: nothing came) its clock, values and which of
        them are readings of a steady regime, all until the same moment."""
        stamps = [b[0][b[2]] for b in blocks if b is not None]
        times = np.unique(np.concatenate(stamps)) if stamps else np.empty(0)
        table = np.full((len(times), len(blocks)), np.nan)
        places = np.full(table.shape, -1)
        for k, block in enumerate(blocks):
            if block is not None:
                clock, values, real = block
                at = np.flatnonzero(real)
                row = np.searchsorted(times, clock[at])
                table[row, k], places[row, k] = values[at], at
        common = 2 * (places >= 0).sum(axis=1) >= max(len(blocks), 2 * FEWEST)
        times, table, places = times[common], table[common], places[common]
        leads: list[list[int]] = [[] for _ in blocks]
        scores: list[list[float]] = [[] for _ in blocks]
        for at_row, score, channel in self._scored(times, table):
            read = np.flatnonzero(places[at_row] >= 0)
            who = channel if channel in read else int(read[0])
            leads[who].append(int(places[at_row, who]))
            scores[who].append(score)
        return [Said(own[own >= 0], np.array(at, np.int64), np.array(score))
                for own, at, score in zip(places.T, leads, scores, strict=True)]  # fmt: skip

    def _scored(self, times: Floats, table: Floats) -> list[tuple[int, float, int]]:
        """Rows at which a change is said, its score, and the channel that leads."""
        native = min(max(0, NATIVE - self._count), len(times))
        self._count += native
        told = np.arange(native)
        found = self._asked(times[:native], table[:native], told)
        if native == len(times):
            return found
        later = np.arange(native, len(times))
        minute = np.floor_divide(times[later], TICK_S)
        opens = np.diff(np.concatenate([[self._minute], minute])) != 0
        slot = np.concatenate([[0], np.cumsum(opens)])
        sums = np.empty((slot[-1] + 1, len(self.names)))
        numbers = np.empty_like(sums)
        for k, row in enumerate(table[later].T):
            there = np.isfinite(row)
            # bincount adds one after the other from 0: carried sums first keep every bit.
            sums[:, k] = np.bincount(
                slot, np.concatenate([[self._sums[k]], np.where(there, row, 0.0)])
            )
            numbers[:, k] = np.bincount(slot, np.concatenate([[self._numbers[k]], there]))
        self._minute, self._sums, self._numbers = float(minute[-1]), sums[-1], numbers[-1]
        over = numbers[:-1].any(axis=1)
        with np.errstate(invalid="ignore"):
            means = sums[:-1][over] / numbers[:-1][over]
        told = later[opens][over]
        return found + self._asked(times[told], means, told)

    def _asked(
        self, times: Floats, table: Floats, told: NDArray[np.int64]
    ) -> list[tuple[int, float, int]]:
        found = self.detector.update(times, table)
        return [(int(told[k]), float(found[k]), int(self.detector.leading[k]))
                for k in np.flatnonzero(found > self.detector.said)]  # fmt: skip

    def to_state(self) -> dict[str, Any]:
        return {**vars(self), "detector": self.detector.to_state()}

    @classmethod
    def from_state(cls, state: dict[str, Any]) -> Together:
        together = cls(state["names"])
        for name, kept in state.items():
            if name != "detector":
                setattr(together, name, kept)
        together.detector.restore(state["detector"])
        return together
