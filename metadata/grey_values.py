"""What the grey values of a scan without flats mean, judged from a few frames."""

from __future__ import annotations

import re
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from metadata.found import Found
from metadata.scan_info import GreyState

CORRECTED = re.compile(r"flat[- ]?(field)?[- ]?correct|normali[sz]ed|transmission", re.IGNORECASE)
NEUTRON = re.compile(r"neutron", re.IGNORECASE)
ELECTRON = re.compile(r"electron|HAADF|\bS?TEM\b", re.IGNORECASE)
HALF_RANGE = 32768


@dataclass(frozen=True)
class GreyValues:
    """``(stored + offset) * scale`` is a value of this state."""

    state: GreyState
    offset: float = 0.0
    scale: float = 1.0
    warnings: tuple[str, ...] = ()


def probe_of(found: Found) -> str:
    """What was shone through the sample: as the file's field says, else as its notes say."""
    for said in (found.facts.probe or "", found.notes):
        if NEUTRON.search(said):
            return "neutron"
        if ELECTRON.search(said):
            return "electron"
        if re.search(r"x-?\s?ray", said, re.IGNORECASE):
            return "x-ray"
    return "x-ray"


def judge_grey_values(
    found: Found, sample: NDArray[np.float64] | None, given: GreyState | None
) -> GreyValues:
    """The state of the values; ``sample`` holds some frames as stored, ``angle, row, col``.

    With flats they are counts. Without, the file's own words decide, then the level of the air at
    the left and right edges: near 1 in transmission, near 0 in attenuation.
    """
    state = given or found.state
    if found.flats and state is None:
        return GreyValues(GreyState.COUNTS)
    if sample is None or not np.isfinite(sample).any():
        return GreyValues(state or GreyState.COUNTS)
    warnings: list[str] = []
    offset = 0.0
    low, high = np.nanpercentile(sample[np.isfinite(sample)], [1, 99])
    if found.projections.source.dtype == np.int16 and _stored_as_signed(sample):
        offset = float(HALF_RANGE)
        warnings.append(
            "The values are unsigned 16-bit numbers stored as signed ones (the darkest lie near "
            "-32768): 32768 added."
        )
    even = _air_is_even(sample + offset)
    low, high, air = low + offset, high + offset, _air(sample) + offset
    integer = found.projections.source.dtype.kind in "iu"
    electrons = probe_of(found) == "electron"
    told = CORRECTED.search(found.notes) is not None
    if state is not None:
        pass
    elif electrons:
        state = GreyState.ATTENUATION
        warnings.append(
            "Electrons: the signal adds up along the ray, so the values are taken as projections "
            "of the sample as they are, without -log."
        )
    elif told or (not integer and 0.7 <= air <= 1.4 and high < 2 and low > -0.2):
        state = GreyState.TRANSMISSION
        why = "by the file's own note" if told else "since the air beside the sample is near 1"
        warnings.append(f"There are no flats, {why} the values are taken as flat-corrected.")
    elif even and low >= 0 and air > 0.8 * high:
        state = GreyState.TRANSMISSION
        why = "since the air beside the sample is even from pixel to pixel"
        warnings.append(f"There are no flats, {why} the values are taken as flat-corrected.")
    elif not integer and abs(air) < 0.25 * high and low > -0.25 * high:
        state = GreyState.ATTENUATION
        warnings.append(
            "There are no flats and the air beside the sample is near 0: the values are taken as "
            "attenuation (after -log). Give state='transmission' or 'counts' if they are not."
        )
    else:
        state = GreyState.COUNTS
        warnings.append(
            "There are no flats and nothing says that the values are corrected: they are taken as "
            "counts. Give flats=, or state='transmission' if they are flat-corrected."
        )
    scale = 1.0
    if state is GreyState.TRANSMISSION and air > 0 and not 0.7 <= air <= 1.4:
        scale = 1.0 / air
        warnings.append(
            f"Transmission is stored as a multiple: divided by {air:.6g}, the level of the air at "
            f"the edges of some projections."
        )
    return GreyValues(state, offset, scale, tuple(warnings))


def _stored_as_signed(sample: NDArray[np.float64]) -> bool:
    """Whether the background lies at the bottom of the signed range. Counts that merely passed
    32767 would as well lie at its top."""
    return bool((sample < -24000).mean() > 0.25 and (sample > 24000).mean() < 0.1)


def _edges(sample: NDArray[np.float64], share: int) -> list[NDArray[np.float64]]:
    width = min(sample.shape[2], max(2, sample.shape[2] // share))
    return [sample[..., :width], sample[..., -width:]]


def _air_is_even(sample: NDArray[np.float64]) -> bool:
    """Whether the brighter edge differs by less than 0.4 % from pixel to pixel, beyond what the
    noise of the mean explains. Measured: 0.1 % in flat-corrected scans, 0.5 to 6 % in raw ones."""
    edge = max(_edges(sample, 20), key=lambda e: float(np.nanmedian(e)))
    if len(edge) < 4 or not np.isfinite(edge).all() or edge.mean() <= 0:
        return False
    noise = float(edge.var(axis=0, ddof=1).mean()) / len(edge)
    excess = float(edge.mean(axis=0).var()) - noise
    return excess < (0.004 * float(edge.mean())) ** 2


def _air(sample: NDArray[np.float64]) -> float:
    """The brighter of the two edges: half-acquisition has the sample across the other."""
    return float(max(np.nanmedian(edge) for edge in _edges(sample, 50)))
