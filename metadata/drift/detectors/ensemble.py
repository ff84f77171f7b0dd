"""The detectors of one metric together: how unusual each reading is, without any tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.cusum import Cusum
from metadata.drift.detectors.detector import Detector
from metadata.drift.detectors.distribution import Distribution
from metadata.drift.detectors.level_trend import LevelTrend
from metadata.drift.detectors.shift import Shift
from metadata.drift.detectors.spectral import Spectral

Floats = NDArray[np.float64]

# What stays unusual is said once: a score counts only by what it is over the last ones.
FADES = 1 / 48
# On simulated streams (cycles, bursts, plateaus, wander, counts) the level filter tells most for
# its false alarms, and the others only add some: by themselves they stay below what is unusual.
MOVED = 0.5
SHARES = {"level_trend": 1.0, "spectral": 0.44, "cusum": 0.44, "distribution": 0.44}


class Ensemble:
    """The largest of the detectors' scores, said once: what has been said fades over about a
    hundred readings, and what is not higher than it is not said again. CUSUM sums what the level
    filter did not foresee: cycles and wander that are usual are no change.
    ``moved`` says of the readings last given whether the level has become another."""

    def __init__(self) -> None:
        self._level = LevelTrend()
        self.detectors: dict[str, Detector] = {
            "level_trend": self._level,
            "cusum": Cusum(),
            "distribution": Distribution(),
            "spectral": Spectral(),
            "shift": Shift(),
        }
        self._said = 0.0
        self.moved: NDArray[np.bool_] = np.empty(0, bool)

    def update(self, times: Floats, values: Floats) -> Floats:
        found = {"level_trend": self._level.update(times, values)}
        for name, detector in self.detectors.items():
            if name not in found:
                seen = self._level.surprises if name == "cusum" else values
                found[name] = detector.update(times, seen)
        found["cusum"] = np.maximum(2 * found["cusum"] - 1, 0)  # half a threshold is nothing
        self.moved = found["shift"] > MOVED
        most = np.max([share * found[name] for name, share in SHARES.items()], axis=0)
        out = np.zeros(len(most))
        for k, score in enumerate(most):
            if score > self._said:
                out[k] = score
                self._said = float(score)
            self._said *= 1 - FADES
        return out

    def to_state(self) -> dict[str, Any]:
        return {"said": self._said} | {n: d.to_state() for n, d in self.detectors.items()}

    def restore(self, state: dict[str, Any]) -> None:
        self._said = float(state["said"])
        for name, detector in self.detectors.items():
            detector.restore(state[name])
