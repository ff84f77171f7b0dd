"""The detectors of one metric together: how unusual each reading is, without any tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.cusum import Cusum
from metadata.drift.detectors.detector import Detector
from metadata.drift.detectors.distribution import Distribution
from metadata.drift.detectors.level_trend import LevelTrend
from metadata.drift.detectors.novelty import Novelty, running
from metadata.drift.detectors.shift import Shift
from metadata.drift.detectors.spectral import Spectral

Floats = NDArray[np.float64]

# What stays unusual is said once: what was said counts for more at first, and fades.
FADES, AGAIN = 1 / 100, 1.3
MOVED = 0.5
# How rare what the level filter did not foresee is counts so much beside how new a reading is; the
# rarest counts, and of all together a part, both as they are and as they were over the last rows.
# At HALF powers of ten the score is a half: the one threshold that suits simulated streams with an
# anomaly in 3000 rows best (`simulators/streams.py`, seeds 1000 to 1149).
FORESEEN, ALL, LAST, MOST, HALF = 0.7, 0.5, 16, 8.0, 4.8
# By themselves the others stay below what is unusual.
SHARES = {"spectral": 0.44, "cusum": 0.44, "distribution": 0.44}


class Ensemble:
    """How rare each reading is by what the level filter foresaw and by all that was ever read, said
    once: what is not much higher than what was said in the last hundred readings is not said again.
    CUSUM sums what the level filter did not foresee: cycles and wander that are usual are no
    change. ``moved`` says of the readings last given whether the level has become another."""

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
        self._last: Floats = np.zeros(LAST - 1)
        self._said = 0.0
        self.moved: NDArray[np.bool_] = np.empty(0, bool)

    def update(self, times: Floats, values: Floats) -> Floats:
        found = {}
        for name, detector in self.detectors.items():  # the level filter first
            seen = self._level.surprises if name == "cusum" else values
            found[name] = detector.update(times, seen)
        found["cusum"] = np.maximum(2 * found["cusum"] - 1, 0)  # half a threshold is nothing
        self.moved = found["shift"] > MOVED
        most = self._rare()
        for name, share in SHARES.items():
            score = share * found[name]
            most = np.maximum(most, HALF * score / (1 - score))
        out = np.zeros(len(most))
        for k, tens in enumerate(most):
            if tens > self._said:
                out[k] = tens / (tens + HALF)
                self._said = AGAIN * float(tens)
            self._said *= 1 - FADES
        return out

    def _rare(self) -> Floats:
        """Powers of ten (n,) of the readings last given, with the mean of the last ones."""
        tens = np.concatenate([self._novelty.tens, FORESEEN * self._level.tens[None]])
        tens = np.minimum(tens, MOST)
        # Summed one by one: the sum over an axis may go another way for another length.
        rare = tens.max(axis=0) + ALL * (tens[0] + tens[1] + tens[2])
        held = np.concatenate([self._last, rare])
        self._last = held[-(LAST - 1) :]
        return np.asarray(rare + running(held, LAST))

    def to_state(self) -> dict[str, Any]:
        kept = {"said": self._said, "last": self._last}
        return kept | {n: d.to_state() for n, d in self.detectors.items()}

    def restore(self, state: dict[str, Any]) -> None:
        self._said, self._last = float(state["said"]), np.array(state["last"], float)
        for name, detector in self.detectors.items():
            detector.restore(state[name])
