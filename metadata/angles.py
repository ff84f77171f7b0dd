"""Rotation angles as files give them: units, missing values, too few or too many."""

from __future__ import annotations

import math

import numpy as np
from numpy.typing import NDArray

from metadata.errors import ScanError
from metadata.units import factor

Angles = NDArray[np.float64]
WIDE_DEG = 20.0  # from view to view


def to_radians(values: Angles, unit: str | None, name: str) -> tuple[Angles, list[str]]:
    """Angles in radians from numbers with a unit that may be missing or wrong, and warnings.

    Without a unit they are degrees when any |value| exceeds 2π, otherwise radians.
    """
    warnings: list[str] = []
    scale = factor("angle", unit)
    finite = values[np.isfinite(values)]
    largest = float(np.max(np.abs(finite))) if finite.size else 0.0
    if scale is None:
        degrees = largest > 2 * math.pi * 1.001
        scale = math.pi / 180 if degrees else 1.0
        told = f"has the unit {unit!r}" if unit else "has no unit"
        guess = "degrees (some exceed 2π)" if degrees else "radians (none exceeds 2π)"
        warnings.append(f"{name} {told}: taken as {guess}.")
    elif scale < 1 and finite.size > 8 and abs(np.ptp(finite) / math.pi % 1 - 0.5) > 0.49:
        span = float(np.ptp(finite))
        if 0.98 * math.pi < span < 2.02 * math.pi:
            warnings.append(
                f"{name} is said to be in {unit} but spans only {span:.4g}, which is what radians "
                f"of a half or full turn would: kept as {unit}; give angles= if they are radians."
            )
    angles = values * scale
    return angles, [*warnings, *_steps(angles, unit, name, known=factor("angle", unit) is not None)]


def _steps(angles: Angles, unit: str | None, name: str, *, known: bool) -> list[str]:
    """What is strange about how far angles (rad) go from view to view: nothing for one turn in any
    order; many turns in wide steps are a golden-angle scan, or another unit than was taken.

    Raises ScanError where no scan goes so, or nothing but a guess at the unit says that one does.
    """
    steps = np.abs(np.diff(angles))
    steps = steps[np.isfinite(steps)]
    step = math.degrees(float(np.median(steps))) if steps.size else 0.0
    turns = float(np.nanmax(angles) - np.nanmin(angles)) / (2 * math.pi) if steps.size else 0.0
    if step < WIDE_DEG or turns <= 2:
        return []
    guessed = bool(unit) and not known
    if step >= 360 or guessed:
        told = f"has the unit {unit!r}" if unit else "has no unit"
        raise ScanError(
            f"{name} {told}, and its values come to {step:.4g}° from view to view, "
            f"{turns:.4g} turns in all; expected degrees or radians. Give the angles, for example "
            f"angles='0:180'."
        )
    return [
        f"{name} goes {step:.4g}° from view to view, {turns:.4g} turns in all: taken so, as of a "
        f"golden-angle scan. Give angles= if its values are in another unit."
    ]


def fit_count(angles: Angles, count: int, name: str) -> tuple[Angles, list[str]]:
    """Exactly ``count`` angles (any unit): holes filled, ends added or cut, with warnings.

    A hole (not a number) is interpolated, a list that is too short is continued with its step
    where the step is even and at least half of the angles are there, a list that is too long is
    cut at its end: a scan that stopped early.
    """
    warnings: list[str] = []
    good = np.isfinite(angles)
    if not good.all() and good.sum() >= max(2, angles.size // 2):
        index = np.arange(angles.size)
        angles = np.interp(index, index[good], angles[good])
        warnings.append(
            f"{int((~good).sum())} of {good.size} angles in {name} are not numbers: interpolated."
        )
    elif not good.all():
        raise ScanError(
            f"{name} holds {int(good.sum())} usable angles of {good.size}, expected {count}. "
            f"Give the angles, for example angles='0:180'."
        )
    if angles.size > count:
        warnings.append(
            f"{name} holds {angles.size} angles for {count} projections: the last "
            f"{angles.size - count} left out, as after a scan that stopped early."
        )
        return angles[:count], warnings
    if angles.size < count:
        even = evenly_spaced(angles)
        if not even or angles.size < count / 2:
            raise ScanError(
                f"{name} holds {angles.size} angles for {count} projections, and they "
                f"{'have no even step' if not even else 'are fewer than half'}, so the missing "
                f"ones cannot be known. Give the angles, for example angles='0:180' or a file."
            )
        mean = float((angles[-1] - angles[0]) / (angles.size - 1))
        added = angles[-1] + mean * np.arange(1, count - angles.size + 1)
        warnings.append(
            f"{name} holds {angles.size} angles for {count} projections: the last {added.size} "
            f"continued with the step of the others."
        )
        return np.concatenate([angles, added]), warnings
    return angles, warnings


def evenly_spaced(angles: Angles) -> bool:
    """Whether angles follow one another by about the same step; what is no number is passed over.

    >>> evenly_spaced(np.arange(9.0)), evenly_spaced(np.array([0.0, 0.0, 0.0, 1.0, 2.0]))
    (True, False)
    """
    steps = np.diff(angles)
    steps = steps[np.isfinite(steps)]
    step = float(np.median(steps)) if steps.size >= 2 else 0.0
    return step != 0 and bool(np.all(np.abs(steps - step) < abs(step) / 4))


def even_angles(count: int, start_rad: float, stop_rad: float, *, endpoint: bool) -> Angles:
    """Angles laid evenly from start to stop, with or without the end itself."""
    return np.linspace(start_rad, stop_rad, count, endpoint=endpoint)
