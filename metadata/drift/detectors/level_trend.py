"""A local level and trend, followed by a Kalman filter that knows of jumps."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.tail import HALF, Tail

Floats = NDArray[np.float64]

WANDER, TURN, JUMP, CHANCE = 0.05, 0.002, 10.0, 0.002
FORGET = 1 / 200


class LevelTrend:
    """One step ahead, each reading is weighed as noise or as a jump of the level (two-component
    mixture collapsed after each reading, Harrison and Stevens, 1976). The statistic is how far the
    reading lies from the prediction, in its deviations; the noise is learned as it goes."""

    def __init__(self) -> None:
        self._state = [0.0] * 7  # level, slope, variances p00 p01 p11, noise variance, count
        self._tail = Tail()

    def update(self, times: Floats, values: Floats) -> Floats:
        _, tens = self.surprises(values)
        return np.asarray(tens / (tens + HALF))

    def surprises(self, values: Floats) -> tuple[Floats, Floats]:
        """What was not foreseen of each reading (n,), in deviations and with its sign, and the
        powers of ten (n,) of how rare that is."""
        found = np.array([self._one(float(v)) for v in values])
        return found, self._tail.update(np.abs(found))

    def _one(self, value: float) -> float:
        level, slope, p00, p01, p11, noise, count = self._state
        if value != value:
            return float("nan")
        if count == 0:
            self._state = [value, 0.0, 1.0, 0.0, 1e-4, 0.0, 1.0]
            return float("nan")
        level += slope
        p00 += 2 * p01 + p11 + WANDER**2
        p01 += p11
        p11 += TURN**2
        apart = value - level
        if count < 10:
            noise += (apart * apart - noise) / count
        scale = noise + 1e-24 * (1 + value * value)
        # Variances are in units of the noise's.
        total = p00 + 1.0
        z2 = min(apart * apart / scale / total, 1e6)
        wide = total + JUMP**2
        plain = (1 - CHANCE) * np.exp(-0.5 * z2) / total**0.5
        jump = CHANCE * np.exp(-0.5 * z2 * total / wide) / wide**0.5
        chance = jump / (plain + jump + 1e-300)
        p00 += chance * JUMP**2
        total = p00 + 1.0
        gain, turn = p00 / total, p01 / total
        level += gain * apart
        slope += turn * apart
        p00, p01, p11 = p00 * (1 - gain), p01 * (1 - gain), p11 - turn * p01
        if count >= 10:
            noise += FORGET * (min(apart * apart, 16 * scale) / (1 + WANDER) - noise)
        self._state = [level, slope, p00, p01, p11, noise, count + 1.0]
        return float(np.copysign(z2**0.5, apart))

    def to_state(self) -> dict[str, Any]:
        return {"state": self._state, "tail": dict(vars(self._tail))}

    def restore(self, state: dict[str, Any]) -> None:
        self._state = [float(v) for v in state["state"]]
        for name, value in state["tail"].items():
            setattr(self._tail, name, value)
