"""The rotation axis by several methods over several rows, with an interval that can be believed."""

from __future__ import annotations

from dataclasses import dataclass, field, replace

import numpy as np

from metadata.errors import InputError
from toolbox.centering.evidence import Curves, Doubles, Evidence, weigh
from toolbox.centering.methods import (
    DRAWS,
    added,
    bin_for,
    centred_mass,
    paired,
    pooled,
    sharpened,
    wedged,
)
from toolbox.centering.posterior import Posterior
from toolbox.centering.sample import Sample
from toolbox.centering.tilt import LEAST_LEAN, lean
from toolbox.values import Block, Center


@dataclass(frozen=True)
class Effort:
    """How much is looked at: rows, columns, pairs and views of the sample; views in slices, and
    slice pixels in millions where the direct methods agree and where they leave the axis open;
    resamplings for the tilt."""

    rows: int
    columns: int
    pairs: int
    views: int
    slice_views: int
    pixels: float
    tilt_draws: int
    hard_pixels: float


EFFORTS = {
    "quick": Effort(
        rows=3,
        columns=520,
        pairs=40,
        views=400,
        slice_views=120,
        pixels=2.0,
        tilt_draws=16,
        hard_pixels=3.0,
    ),
    "full": Effort(
        rows=5,
        columns=1300,
        pairs=160,
        views=1000,
        slice_views=360,
        pixels=8.0,
        tilt_draws=60,
        hard_pixels=45.0,
    ),
}
SURVEY = 10.0  # million pixels of slices that a survey takes at least
FOCUS_STEP = 0.8  # binned columns between candidates
WIDE = 4.0  # px; a wider interval is said to be wide


@dataclass(frozen=True, eq=False)
class Finding:
    """The axis, and what it rests on: each method's evidence and the probability of each column."""

    center: Center
    evidence: tuple[Evidence, ...]
    posterior: Posterior = field(repr=False)


def estimate_center(sinogram: Block, effort: str = "full", seed: int = 0) -> Center:
    """The rotation axis of a sinogram block (attenuation, phase or transmission; axes
    ``row, angle, col``; some rows spread over the detector tell a tilt too).

    Works for half and full turns, offset axes, few views and limited angles; ``low`` and
    ``high`` hold 95 % of the probability, and ``warnings`` say where the data cannot tell.
    ``effort`` is "quick" (well under a second) or "full". Raises
    :class:`metadata.errors.InputError` where nothing can tell an axis: fewer than 8 projections,
    an empty or a constant sinogram.
    """
    return examine(sinogram, effort, seed).center


def examine(sinogram: Block, effort: str = "full", seed: int = 0) -> Finding:
    """As :func:`estimate_center`, with what the answer rests on."""
    if effort not in EFFORTS:
        raise InputError(f"The effort is {effort!r}, expected one of {', '.join(EFFORTS)}.")
    much = EFFORTS[effort]
    sample = Sample.of(sinogram, much.rows)
    rng = np.random.default_rng(seed)
    curves = direct_curves(sample, much)
    tilt, error = lean(curves, rng, much.tilt_draws)
    extent = max((float(np.ptp(c.heights)) for c in curves), default=0.0)
    if abs(tilt) < max(2.5 * error, LEAST_LEAN / max(extent, 1.0)):
        tilt = 0.0
    guard = max(8.0, 0.01 * sample.columns)
    evidence = [weigh(c.tilted(tilt), DRAWS, rng, guard) for c in curves]
    prior = axis_prior(sample)
    posterior = prior.given(evidence)
    focus = in_focus(sample, posterior, much, tilt, rng)
    if focus:
        evidence += focus
        posterior = prior.given(evidence)
    center = conclude(sample, posterior, evidence, tilt)
    if np.isfinite(error):
        center = replace(center, tilt_error_rad=float(np.arctan(error)))
    return Finding(center, tuple(evidence), posterior)


def direct_curves(sample: Sample, much: Effort) -> list[Curves]:
    """What needs no slices: half-turn pairs, the Fourier wedge, centres of mass."""
    name = pair_method(sample)
    found = [paired(sample, name, much.columns, much.pairs)]
    if not sample.full_turn:
        found.append(wedged(sample, much.columns, much.views))
    found.append(centred_mass(sample))
    return [curves for curves in found if curves is not None]


def pair_method(sample: Sample) -> str:
    """What half-turn pairs are called for this span of angles."""
    return "mirror" if sample.full_turn else "registration"


def axis_prior(sample: Sample) -> Posterior:
    """Where axes are before looking: near the middle of the detector for a half turn (a Cauchy
    distribution, 5 % of the width to the quartiles), anywhere for a full turn."""
    flat = Posterior.flat(*sample.limits)
    if sample.full_turn:
        return flat
    away = (flat.columns - (sample.columns - 1) / 2) / (0.05 * sample.columns)
    density = 1 / (1 + away**2)
    return Posterior(flat.columns, density / density.sum())


