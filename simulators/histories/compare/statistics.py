"""Statistics that tell a real series from a simulated one, computed alike for both."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import pairwise

import numpy as np
from numpy.typing import NDArray

Values = NDArray[np.float64]

PAUSE_S = 10.0  # between two points of one scan there is less


def refills(times: Values, current: Values) -> tuple[Values, Values]:
    """Refills that were watched from before to after: times (s) and steps (mA)."""
    rising = (np.diff(current) > 0.02) & (np.diff(times) < PAUSE_S)
    edges = np.flatnonzero(np.diff(np.concatenate([[0], rising.astype(int), [0]])))
    found = []
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        around = slice(max(first - 2, 0), last + 3)
        if np.diff(times[around]).max() < PAUSE_S and last + 2 < len(times):
            found.append((times[first], current[last : last + 2].max() - current[first]))
    rows = np.array(found).reshape(-1, 2)
    return rows[:, 0], rows[:, 1]


def calm(times: Values, current: Values, longest: int = 120) -> Iterator[slice]:
    """Stretches of at least 20 points of a scan between two refills."""
    breaks = (np.diff(current) > 0.02) | (np.diff(times) > PAUSE_S)
    edges = np.concatenate([[0], np.flatnonzero(breaks) + 1, [len(times)]])
    for first, last in pairwise(edges):
        for start in range(int(first), int(last), longest):
            if min(start + longest, last) - start >= 20:
                yield slice(start, int(min(start + longest, last)))


def ring(times: Values, current: Values) -> dict[str, float]:
    """Refill step (mA) and period (s), lifetime (h), noise (mA) and its neighbours' correlation."""
    when, steps = refills(times, current)
    apart = np.diff(when)
    lives, noises, pairs = [], [], []
    for piece in calm(times, current):
        t = times[piece] - times[piece][0]
        rate, offset = np.polyfit(t, np.log(current[piece]), 1)
        rest = current[piece] - np.exp(offset + rate * t)
        if rate < 0 and t[-1] > 30:
            lives.append(-1 / rate / 3600)
            noises.append(rest.std(ddof=2))
            pairs.append(np.corrcoef(rest[1:], rest[:-1])[0, 1])
    return {
        "refill step, mA": float(np.median(steps)),
        "refill period, s": float(np.median(apart[(apart > 200) & (apart < 500)])),
        "lifetime, h": float(np.median(lives)),
        "noise about the decay, mA": float(np.median(noises)),
        "correlation of neighbouring points": float(np.median(pairs)),
    }


def chamber(times: Values, current: Values, counts: Values) -> dict[str, float]:
    """Noise of an ion chamber by the ring current, where nothing else moves it."""
    rests = []
    for piece in calm(times, current, longest=50):
        t = times[piece] - times[piece][0]
        share = counts[piece] / current[piece]
        rest = share / np.polyval(np.polyfit(t, share, 1), t) - 1
        if rest.std() < 1.5e-3 and t[-1] > 30:
            rests.append((float(np.median(np.diff(t))), rest))
    steps = np.concatenate([np.diff(r) for _, r in rests])
    lags = np.arange(1, 15)
    pairs = np.mean([[(r[k:] * r[:-k]).mean() / r.var() for k in lags] for _, r in rests], axis=0)
    below = np.flatnonzero(pairs < 1 / np.e)
    step = float(np.median([s for s, _ in rests]))
    middle = np.percentile(steps, [25, 75])
    return {
        "noise by its mean": float(np.median([r.std() for _, r in rests])),
        "increments: 99 % to quartile range": float(
            np.percentile(np.abs(steps), 99) / (middle[1] - middle[0])
        ),
        "autocorrelation below 1/e after, s": float(step * lags[below[0] if len(below) else -1]),
        "slope of the power spectrum": _slope([r for _, r in rests]),
    }


def _slope(rests: list[Values]) -> float:
    """Exponent of the mean periodogram, over the stretches' common frequencies."""
    size = 20
    power = np.zeros(size // 2)
    for rest in rests:
        for start in range(0, len(rest) - size + 1, size):
            piece = rest[start : start + size] - rest[start : start + size].mean()
            spectrum = np.abs(np.fft.rfft(piece * np.hanning(size)))[1:] ** 2
            power += spectrum / spectrum.sum()
    return float(np.polyfit(np.log(np.arange(2, size // 2 + 1)), np.log(power[1:]), 1)[0])


def slow(times: Values, values: Values) -> dict[str, float]:
    """A slow series, a value a scan: spread, changes and how they grow with time."""
    hours, growth = np.array([0.25, 0.5, 1.0, 2.0]), []
    for lag in hours * 3600:
        later = np.interp(times + lag, times, values)
        inside = times + lag <= times[-1]
        growth.append(np.sqrt(np.mean((later - values)[inside] ** 2)))
    return {
        "standard deviation": float(values.std()),
        "RMS change in 15 min": float(growth[0]),
        "RMS change in 2 h": float(growth[-1]),
        "growth of the change, exponent of the time": float(
            np.polyfit(np.log(hours), np.log(growth), 1)[0]
        ),
    }


def stripes(shift: Values) -> dict[str, float]:
    """Flat fields one a minute over eight hours, shift in px: what is published of APS 2-BM."""
    moves = np.abs(np.diff(shift))
    busy = np.convolve(moves > 0.5, np.ones(5), "same") > 0
    quiet = shift[:-1][~busy]
    return {
        "range, px": float(np.ptp(shift)),
        "share of active minutes": float(busy.mean()),
        "share of minutes that move over 2 px": float((moves > 2).mean()),
        "largest jump, px": float(moves.max()),
        "median move in quiet times, px/min": float(
            np.median(moves[~busy]) if len(quiet) else np.nan
        ),
    }
