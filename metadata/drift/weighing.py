"""What is told of the time to the limit: what the bank and the sequence say, weighed.

A small network reads both, how sure a drift is, its shapes, the normal and the level of the last
days. Trained by ``tomoplan train weighing`` (``simulators/training/parts/weighing.py``) on drawn
windows that a judge has judged; here NumPy alone runs it. It begins where the geometric mean of the
two is told, and learns what to add (boosting a mixture of experts: Jacobs et al., 1991).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.drift.forecast import Forecast
from metadata.drift.normal import Normal
from metadata.drift.sequence import gelu, shipped
from metadata.drift.shapes import SHAPES
from metadata.drift.tensors import tensors
from metadata.drift.window import Window

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]

WEIGHTS = Path(__file__).with_name("weighing.safetensors")
#: The newest rows whose mean is the level now, and stretches of rows before them, the newest first.
NOW = (2, 4, 8, 16)
BEFORE = ((2, 6), (6, 12), (12, 20), (20, 32), (32, 40), (40, 48))
READ = 3 + 3 + len(SHAPES) + 4 + 3 + 4 + len(NOW) + len(BEFORE)
USUAL_DAYS, FURTHEST = 4.0, 6.0
LEAST, MOST = 0.02, 60.0  # days
# Of noise, wander and moves within hours, in parts of the way; and minus their usual logarithms.
LEAST_SIZES, USUAL_SIZES = np.array([1e-3, 1e-3, 1e-2]), np.array([2.5, 2.5, 4.0])


def weighed(
    forecast: Forecast, normal: Normal, window: Window, view: Floats32, way: float
) -> Forecast:
    """The forecast of the bank with the time to the limit that both tell; ``view`` is what the
    sequence reads of the window, ``way`` from the usual level to the limit, in the metric's unit.
    """
    network = shipped().days(view)[0]
    read = features(forecast, normal, window.high - window.low, way, network, view[0])
    return forecast.told(shipped_weighing().days(read[None])[0], network)


def features(
    forecast: Forecast, normal: Normal, swing: float, way: float, network: Floats, view: Floats32
) -> Floats32:
    """What is read (READ,), of the order of one: ``network`` days the sequence says, ``view`` (rows
    of the window, of which the first number is the level as a part of the way and the third whether
    there is any), ``swing`` and ``way`` in the metric's unit."""
    bank = np.log(np.clip(forecast.days, LEAST, MOST))
    other = np.log(np.clip(network, LEAST, MOST))
    sizes = np.clip(np.array([normal.noise, normal.slow, normal.fast]) / way, LEAST_SIZES, 1)
    sure = np.log1p(np.maximum([forecast.odds, forecast.moved], 0)) / 3 - 1
    levels, there = view[:, 0] * view[:, 2], view[:, 2]

    def mean(first: int, last: int) -> float:
        return float(levels[first:last].sum() / max(there[first:last].sum(), 1))

    now = [mean(0, rows) for rows in NOW]
    moved = [now[0] - mean(*rows) for rows in BEFORE]
    read = [
        *(bank - np.log(USUAL_DAYS)), *sure, np.log(forecast.age / USUAL_DAYS), *forecast.shapes,
        *(np.log(sizes) + USUAL_SIZES), 4 * swing / way,
        *(3 * (other - bank)), *(2 * np.diff(other) - 2), *(2 * np.diff(bank) - 2),
        *(2 * np.array(now)), *(3 * np.array(moved)),
    ]  # fmt: skip
    return np.clip(read, -FURTHEST, FURTHEST).astype(np.float32)


def between_at() -> int:
    """Where in the features the sequence's days less the bank's stand."""
    return 6 + len(SHAPES) + 4


def between(read: Floats32) -> tuple[Floats, Floats]:
    """The logarithms of the bank's and of the sequence's days, each (n, 3), out of features."""
    bank = read[:, :3].astype(np.float64) + np.log(USUAL_DAYS)
    apart = read[:, between_at() : between_at() + 3].astype(np.float64) / 3
    return bank, bank + apart


class Weighing:
    """The trained network: two layers, and how far the limits and the middle are from the mean."""

    def __init__(self, weights: Mapping[str, Floats32]) -> None:
        self._weights = weights

    @classmethod
    def read(cls, path: Path = WEIGHTS) -> Weighing:
        """From a file of tensors (safetensors); :class:`WorkError` where it is none."""
        return cls(tensors(path))

    def days(self, read: Floats32) -> Floats:
        """Quantiles (n, 3; 5, 50, 95 %) of the days left, from features (n, READ)."""
        w = self._weights
        h = gelu(read @ w["first.weight"].T + w["first.bias"])
        h = gelu(h @ w["second.weight"].T + w["second.bias"])
        out = (h @ w["last.weight"].T + w["last.bias"]).astype(np.float64)
        low, middle, high = np.mean(between(read), axis=0).T
        said = middle + out[:, 1]
        below, above = np.exp(np.clip(out[:, [0, 2]], -3, 3)).T
        below, above = (
            below * np.maximum(middle - low, 0.05),
            above * np.maximum(high - middle, 0.05),
        )
        days: Floats = np.exp(np.stack([said - below, said, said + above], axis=1))
        return days


@cache
def shipped_weighing() -> Weighing:
    """The network that comes with the package."""
    return Weighing.read()
