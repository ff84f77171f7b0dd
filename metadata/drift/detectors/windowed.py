"""A detector that looks at the last readings: a statistic of each window, and how rare it is."""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.excess import Excess
from metadata.drift.detectors.tail import HALF, Tail

Floats = NDArray[np.float64]

CHUNK = 4096


class Windowed(ABC):
    """A subclass says how many readings it looks at (``width``) and gives :meth:`statistic`."""

    width = 0
    channels = 1

    def __init__(self) -> None:
        self._tail: Floats = np.empty((0, self.channels))
        self._usual: Tail | Excess = Tail()

    @abstractmethod
    def statistic(self, windows: Floats) -> Floats:
        """Of windows (n, width, channels), each the readings until one of them: (n,)."""

    def scores(self, statistics: Floats) -> Floats:
        """Of statistics (n,) that are logarithms: by how rare they are."""
        tens = self._usual.update(np.exp(np.minimum(statistics, 300.0)))
        return np.asarray(tens / (tens + HALF))

    def update(self, times: Floats, values: Floats) -> Floats:
        rows = np.asarray(values, float).reshape(len(values), -1)
        if rows.shape[1] != self._tail.shape[1]:
            self._tail = np.empty((0, rows.shape[1]))
        out = np.zeros(len(rows))
        for start in range(0, len(rows), CHUNK):
            piece = rows[start : start + CHUNK]
            held = np.concatenate([self._tail, piece])
            count = len(held) - self.width + 1
            if count > 0:
                view = np.lib.stride_tricks.sliding_window_view(held, self.width, axis=0)
                # Copied: a sum over a view may be taken in another order for another length.
                windows = np.ascontiguousarray(view.transpose(0, 2, 1))[-len(piece) :]
                found = self.scores(self.statistic(windows))
                out[start + len(piece) - len(found) : start + len(piece)] = found
            self._tail = held[-(self.width - 1) :].copy()  # a view would keep the whole piece
        return out

    def to_state(self) -> dict[str, Any]:
        return {"tail": self._tail, "usual": dict(vars(self._usual))}

    def restore(self, state: dict[str, Any]) -> None:
        self._tail = np.array(state["tail"], float)
        for name, value in state["usual"].items():
            setattr(self._usual, name, value)
