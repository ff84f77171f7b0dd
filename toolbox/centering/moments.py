"""Helgason–Ludwig consistency: the centre of mass of the views runs along one sinusoid."""

from __future__ import annotations

import numpy as np

from toolbox.centering.evidence import Curves, Doubles
from toolbox.centering.views import Floats

LEAST_SPAN = np.deg2rad(60.0)


def moment_curves(
    attenuation: Floats, angles_rad: Doubles, heights: Doubles, low: float, high: float
) -> Curves | None:
    """Scores for axes (px) from ``low`` to ``high`` by fitting c + x cos θ + y sin θ to the
    centre of mass of every view; ``attenuation`` axes ``row, angle, col``.

    None where the condition behind it does not hold: all the specimen in every view (the total
    attenuation then is the same in all views) and a span of angles that tells an offset from a
    sinusoid. Needs no half turn. Ludwig 1966, Commun. Pure Appl. Math. 19, 49.
    """
    span = float(np.ptp(angles_rad))
    _, views, columns = attenuation.shape
    if span < LEAST_SPAN or views < 12:
        return None
    margin = max(2, columns // 40)
    left = attenuation[:, :, :margin].mean(axis=2, dtype=np.float64)
    right = attenuation[:, :, -margin:].mean(axis=2, dtype=np.float64)
    ramp = np.linspace(0, 1, columns)
    base = left[..., None] * (1 - ramp) + right[..., None] * ramp
    clean = attenuation - base
    mass = clean.sum(axis=2)
    steady = np.std(mass, axis=1) / np.maximum(np.abs(np.mean(mass, axis=1)), 1e-12)
    good = (steady < 0.03) & (mass.mean(axis=1) > 0)
    if not good.any():
        return None
    place = (clean @ np.arange(columns, dtype=np.float64)) / np.where(mass == 0, 1, mass)
    design = np.stack([np.ones(views), np.cos(angles_rad), np.sin(angles_rad)], axis=1)
    candidates = np.arange(low, high, 0.25)
    parts, part_heights = [], []
    blocks = np.array_split(np.argsort(angles_rad), 12)
    for row in np.flatnonzero(good):
        # leaving one block of views out at a time gives the spread that slow errors cause
        full = _offset(design, place[row])
        kept = [np.setdiff1d(np.arange(views), block) for block in blocks]
        left_out = np.array([_offset(design[k], place[row][k]) for k in kept])
        count = len(blocks)
        variance = (count - 1) / count * float(((left_out - full) ** 2).sum()) + 1e-4
        # each pseudo-value is a part; their parabolas add up to the one of their mean
        for pseudo in full * count - (count - 1) * left_out:
            parts.append(-((candidates - pseudo) ** 2) / (2 * variance * count))
            part_heights.append(heights[row])
    return Curves("moments", candidates, np.stack(parts), np.array(part_heights))


def _offset(design: Doubles, place: Doubles) -> float:
    return float(np.linalg.lstsq(design, place, rcond=None)[0][0])
