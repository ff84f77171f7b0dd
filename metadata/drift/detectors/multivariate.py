"""A change of several channels together: what none of them shows alone, said once."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from metadata.drift.detectors.rarity import HALF, Rarity

Floats = NDArray[np.float64]

RECENT, BEFORE, LEAST = 20, 120, 30
KINDS = 3  # of residuals: a channel's own, what the others leave of it, how it moves
FORGET, FIRST = 1 / 400, 40
CLIP, WILD = 3.0, 12.0  # deviations that are learned from, and that are believed
SHRUNK = 0.2  # of the correlations, towards none
SOLVED = 16  # rows after which the correlations are inverted again
FLOOR, RAW = 0.8, 0.1  # of a mean's deviation: part of what white noise has, share of the whole
GRAIN = 0.25  # steps in which a channel is read that are nothing
PART = 0.1  # of the channels have a part in a change
SAID = 3.5  # powers of ten (Rarity), where a false alarm each hundred days is expected
FINEST = 0.5  # of the logarithm of odds
BACK = 5  # rows before a saying with which the new normal begins


class Multivariate:
    """Compares the mean residuals of the last 20 rows with those of up to 120 before, each in units
    of what that usually is, and weighs them as a change in an unknown tenth of the channels: the
    sum of ``log(1 - p + p exp(u² / 2))`` (Xie and Siegmund, Ann. Stat. 41, 2013, 670). A residual
    is the channel itself, what is left of it when the others have told what they know (by a running
    covariance, clipped and shrunk to its diagonal: Ledoit and Wolf, J. Multivar. Anal. 88, 2004),
    and the size of its steps. How rare such a sum is its own past says (:class:`Rarity`). After a
    saying the rows behind it are the normal.

    ``values`` (n, channels), or (n,) of one; NaN: not read. ``leading`` names for each of the rows
    last given the channel that has moved the most.
    """

    def __init__(self, days: float = 100.0) -> None:
        """``days``: expected time between two false alarms."""
        tens = max(SAID + np.log10(days / 100), 1.0)
        #: A change is said where the score passes this.
        self.said = float(tens / (tens + HALF))
        self.leading: NDArray[np.int64] = np.empty(0, np.int64)
        self._rarity = Rarity(FINEST)
        self._begin(0)

    def _begin(self, channels: int) -> None:
        """Nothing is known of so many channels."""
        self._rows: Floats = np.empty((0, KINDS, channels))
        self._last: Floats = np.full(channels, np.nan)
        self._grain: Floats = np.full(channels, np.inf)
        self._square: Floats = np.zeros(channels)
        self._together: Floats = np.eye(channels)
        self._solved: Floats = np.eye(channels)
        self._usual: Floats = np.zeros((KINDS, channels))
        self._count = self._compared = 0
        #: Rows of the normal that holds.
        self._held = 0

    def update(self, times: Floats, values: Floats) -> Floats:
        table = np.asarray(values, float)
        table = table[:, None] if table.ndim == 1 else table
        if table.shape[1] != len(self._last):
            self._rarity = Rarity(FINEST)
            self._begin(table.shape[1])
        out = np.zeros(len(table))
        self.leading = np.zeros(len(table), np.int64)
        for k, row in enumerate(table):
            if np.isfinite(row).any():
                out[k], self.leading[k] = self._one(row)
        return out

    def _one(self, row: Floats) -> tuple[float, int]:
        """The score of one row, and the channel that leads."""
        before = self._rows[-min(BEFORE, self._held) :, 0] if self._held else row[None]
        middle = before.mean(axis=0)
        # What was not read is as it was.
        known = np.where(np.isfinite(self._last), self._last, 0.0)
        row = np.where(np.isfinite(row), row, np.where(np.isfinite(middle), middle, known))
        apart = row - np.where(np.isfinite(middle), middle, row)
        residuals = self._residuals(row, apart)
        self._rows = np.concatenate([self._rows[-(RECENT + BEFORE) + 1 :], residuals[None]])
        self._count += 1
        self._held = min(self._held + 1, RECENT + BEFORE)
        parts = self._parts()
        if parts is None:
            return 0.0, 0
        sums = parts.sum(axis=0)
        score = float(self._rarity.update(np.array([sums.sum()]))[0])
        if score > self.said:
            self._held = BACK
        return score, int(np.argmax(sums))

    def _residuals(self, row: Floats, apart: Floats) -> Floats:
        """Those of a row (kinds, channels), and what they teach of the covariance."""
        first = self._count < LEAST
        forget = max(FORGET, 1 / (self._count + 1))
        deviation = np.sqrt(self._square) + 1e-9 * (1 + np.abs(row))
        edge = np.inf if first else CLIP * deviation
        near = np.clip(apart, -edge, edge)
        self._square += forget * (near**2 - self._square)
        if not first:
            unit = near / deviation
            forget = max(FORGET, 1 / (self._count - LEAST + 1))
            self._together += forget * (np.outer(unit, unit) - self._together)
            if self._count % SOLVED == 0:
                self._solved = inverse(self._together)
        left = self._solved @ np.clip(apart / deviation, -WILD, WILD)
        step = np.abs(row - np.where(np.isfinite(self._last), self._last, row))
        self._grain = np.where(step > 0, np.minimum(self._grain, step), self._grain)
        self._last = row
        moves = np.log(step + 0.3 * deviation)
        return np.stack([row, left / np.sqrt(np.diag(self._solved)), moves])

    def _parts(self) -> Floats | None:
        """What each residual (kinds, channels) adds to the statistic; None: not known yet."""
        if self._held < RECENT + LEAST or self._count < RECENT + LEAST:
            return None
        held = self._rows[-self._held :]
        old, new = held[:-RECENT], held[-RECENT:]
        apart = new.mean(axis=0) - old.mean(axis=0)
        self._compared += 1
        forget = max(FORGET, 1 / self._compared)
        if self._compared < FIRST:
            self._usual += forget * (apart**2 - self._usual)
            return None
        spread = old.var(axis=0)
        least = FLOOR**2 * spread * (1 / RECENT + 1 / len(old))
        scale = np.maximum(self._usual, least) + RAW * spread
        scale[0] += np.where(np.isfinite(self._grain), GRAIN * self._grain, 0.0) ** 2
        scale = np.sqrt(scale) + 1e-9 * (1 + np.abs(held[-1]))
        near = np.clip(apart, -CLIP * scale, CLIP * scale)
        self._usual += forget * (near**2 - self._usual)
        odds = np.minimum((apart / scale) ** 2 / 2, 60.0)
        return np.asarray(np.log1p(PART * np.expm1(odds)))

    def to_state(self) -> dict[str, Any]:
        state = {k: v for k, v in vars(self).items() if k not in ("leading", "_rarity")}
        return {**state, "rarity": dict(vars(self._rarity))}

    def restore(self, state: dict[str, Any]) -> None:
        for name, value in state.items():
            if name == "rarity":
                for part, kept in value.items():
                    setattr(self._rarity, part, kept)
            else:
                setattr(self, name, value)


def inverse(covariance: Floats) -> Floats:
    """Of a covariance (channels, channels) whose correlations are shrunk.

    >>> inverse(np.eye(2)).round(6).tolist()
    [[1.0, 0.0], [0.0, 1.0]]
    """
    deviation = np.sqrt(np.diag(covariance)) + 1e-9
    sizes = np.outer(deviation, deviation)
    correlation = (1 - SHRUNK) * covariance / sizes
    np.fill_diagonal(correlation, 1.0)
    return np.asarray(np.linalg.inv(correlation) / sizes)
