"""The Fourier double wedge: around the right axis, a full turn's spectrum is empty outside it."""

from __future__ import annotations

import numpy as np

from toolbox.centering.evidence import Curves
from toolbox.centering.views import Floats, Views

HALF_TURN = (0.97 * np.pi, 1.06 * np.pi)  # spans (one step included) that a mirror image completes


def wedge_curves(views: Views, low: float, high: float, radius: float) -> Curves | None:
    """Scores for axes (px) from ``low`` to ``high`` of even half-turn scans; None for others.

    ``radius``: what the specimen reaches from the axis, px. The half turn is completed with its
    own mirror image about a candidate axis ``c``. With the spectra C(n, k) of the half turn
    (angular harmonic n, spatial frequency k), the energy of the completed one outside the wedge
    |n| ≤ 2πk · radius is

        Σ |C(n, k)|² + |C(−n, k)|² + 2 Re[exp(4πikc) (−1)ⁿ C(n, k) C(−n, k)],

    a Fourier series in c: all candidates come from one transform, in place of one two-dimensional
    transform for each. After Vo et al. 2014, Optics Express 22, 19078, who minimise the mean
    modulus.
    """
    from scipy import fft

    order = np.argsort(views.angles_rad)
    angles = views.angles_rad[order]
    steps = np.diff(angles)
    step = float(np.mean(steps))
    span = float(angles[-1] - angles[0])
    if span > HALF_TURN[1] or span + step < HALF_TURN[0] or np.ptp(steps) > 0.5 * step:
        return None
    half = min(len(angles), round(np.pi / step))
    turn = 2 * half
    length = fft.next_fast_len(2 * views.columns, real=True)
    k = fft.rfftfreq(length)
    reach = radius / views.bin
    last = min(0.35, (turn / 2 - 12) / (2 * np.pi * 1.1 * reach))
    chosen = (k > max(0.5 / reach, 0.25 / views.coarse)) & (k < last)
    if np.count_nonzero(chosen) < 8:
        return None
    k = k[chosen]
    harmonics = np.abs(fft.fftfreq(turn, 1 / turn))[: half + 1, None]
    # n and −n give the same product: half of them will do
    outside = harmonics > 1.1 * 2 * np.pi * k[None, :] * reach + 8
    sign = np.where(outside, np.where(harmonics % 2 == 0, -1.0, 1.0), 0).astype(np.float32)
    sign[half] /= 2  # the last harmonic has no partner
    candidates = np.arange(low, high, 0.5 * views.bin)
    phases = np.exp(4j * np.pi * np.outer(k, views.from_pixels(candidates)))
    # Parts: what is close in k and in n is correlated and stays together
    slots = np.array_split(np.arange(len(k)), 6)
    bands = np.array_split(np.arange(half + 1), 4)
    parts = []
    for row, firm in zip(views.values, views.firmness, strict=True):
        spectrum = fft.rfft(row[order[:half]], length, axis=1)[:, chosen]
        weight = firm / np.maximum((np.abs(spectrum) ** 2).mean(axis=0), 1e-12)
        turned = fft.fft(spectrum, turn, axis=0)
        mirrored = turned[-np.arange(half + 1) % turn]
        cross = turned[: half + 1] * mirrored * sign
        pieces = np.stack([cross[band].sum(axis=0) * weight for band in bands])
        parts += [(pieces[:, slot] @ phases[slot]).real for slot in slots]
    heights = np.repeat(views.heights, len(slots) * len(bands))
    return Curves("fourier", candidates, np.concatenate(parts).astype(np.float64), heights)


def support_radius(attenuation: Floats) -> float:
    """How far (px) the specimen reaches from the axis, with a margin of a fifth, by the width that
    it passes over; axes ``row, angle, col``."""
    highest = attenuation.max(axis=1).mean(axis=0)
    background, top = np.percentile(highest, [2, 98])
    filled = np.flatnonzero(highest > background + 0.1 * (top - background))
    return 0.6 * (float(np.ptp(filled)) + 1 if len(filled) else float(len(highest)))
