"""The detectors of one metric together: how unusual each reading is, without any tuning."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.cusum import Cusum
from metadata.drift.detectors.detector import Detector
from metadata.drift.detectors.distribution import Distribution
from metadata.drift.detectors.level_trend import LevelTrend
from metadata.drift.detectors.spectral import Spectral

Floats = NDArray[np.float64]

# What stays unusual is said once: a score counts only by what it is over the last ones.
FADES = 1 / 48


class Ensemble:
    """The largest of the detectors' scores, said once: what has been said fades over about a
    hundred readings, and what is not higher than it is not said again."""

    def __init__(self) -> None:
        self.detectors: dict[str, Detector] = {
            "level_trend": LevelTrend(),
            "cusum": Cusum(),
            "distribution": Distribution(),
            "spectral": Spectral(),
        }
        self._said = 0.0

    def update(self, times: Floats, values: Floats) -> Floats:
        scores = [d.update(times, values) for d in self.detectors.values()]
        scores[1] = np.maximum(2 * scores[1] - 1, 0)  # half a threshold is nothing
        # Sums and spectra count half: they pass their usual tails together with the level.
        weights = (1.0, 0.6, 0.8, 0.6)
        most = np.max([w * s for w, s in zip(weights, scores, strict=True)], axis=0)
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
