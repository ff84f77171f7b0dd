"""One method's answer alone, with the interval that its own record earns."""

from __future__ import annotations

import dataclasses

import numpy as np

from metadata.errors import InputError
from toolbox.centering.estimate import EFFORTS, axis_prior, conclude, in_focus, reach_of
from toolbox.centering.evidence import Curves, weigh
from toolbox.centering.methods import DRAWS, centred_mass, paired, wedged
from toolbox.centering.posterior import Posterior
from toolbox.centering.sample import Sample
from toolbox.centering.tilt import lean
from toolbox.values import Block, Center

FULL = EFFORTS["full"]


def by_curves(sample: Sample, curves: Curves, low: float, high: float) -> Center:
    """The axis (px, between ``low`` and ``high``) and its tilt by one method's curves."""
    rng = np.random.default_rng(0)
    inside = (curves.columns >= low) & (curves.columns <= high)
    curves = Curves(curves.method, curves.columns[inside], curves.parts[:, inside], curves.heights)
    tilt, error = lean([curves], rng)
    if abs(tilt) < 2.5 * error:
        tilt = 0.0
    evidence = weigh(curves.tilted(tilt), DRAWS, rng, max(8.0, 0.01 * sample.columns))
    center = conclude(sample, Posterior.flat(low, high).given([evidence]), [evidence], tilt)
    column = evidence.column
    return dataclasses.replace(
        center, column=column, low=min(center.low, column), high=max(center.high, column),
        method=evidence.method,
    )  # fmt: skip


def registration(sinogram: Block) -> Center:
    """By half-turn pairs at the ends of a half turn (or all over a longer one)."""
    sample = Sample.of(sinogram, FULL.rows)
    curves = paired(sample, "registration", FULL.columns, FULL.pairs)
    if curves is None:
        raise InputError(
            f"Registration needs two projections half a turn apart, but the angles span only "
            f"{np.rad2deg(sample.span_rad):.1f}°. Use center_consensus, or center_sharpness, "
            f"which needs no such pair."
        )
    return by_curves(sample, curves, *sample.limits)


def mirror(sinogram: Block, method: str, low: float, high: float) -> Center:
    """By all half-turn pairs of a full turn; ``low`` and ``high`` as parts of the width."""
    sample = Sample.of(sinogram, FULL.rows)
    if not sample.full_turn:
        raise InputError(
            f"center_{method} needs a full turn, but the angles span only "
            f"{np.rad2deg(sample.span_rad):.1f}°. Use center_fourier or center_consensus."
        )
    curves = paired(sample, method, FULL.columns, FULL.pairs)
    if curves is None:
        raise InputError(
            f"center_{method} needs projections half a turn apart, and the scan has none. Check "
            f"the angles, or use center_consensus."
        )
    last = sample.columns - 1
    return by_curves(sample, curves, low * last, high * last)


def fourier(sinogram: Block) -> Center:
    """By the Fourier double wedge of a half turn."""
    sample = Sample.of(sinogram, FULL.rows)
    curves = wedged(sample, FULL.columns, FULL.views)
    if curves is None:
        raise InputError(
            f"The Fourier wedge needs evenly spaced projections over half a turn, close enough "
            f"together; these are {len(sample.angles_rad)} over "
            f"{np.rad2deg(sample.span_rad):.1f}°. Use center_consensus, which chooses by the scan."
        )
    return by_curves(sample, curves, *sample.limits)


def moments(sinogram: Block) -> Center:
    """By the sinusoid of the views' centres of mass."""
    sample = Sample.of(sinogram, FULL.rows)
    curves = centred_mass(sample)
    if curves is None:
        raise InputError(
            f"The centre of mass tells the axis only where the whole specimen is in every "
            f"projection and the angles span 60° at least (here "
            f"{np.rad2deg(sample.span_rad):.1f}°; the total attenuation must stay within 3 %). "
            f"Use center_consensus, which chooses by the scan."
        )
    return by_curves(sample, curves, *sample.limits)


def sharpness(sinogram: Block, about: float | None) -> Center:
    """By the sharpness of slices: over the middle of the detector and then around the best, or
    around ``about`` (px) only."""
    sample = Sample.of(sinogram, FULL.rows)
    prior = axis_prior(sample)
    known = prior
    if about is not None:
        near = np.abs(prior.columns - about) <= reach_of(sample)
        if not near.any():
            raise InputError(
                f"The axis is to be sought about column {about:g}, outside of "
                f"{prior.columns[0]:.0f} to {prior.columns[-1]:.0f}. Give a column within."
            )
        known = Posterior(prior.columns, np.where(near, 1.0, 1e-9) / near.sum())
    found = in_focus(sample, known, FULL, 0.0, np.random.default_rng(0))
    center = conclude(sample, known.given(found), found, 0.0)
    return dataclasses.replace(center, method="sharpness")


__all__ = ["fourier", "mirror", "moments", "registration", "sharpness"]
