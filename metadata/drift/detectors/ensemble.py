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
from metadata.drift.pace import Often

Floats = NDArray[np.float64]

# What stays unusual is said once: what was said counts for more at first, and fades.
FADES, AGAIN = 1 / 100, 1.3
# It is said where the rarity, or the shift, is more than what it passes once in so many readings,
# or where CUSUM gives an alarm; each of the three has its share of the false alarms. Powers of ten,
# and score of the shift, for ten thousand readings, and what ten times as many add (healthy
# histories, seeds 620000 to 620039).
KINDS = 3
RARE, MORE_RARE = 6.3, 3.8
SHIFTED, MORE_SHIFTED = 0.6, 0.13
# How rare what the level filter did not foresee is counts so much beside how new a reading is; the
# rarest counts, and of all together a part, both as they are and as they were over the last rows.
# At HALF powers of ten the score is a half: the one threshold that suits simulated streams with an
# anomaly in 3000 rows best (`simulators/streams.py`, seeds 1000 to 1149).
FORESEEN, ALL, LAST, MOST, HALF = 0.6, 0.25, 16, 8.0, 3.1
# What was often nearly as rare before is less so: this times the logarithm of how many of the
# earlier sixty-fours of readings had such a one.
OFTEN, NEARLY, EVERY, PEAKS = 0.5, 0.8, 64, 256
# By themselves the others stay below what is unusual.
SHARES = {"spectral": 0.44, "cusum": 0.44, "distribution": 0.44}


class Ensemble:
    """How rare each reading is by what the level filter foresaw and by all that was ever read, said
    once: what is not much higher than what was said in the last hundred readings is not said again.
    CUSUM sums what the level filter did not foresee: cycles and wander that are usual are no
    change. ``days``: expected time between two false alarms."""

    def __init__(self, days: float = 100.0) -> None:
        self.days = days
        self._often = Often()
        self._level, self._novelty = LevelTrend(), Novelty()
        self.detectors: dict[str, Detector] = {
            "level_trend": self._level,
            "novelty": self._novelty,
            "cusum": Cusum(KINDS * days),
            "distribution": Distribution(),
            "spectral": Spectral(),
            "shift": Shift(),
        }
        self._last: Floats = np.zeros(LAST - 1)
        self._said = 0.0
        #: The rarest of each sixty-four readings, of the last ones and of those that are gathered.
        self._peaks: NDArray[np.float32] = np.empty(0, np.float32)
        self._peak, self._gathered = 0.0, 0

    def update(self, times: Floats, values: Floats) -> Floats:
        return self.judge(times, values)[0]

    def judge(self, times: Floats, values: Floats) -> tuple[Floats, NDArray[np.bool_]]:
        """Of readings (n,) the scores, and whether it is worth saying: a reading that is unlike all
        before, a level that has become another."""
        apart = np.log10(KINDS * self.days * self._often.update(times)) - 4.0  # NaN: not known yet
        alarm = np.zeros(len(values), bool)
        surprises, foreseen = self._level.surprises(values)
        most = self._rare(np.stack([*self._novelty.rarity(values), FORESEEN * foreseen]))
        for name, share in SHARES.items():
            found = self.detectors[name].update(times, surprises if name == "cusum" else values)
            if name == "cusum":
                alarm = found == 1.0
                found = np.maximum(2 * found - 1, 0)  # half a threshold is nothing
            most = np.maximum(most, HALF * share * found / (1 - share * found))
        shifted = self.detectors["shift"].update(times, values)
        alarm |= shifted > SHIFTED + MORE_SHIFTED * apart
        rare = np.maximum(RARE + MORE_RARE * apart, 0.0)
        out = np.zeros(len(most))
        for k, tens in enumerate(most):
            if tens > self._said:
                out[k] = tens / (tens + HALF)
                self._said = AGAIN * float(tens)
            self._said *= 1 - FADES
        return out, alarm | (out > rare / (rare + HALF))

    def _rare(self, tens: Floats) -> Floats:
        """Powers of ten (n,) of all three views (3, n), with the mean of the last ones."""
        tens = np.minimum(tens, MOST)
        # Summed one by one: the sum over an axis may go another way for another length.
        rare = tens.max(axis=0) + ALL * (tens[0] + tens[1] + tens[2])
        held = np.concatenate([self._last, rare])
        self._last = held[-(LAST - 1) :].copy()
        return self._again(rare + running(held, LAST))

    def _again(self, tens: Floats) -> Floats:
        """Less for what was often nearly as rare before."""
        out = np.zeros(len(tens))
        at = 0
        while at < len(tens):
            stop = min(len(tens), at + EVERY - self._gathered)
            piece = tens[at:stop]
            earlier = np.sort(self._peaks[:-1].astype(np.float64))  # the last may be of this one
            times = len(earlier) - np.searchsorted(earlier, NEARLY * piece)
            out[at:stop] = np.maximum(piece - OFTEN * np.log1p(times), 0.0)
            self._peak = max(self._peak, float(piece.max()))
            self._gathered += len(piece)
            if self._gathered == EVERY:
                self._peaks = np.append(self._peaks, np.float32(self._peak))[-PEAKS:]
                self._peak, self._gathered = 0.0, 0
            at = stop
        return out

    def to_state(self) -> dict[str, Any]:
        kept = {"said": self._said, "last": self._last, "peaks": self._peaks,
                "gathered": [self._peak, self._gathered],
                "often": self._often.to_state()}  # fmt: skip
        return kept | {n: d.to_state() for n, d in self.detectors.items()}

    def restore(self, state: dict[str, Any]) -> None:
        self._said, self._last = float(state["said"]), np.array(state["last"], float)
        self._peaks = np.array(state["peaks"], np.float32)
        self._peak, self._gathered = float(state["gathered"][0]), int(state["gathered"][1])
        self._often = Often.from_state(state["often"])
        for name, detector in self.detectors.items():
            detector.restore(state[name])