def in_focus(
    sample: Sample, known: Posterior, much: Effort, tilt: float, rng: np.random.Generator
) -> list[Evidence]:
    """The sharpness of slices around the most probable axis; where the direct methods leave that
    open, over the middle of the detector first (if the effort allows)."""
    near = reach_of(sample)
    mode = float(known.columns[np.argmax(known.density)])
    sure = known.mass(mode - near, mode + near)
    found = []
    if sure < 0.5:
        if much.hard_pixels < SURVEY:
            return []
        found.append(survey(sample, mode, much, tilt, rng))
        known = known.given(found)
        mode = float(known.columns[np.argmax(known.density)])
        near *= 1.5
    low, high = max(mode - near, 2.0), min(mode + near, sample.columns - 3.0)
    bin_, some = affordable(sample, low, high, much.pixels if sure > 0.9 else much.hard_pixels)
    candidates = evenly(low, high, FOCUS_STEP * bin_)
    few = some_rows(sample, some)
    if sure < 0.5:
        curves = [added(few, candidates, bin_, much.slice_views)]
    else:
        curves = sharpened(few, candidates, bin_, much.slice_views)
    found.append(pooled("sharpness", [c.tilted(tilt) for c in curves], rng, 3.0 * bin_))
    return found


def reach_of(sample: Sample) -> float:
    """How far to either side of a likely axis slices are made, px."""
    return max(5.0, 0.008 * sample.columns)


def survey(
    sample: Sample, about: float, much: Effort, tilt: float, rng: np.random.Generator
) -> Evidence:
    """Sharpness over the middle of the detector, at a binning that keeps fine structure."""
    wide = 0.07 * sample.columns
    bin_ = bin_for(sample.columns, 700)
    candidates = evenly(max(about - wide, 2.0), min(about + wide, sample.columns - 3.0), 2.0 * bin_)
    slices = len(candidates) * (1.1 * sample.columns / bin_) ** 2
    rows = int(np.clip(1e6 * much.hard_pixels / slices, 1, 3))
    curves = sharpened(some_rows(sample, rows), candidates, bin_, much.slice_views)
    return pooled("survey", [c.tilted(tilt).detrended() for c in curves], rng, 6.0 * bin_)


def evenly(low: float, high: float, step: float) -> Doubles:
    """At least 9 candidates, ``step`` apart, around the middle of the range."""
    count = max(int((high - low) / step) + 1, 9)
    return np.asarray((low + high) / 2 + step * (np.arange(count) - (count - 1) / 2))


def some_rows(sample: Sample, count: int) -> Sample:
    """``count`` of the rows, spread evenly."""
    rows = np.linspace(0, len(sample.heights) - 1, count + 2)[1:-1]
    return sample.at_rows(np.unique(rows.round().astype(np.intp)))


def affordable(sample: Sample, low: float, high: float, pixels: float) -> tuple[int, int]:
    """The finest binning, and the most rows, for which the slices at all candidates have no more
    than this many million pixels."""
    rows = len(sample.heights)
    side = 2 * max(high, sample.columns - 1 - low)
    for bin_ in range(1, 33):
        cost = len(evenly(low, high, FOCUS_STEP * bin_)) * (side / bin_) ** 2
        for some in (3, 2, 1):
            if some <= rows and cost * some <= 1e6 * pixels and side / bin_ < 1400:
                return bin_, some
    return 32, 1


def conclude(sample: Sample, posterior: Posterior, evidence: list[Evidence], tilt: float) -> Center:
    """The answer with its interval, and in words what stands against it."""
    low, high = posterior.interval()
    clusters = posterior.clusters(gap=1.5)
    column = posterior.best()
    low, high = min(low, column), max(high, column)
    warnings = []
    if high - low > WIDE:
        answers = ", ".join(f"{e.method} {e.column:.1f}" for e in evidence) or "no method applies"
        views = len(sample.angles_rad)
        warnings.append(
            f"The data cannot tell the rotation axis to better than {low:.1f} to {high:.1f} px "
            f"({views} projections over {np.rad2deg(sample.span_rad):.0f}°; {answers}). Compare "
            f"slices at several axes, or give the axis: `axis at {column:.0f}` in the "
            f"request, known_center in a plan."
        )
    if len(clusters) > 1 and clusters[1][0] > 0.05:
        others = ", ".join(f"{(a + b) / 2:.1f} px ({p:.0%})" for p, a, b in clusters[1:4])
        warnings.append(f"The methods disagree about the axis: it may also be at {others}.")
    return Center(column, low, high, float(np.arctan(tilt)), "consensus", tuple(warnings))
