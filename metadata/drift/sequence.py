"""The time to the limit by a small network that has seen simulated histories of levels.

Trained by ``tomoplan train time_to_limit`` (``simulators/training/parts/time_to_limit.py``); here
NumPy alone runs it. It sees the rows of the window as parts of the way to the limit, and answers
with quantiles of the logarithm of the days that are left. What is told is made of these and of what
the bank says (``weighing.py``).
"""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from metadata.drift.bins import SUBS
from metadata.drift.tensors import tensors
from metadata.drift.window import ROWS, TIERS, Window

Floats = NDArray[np.float64]
Floats32 = NDArray[np.float32]
Rows = NDArray[np.floating]

WEIGHTS = Path(__file__).with_name("time_to_limit.safetensors")
#: Quantiles of the days left; rows of the window that are read together; what is read of each.
QUANTILES = (0.05, 0.5, 0.95)
TOGETHER, READ = 4, 4
FURTHEST, MOST_ERAS = 3.0, 6.0
MIDDLE, HALF = 1.5, 0.5  # logarithm of days that an untrained network says, and softplus of its


def features(y: Rows, present: Rows, eras: Rows, usual: Floats, limit: Floats) -> Floats32:
    """What the network reads of windows (n, ROWS): their levels ``y`` as parts of the way from the
    ``usual`` level to the ``limit`` (n,), the part of each row with readings, and how many new
    baselines came before it. Rows are the newest first; the result is (n, ROWS, READ)."""
    way = np.asarray(limit - usual)[:, None]
    part = np.clip((y - np.asarray(usual)[:, None]) / way, -FURTHEST, FURTHEST)
    there = present > 0
    first = np.where(there, eras, np.inf).min(axis=1, keepdims=True)
    since = np.clip(eras - np.where(np.isfinite(first), first, 0), 0, MOST_ERAS) / 3
    read = [np.where(there, part, 0), present, there, np.where(there, since, 0)]
    return np.stack(read, axis=-1).astype(np.float32)


def read_window(window: Window, usual: float, limit: float) -> Floats32:
    """Features (1, ROWS, READ) of a window of a metric."""
    whole = np.concatenate([np.full(rows, bins * SUBS) for rows, bins in TIERS])
    y, present, eras = np.zeros((3, 1, ROWS))
    y[0, window.rows] = window.y
    present[0, window.rows] = np.minimum(window.n / whole[window.rows], 1)
    eras[0, window.rows] = window.eras.sum(axis=1)
    return features(y, present, eras, np.array([usual]), np.array([limit]))


class Sequence:
    """The trained network: rows by fours, four residual convolutions over them, two layers."""

    def __init__(self, weights: Mapping[str, Floats32]) -> None:
        self._weights = weights
        self._depth = sum(name.startswith("norm.") and name.endswith("weight") for name in weights)

    @classmethod
    def read(cls, path: Path = WEIGHTS) -> Sequence:
        """From a file of tensors (safetensors); :class:`WorkError` where it is none."""
        return cls(tensors(path))

    def days(self, read: Floats32) -> Floats:
        """Quantiles (n, 3) of the days left, from features (n, ROWS, READ)."""
        n, tokens = len(read), ROWS // TOGETHER
        h = self._linear("inp", read.reshape(n, tokens, TOGETHER * READ))
        h = h + self._weights["pos"]
        for layer in range(self._depth):
            x = self._normed(f"norm.{layer}", h)
            padded = np.pad(x, ((0, 0), (1, 1), (0, 0)))
            kernel = self._weights[f"conv.{layer}.weight"]
            x = self._weights[f"conv.{layer}.bias"]
            for k in range(kernel.shape[2]):
                x = x + padded[:, k : k + tokens] @ kernel[:, :, k].T
            h = h + gelu(x)
        h = gelu(self._linear("out.0", h.reshape(n, -1)))
        o = self._linear("out.4", gelu(self._linear("out.2", h))).astype(np.float64)
        middle = MIDDLE + o[:, 1]
        below, above = np.logaddexp(0, o[:, 0] + HALF), np.logaddexp(0, o[:, 2] + HALF)
        return np.exp(np.stack([middle - below, middle, middle + above], axis=1))

    def _linear(self, name: str, x: Floats32) -> Floats32:
        return x @ self._weights[f"{name}.weight"].T + self._weights[f"{name}.bias"]

    def _normed(self, name: str, x: Floats32) -> Floats32:
        x = x - x.mean(axis=-1, keepdims=True)
        x = x / np.sqrt((x**2).mean(axis=-1, keepdims=True) + 1e-5)
        return x * self._weights[f"{name}.weight"] + self._weights[f"{name}.bias"]


def gelu(x: Floats32) -> Floats32:
    return np.asarray(0.5 * x * (1 + np.tanh(0.7978845608 * (x + 0.044715 * x**3))), np.float32)


@cache
def shipped() -> Sequence:
    """The network that comes with the package."""
    return Sequence.read()
