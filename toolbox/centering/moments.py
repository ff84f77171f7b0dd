"""Helgason–Ludwig consistency: the centre of mass of the views runs along one sinusoid."""

from __future__ import annotations

import numpy as np

from toolbox.centering.evidence import Curves, Doubles
from toolbox.centering.views import Floats

LEAST_SPAN = np.deg2rad(60.0)
STEADY = 0.03  # relative scatter of the total attenuation up to which the specimen is in view
AIR = 0.1  # of the highest attenuation: less, in every view, is air
TAKEN = 0.8  # of the air on each side
LEAST_AIR = 2  # columns


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
    views = attenuation.shape[1]
    if span < LEAST_SPAN or views < 12:
        return None
    found = [_centres_of_mass(row) for row in attenuation]
    if not any(one is not None for one in found):
        return None
    design = np.stack([np.ones(views), np.cos(angles_rad), np.sin(angles_rad)], axis=1)
    candidates = np.arange(low, high, 0.25)
    parts, part_heights = [], []
    blocks = np.array_split(np.argsort(angles_rad), 12)
    for place, height in zip(found, heights, strict=True):
        if place is None:
            continue
        # leaving one block of views out at a time gives the spread that slow errors cause
        full = _offset(design, place)
        kept = [np.setdiff1d(np.arange(views), block) for block in blocks]
        left_out = np.array([_offset(design[k], place[k]) for k in kept])
        count = len(blocks)
        variance = (count - 1) / count * float(((left_out - full) ** 2).sum()) + 1e-4
        # each pseudo-value is a part; their parabolas add up to the one of their mean
        for pseudo in full * count - (count - 1) * left_out:
            parts.append(-((candidates - pseudo) ** 2) / (2 * variance * count))
            part_heights.append(height)
    return Curves("moments", candidates, np.stack(parts), np.array(part_heights))


def air_margins(row: Floats) -> tuple[int, int]:
    """In how many columns at either end (``angle, col``) no view sees specimen."""
    from scipy.ndimage import gaussian_filter1d

    columns = row.shape[1]
    together = [some.mean(axis=0) for some in np.array_split(row, min(len(row), 40))]
    highest = gaussian_filter1d(np.stack(together), 2.0, axis=1).max(axis=0)
    ground, top = np.percentile(highest, 2), highest.max()
    seen = np.flatnonzero(highest > ground + AIR * (top - ground))
    return (int(seen[0]), int(columns - 1 - seen[-1])) if len(seen) else (columns, columns)


def _centres_of_mass(row: Floats) -> Doubles | None:
    """Centre of mass of each view of a row (``angle, col``), px, over a line through the air on
    both sides: narrow margins would carry their noise and their stripes across the specimen. None
    where the specimen is not wholly in view."""
    columns = row.shape[1]
    ends = air_margins(row)
    if min(ends) < LEAST_AIR or max(ends) >= columns:
        return None
    left, right = (max(int(TAKEN * end), LEAST_AIR) for end in ends)
    at = np.arange(columns, dtype=np.float64)
    air = np.r_[:left, columns - right : columns]
    line = np.stack([np.ones(columns), at / columns], axis=1)
    clean = row - (row[:, air] @ np.linalg.pinv(line[air]).T) @ line.T
    inner = slice(left // 2, columns - right // 2)
    mass = clean[:, inner].sum(axis=1)
    if mass.mean() <= 0 or mass.std() > STEADY * mass.mean():
        return None
    return np.asarray((clean[:, inner] @ at[inner]) / mass)


def _offset(design: Doubles, place: Doubles) -> float:
    return float(np.linalg.lstsq(design, place, rcond=None)[0][0])
