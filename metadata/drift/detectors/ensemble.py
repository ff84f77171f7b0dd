"""The detectors of one metric together: how unusual each reading is, without any tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.cusum import Cusum
from metadata.drift.detectors.detector import Detector
from metadata.drift.detectors.distribution import Distribution
from metadata.drift.detectors.level_trend import LevelTrend
from metadata.drift.detectors.novelty import Novelty
from metadata.drift.detectors.shift import Shift
from metadata.drift.detectors.spectral import Spectral
from metadata.drift.detectors.tail import Tail

Floats = NDArray[np.float64]

# What stays unusual is said once: a score counts only by what it is over the last ones.
FADES = 1 / 200
MOVED = 0.5
# How rare what the level filter did not foresee is counts so much beside how new a reading is; the
# rarest counts, and of all together a part. The threshold that suits simulated streams best is a
# half (`simulators/streams.py`, seeds 1000 to 1149: docs/drift.md).
FORESEEN, ALL, HALF = 0.7, 0.25, 2.6
# By themselves the others stay below what is unusual.
SHARES = {"spectral": 0.44, "cusum": 0.44, "distribution": 0.44}


class Ensemble:
    """How rare each reading is by what the level filter foresaw and by all that was ever read, said
    once: what has been said fades over some four hundred readings, and what is not higher than it
    is not said again. CUSUM sums what the level filter did not foresee: cycles and wander that are
    usual are no change. ``moved`` says of the readings last given whether the level has become
    another."""

    def __init__(self) -> None:
        self._level, self._novelty = LevelTrend(), Novelty()
        self.detectors: dict[str, Detector] = {
            "level_trend": self._level,
            "novelty": self._novelty,
            "cusum": Cusum(),
            "distribution": Distribution(),
            "spectral": Spectral(),
            "shift": Shift(),
        }
        self._foreseen = Tail()
        self._said = 0.0
        self.moved: NDArray[np.bool_] = np.empty(0, bool)

    def update(self, times: Floats, values: Floats) -> Floats:
        found = {}
        for name, detector in self.detectors.items():  # the level filter first
            seen = self._level.surprises if name == "cusum" else values
            found[name] = detector.update(times, seen)
        found["cusum"] = np.maximum(2 * found["cusum"] - 1, 0)  # half a threshold is nothing
        self.moved = found["shift"] > MOVED
        foreseen = self._foreseen.update(np.abs(self._level.surprises))
        tens = np.concatenate([self._novelty.tens, FORESEEN * foreseen[None]])
        rare = tens.max(axis=0) + ALL * tens.sum(axis=0)
        most = np.max([rare / (rare + HALF), *(share * found[n] for n, share in SHARES.items())],
                      axis=0)  # fmt: skip
        out = np.zeros(len(most))
        for k, score in enumerate(most):
            if score > self._said:
                out[k] = score
                self._said = float(score)
            self._said *= 1 - FADES
        return out

    def to_state(self) -> dict[str, Any]:
        kept = {"said": self._said, "foreseen": dict(vars(self._foreseen))}
        return kept | {n: d.to_state() for n, d in self.detectors.items()}

    def restore(self, state: dict[str, Any]) -> None:
        self._said = float(state["said"])
        for name, value in state["foreseen"].items():
            setattr(self._foreseen, name, value)
        for name, detector in self.detectors.items():
            detector.restore(state[name])
