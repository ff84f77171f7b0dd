"""Whether projections without angles cover a half or a full turn, from a few of them.

Half a turn apart, projections of a parallel beam are mirror images about the axis. So in a full
turn, frame i and frame i + n/2 match after mirroring, all with the same shift; frames a quarter of
the stack apart do not. What all frames have in common (stripes of the detector) is taken out first.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

PAIRS = 8
SHARE = 0.15  # of the columns, the least overlap: half-acquisition has little
Profiles = NDArray[np.float64]


@dataclass(frozen=True)
class Turn:
    """The turn that the frames show. ``likeness``: correlation of mirrored frames half the stack
    apart; ``control``: a quarter apart. ``closed``: the last frame repeats the first."""

    full: bool
    closed: bool
    likeness: float
    control: float


def find_turn(profiles: Callable[[NDArray[np.intp]], Profiles], count: int) -> Turn | None:
    """Judge from at most 27 frames; ``profiles(frames)`` gives one line of attenuation each, axes
    ``frame, col``. None where there are too few frames."""
    if count < 16:
        return None
    first = np.arange(PAIRS) * (count // 2) // PAIRS
    wanted = np.unique(
        np.concatenate([first, first + count // 2, first + count // 4, [1, count - 2, count - 1]])
    )
    lines = profiles(wanted)
    if not np.isfinite(lines).all() or np.ptp(lines) == 0:
        return None
    place = {int(f): i for i, f in enumerate(wanted)}

    def take(frames: NDArray[np.intp]) -> Profiles:
        return lines[[place[int(f)] for f in frames]]

    common = lines.mean(axis=0)
    here = take(first) - common
    likeness = mirrored_likeness(here, take(first + count // 2) - common)
    control = mirrored_likeness(here, take(first + count // 4) - common)
    full = likeness > 0.85 and likeness > control + 0.2

    def apart(a: int, b: int) -> float:
        return float(np.abs(lines[place[a]] - lines[place[b]]).mean())

    step = (apart(0, 1) + apart(count - 2, count - 1)) / 2
    return Turn(full, full and apart(0, count - 1) < 0.9 * step, likeness, control)


def mirrored_likeness(lines: Profiles, others: Profiles) -> float:
    """Highest correlation over all shifts of lines with mirrored others, pooled over pairs."""
    size = lines.shape[1]
    others = others[:, ::-1]
    ones = np.ones_like(lines)

    def overlap(a: Profiles, b: Profiles) -> Profiles:
        spectrum = np.fft.rfft(a, 2 * size) * np.conj(np.fft.rfft(b, 2 * size))
        return np.fft.irfft(spectrum.sum(axis=0), 2 * size)

    n = np.maximum(overlap(ones, ones), 1.0)
    a, b = overlap(lines, ones), overlap(ones, others)
    aa, bb = overlap(lines**2, ones), overlap(ones, others**2)
    spread = np.sqrt(np.maximum(aa - a**2 / n, 1e-12) * np.maximum(bb - b**2 / n, 1e-12))
    likeness = (overlap(lines, others) - a * b / n) / spread
    return float(likeness[n > SHARE * lines.size].max())
