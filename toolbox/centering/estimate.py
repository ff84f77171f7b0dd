"""The rotation axis by several methods over several rows, with an interval that can be believed."""

from __future__ import annotations

from dataclasses import dataclass, field

import numpy as np

from metadata.errors import InputError
from toolbox.centering.evidence import Curves, Evidence, weigh
from toolbox.centering.methods import DRAWS, centred_mass, paired, pooled, sharpened, wedged
from toolbox.centering.posterior import Posterior
from toolbox.centering.sample import Sample
from toolbox.centering.tilt import lean
from toolbox.values import Block, Center


@dataclass(frozen=True)
class Effort:
    """How much is looked at: rows, columns and views of the sample; slice pixels in millions."""

    rows: int
    columns: int
    pairs: int
    views: int
    slice_views: int
    pixels: float


EFFORTS = {
    "quick": Effort(rows=3, columns=520, pairs=40, views=400, slice_views=120, pixels=3.0),
    "full": Effort(rows=5, columns=1300, pairs=160, views=1000, slice_views=360, pixels=24.0),
}
SURVEY = 10.0  # million pixels of slices that a survey takes at least
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
    tilt, error = lean([c for c in curves if c.method != "moments"], rng)
    if abs(tilt) < 2.5 * error:
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
    near = max(5.0, 0.008 * sample.columns)
    mode = float(known.columns[np.argmax(known.density)])
    found = []
    if known.mass(mode - near, mode + near) < 0.5:
        if much.pixels < SURVEY:
            return []
        wide = 0.07 * sample.columns
        found.append(_focus("survey", sample, mode - wide, mode + wide, 1.5, much, tilt, rng))
        known = known.given(found)
        mode = float(known.columns[np.argmax(known.density)])
        near *= 1.5
    found.append(_focus("sharpness", sample, mode - near, mode + near, 0.8, much, tilt, rng))
    return found


def _focus(
    method: str, sample: Sample, low: float, high: float, spacing: float, much: Effort,
    tilt: float, rng: np.random.Generator,
) -> Evidence:  # fmt: skip
    low, high = max(low, 2.0), min(high, sample.columns - 3.0)
    bin_, some = affordable(sample, low, high, spacing, much)
    step = spacing * bin_
    count = max(int((high - low) / step) + 1, 9)
    candidates = np.asarray((low + high) / 2 + step * (np.arange(count) - (count - 1) / 2))
    rows = np.linspace(0, len(sample.heights) - 1, some + 2)[1:-1]
    curves = sharpened(
        sample.at_rows(np.unique(rows.round().astype(np.intp))), candidates, bin_, much.slice_views
    )
    return pooled(method, [c.tilted(tilt) for c in curves], rng, 3.0 * bin_)


def affordable(
    sample: Sample, low: float, high: float, spacing: float, much: Effort
) -> tuple[int, int]:
    """The finest binning, and the most rows, whose slices at all candidates fit the effort."""
    rows = len(sample.heights)
    side = 2 * max(high, sample.columns - 1 - low)
    for bin_ in range(1, 33):
        count = max((high - low) / (spacing * bin_) + 1, 9)
        cost = count * (side / bin_) ** 2
        for some in (3, 2, 1):
            if some <= rows and cost * some <= 1e6 * much.pixels and side / bin_ < 1400:
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
            f"slices at several axes, or give the axis by hand (known_center)."
        )
    if len(clusters) > 1 and clusters[1][0] > 0.05:
        others = ", ".join(f"{(a + b) / 2:.1f} px ({p:.0%})" for p, a, b in clusters[1:4])
        warnings.append(f"The methods disagree about the axis: it may also be at {others}.")
    return Center(column, low, high, float(np.arctan(tilt)), "consensus", tuple(warnings))
