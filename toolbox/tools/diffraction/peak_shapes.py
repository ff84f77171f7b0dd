"""Background and peak functions of diffraction patterns."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Line = NDArray[np.float64]
REACH = 3.0  # widths on each side that a fit uses; nearer peaks are fitted together
MOST_TOGETHER = 6


@dataclass(frozen=True)
class Peak:
    """A fitted peak, 2θ in degrees; ``mixing``: 0 Gaussian, 1 Lorentzian. Errors are one σ."""

    position: float
    position_error: float
    width: float
    width_error: float
    area: float
    area_error: float
    mixing: float


def snip(seen: Line, half: int) -> Line:
    """The background under peaks of up to ``half`` steps half width: on a double-logarithmic
    scale, what is above the mean of its two neighbours at shrinking distances is cut down to it
    (Ryan et al. 1988; windows from wide to narrow as Morháč & Matoušek 2008).

    >>> line = np.full(50, 10.0); line[24:27] += 100
    >>> bool(np.allclose(snip(line, 6), 10))
    True
    """
    lift = min(0.0, float(seen.min()))
    scale = np.log(np.log(np.sqrt(seen - lift + 1) + 1) + 1)
    for width in range(min(half, (len(seen) - 1) // 2), 0, -1):
        around = 0.5 * (scale[: -2 * width] + scale[2 * width :])
        scale[width:-width] = np.minimum(scale[width:-width], around)
    return (np.exp(np.exp(scale) - 1) - 1) ** 2 - 1 + lift


def groups(found: NDArray[np.intp], widths: Line) -> Iterator[slice]:
    """Neighbouring peaks whose fits would overlap, as slices of the peaks."""
    start = 0
    for at in range(1, len(found) + 1):
        apart = at == len(found) or (
            found[at] - found[at - 1] > REACH * (widths[at] + widths[at - 1]) / 2 + 2
        )
        if apart or at - start == MOST_TOGETHER:
            yield slice(start, at)
            start = at


def pseudo_voigt(angle: Line, *parameters: float) -> Line:
    """Peaks by height, position, full width at half maximum and mixing, over a straight line given
    by the last two parameters (offset, slope about the mean angle)."""
    total = parameters[-2] + parameters[-1] * (angle - angle.mean())
    for at in range(0, len(parameters) - 2, 4):
        height, position, width, mixing = parameters[at : at + 4]
        square = ((angle - position) / (width / 2)) ** 2
        bell = np.exp(-np.log(2) * square)
        total = total + height * (mixing / (1 + square) + (1 - mixing) * bell)
    return total


def fit_group(
    angle: Line, calm: Line, noise: Line, found: NDArray[np.intp], widths: Line
) -> list[Peak]:
    """Peaks fitted together, their background taken off but for a straight line; those that the
    fit cannot hold are left out."""
    from scipy.optimize import OptimizeWarning, curve_fit

    low = int(max(found[0] - REACH * widths[0] - 2, 0))
    high = int(min(found[-1] + REACH * widths[-1] + 3, len(angle)))
    part = slice(low, high)
    step = float(np.median(np.diff(angle)))
    start, below, above = [], [], []
    for place, width in zip(found, widths * step, strict=True):
        start += [float(calm[place]), float(angle[place]), float(width), 0.5]
        below += [0.0, float(angle[place] - width - step), 0.3 * step, 0.0]
        above += [np.inf, float(angle[place] + width + step), 6 * float(width) + step, 1.0]
    if high - low < len(start) + 3:
        return []
    import warnings

    bounds = ([*below, -np.inf, -np.inf], [*above, np.inf, np.inf])
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", OptimizeWarning)  # no covariance: not a fit
            best, covariance = curve_fit(
                pseudo_voigt, angle[part], calm[part], [*start, 0.0, 0.0], noise[part], True,
                bounds=bounds, maxfev=4000,
            )  # fmt: skip
    except (RuntimeError, OptimizeWarning):
        return []
    # where the shape is not quite right, the misfit says more than the counts
    misfit = float((((calm[part] - pseudo_voigt(angle[part], *best)) / noise[part]) ** 2).sum())
    scale = max(1.0, misfit / max(high - low - len(best), 1))
    errors = np.sqrt(np.maximum(np.diag(covariance), 0) * scale)
    made = [_peak(best[i : i + 4], errors[i : i + 4]) for i in range(0, len(best) - 2, 4)]
    return [p for p in made if p.position_error < p.width / 3 and p.area > 3 * p.area_error]


def _peak(values: Line, errors: Line) -> Peak:
    height, position, width, mixing = (float(v) for v in values)
    shape = mixing * np.pi / 2 + (1 - mixing) * np.sqrt(np.pi / np.log(2)) / 2
    area = height * width * shape
    relative = np.hypot(errors[0] / max(height, 1e-30), errors[2] / max(width, 1e-30))
    return Peak(position, float(errors[1]), width, float(errors[2]), float(area),
                float(area * relative), mixing)  # fmt: skip
