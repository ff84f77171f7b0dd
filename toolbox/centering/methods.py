"""Each way of finding the axis, from a sample to its curves."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from toolbox.centering.evidence import Curves, Doubles, Evidence, weigh
from toolbox.centering.moments import moment_curves
from toolbox.centering.pairs import pair_curves, pairs_at_hand
from toolbox.centering.sample import Sample
from toolbox.centering.sharpness import sharpness_curves
from toolbox.centering.wedge import wedge_curves

DRAWS = 200
BANDS = (2.0, 4.0, 8.0)  # widest structure, binned columns


def bin_for(columns: int, most: int) -> int:
    """How many columns to put together so that at most ``most`` are left."""
    return max(1, -(-columns // most))


def paired(sample: Sample, method: str, most_columns: int, most_pairs: int) -> Curves | None:
    """Curves from half-turn pairs of views; None where the scan has none."""
    pairs = pairs_at_hand(sample.angles_rad)
    if not pairs:
        return None
    pairs = [p[_spread(len(p), most_pairs)] for p in pairs if len(p)]
    # Stripes are known by views from all around, so some more than the pairs' come along
    around = _spread(len(sample.angles_rad), 120)
    used = np.unique(np.concatenate([around, *(p.ravel() for p in pairs)]))
    bin_ = bin_for(sample.columns, most_columns)
    views = sample.at_views(used).views(bin_)
    places = [np.searchsorted(used, p) for p in pairs]
    return pair_curves(views, places, sample.step_rad, method, *sample.limits)


def wedged(sample: Sample, most_columns: int, most_views: int) -> Curves | None:
    """Curves from the Fourier double wedge; None where the scan is not an even half turn."""
    bin_ = bin_for(sample.columns, most_columns)
    return wedge_curves(sample.thinned(most_views).views(bin_), *sample.limits, sample.radius)


def centred_mass(sample: Sample) -> Curves | None:
    """Curves from the views' centres of mass; None where the specimen is not wholly in view."""
    return moment_curves(sample.attenuation, sample.angles_rad, sample.heights, *sample.limits)


def sharpened(
    sample: Sample, columns: Doubles, bin_: int, most_views: int, coarse: float = 8.0
) -> list[Curves]:
    """Curves from the sharpness of slices at some candidate axes (px, evenly spaced); ``coarse``:
    the widest structure looked at, in binned columns."""
    views = sample.thinned(most_views).views(bin_, fine=0.7, coarse=coarse, limit=1.0)
    return sharpness_curves(views, columns, sample.radius)


def added(sample: Sample, columns: Doubles, bin_: int, most_views: int) -> Curves:
    """All measures of sharpness of three bands as one, each in units of its own spread over the
    candidates: where noise hides the focus, each alone has its maximum nearly anywhere."""
    curves = [
        curve.detrended(1)
        for coarse in BANDS
        for curve in sharpened(sample, columns, bin_, most_views, coarse)
    ]
    parts = np.sum([c.parts / (c.parts.sum(axis=0).std() + 1e-12) for c in curves], axis=0)
    return Curves("sharpness", columns, parts, curves[0].heights)


def pooled(method: str, curves: list[Curves], rng: np.random.Generator, guard: float) -> Evidence:
    """Several measures of one thing as one evidence: their draws side by side, so that where they
    disagree the answer is as unsure as they are."""
    found = [weigh(c, DRAWS, rng, guard) for c in curves]
    column = float(np.median([one.column for one in found]))
    score = np.mean([_standard(one.score) for one in found], axis=0)
    return Evidence(
        method,
        column,
        float(np.median([one.prominence for one in found])),
        found[0].columns,
        score,
        np.concatenate([one.draws for one in found]),
    )


def _spread(count: int, most: int) -> NDArray[np.intp]:
    return np.unique(np.linspace(0, count - 1, most).astype(np.intp))


def _standard(score: Doubles) -> Doubles:
    return (score - score.mean()) / (score.std() + 1e-12)
