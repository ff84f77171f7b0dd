"""Views made comparable: binned, band-passed, without fixed stripes, without giants."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Doubles = NDArray[np.float64]
FULL_TURN = np.deg2rad(270.0)  # spans beyond this see nearly everything from both sides


@dataclass(frozen=True, eq=False)
class Views:
    """Band-passed views of some rows, axes ``row, angle, col``, each column ``bin`` pixels wide.

    Values are in units of each view's own level, softly limited. ``heights``: how far each row
    lies from the middle row of the detector, px. ``firmness``: each row's part of the values that
    neighbouring views have in common (0: noise only). ``coarse``: the widest structure kept, as
    a Gaussian width in columns here.
    """

    values: Floats
    angles_rad: Doubles
    heights: Doubles
    bin: int
    firmness: Doubles
    coarse: float

    @property
    def columns(self) -> int:
        return self.values.shape[2]

    def to_pixels(self, column: Doubles) -> Doubles:
        """Column coordinates here to the detector's."""
        return np.asarray(column, np.float64) * self.bin + (self.bin - 1) / 2

    def from_pixels(self, column: Doubles) -> Doubles:
        """Column coordinates of the detector to those here."""
        return (np.asarray(column, np.float64) - (self.bin - 1) / 2) / self.bin


def binned(values: Floats, bin_: int) -> Floats:
    """Mean of ``bin_`` neighbouring columns (last axis); a remainder is dropped."""
    if bin_ == 1:
        return values
    columns = values.shape[-1] // bin_
    cut = values[..., : columns * bin_]
    return cut.reshape(*values.shape[:-1], columns, bin_).mean(axis=-1, dtype=np.float32)


def textured(
    values: Floats,
    angles_rad: Doubles,
    heights: Doubles,
    bin_: int,
    fine: float = 1.0,
    coarse: float = 16.0,
    limit: float = 2.0,
) -> Views:
    """Views for comparison from attenuation, axes ``row, angle, col``.

    The band lies between Gaussian widths ``fine`` and ``coarse`` (in binned columns). What stays
    at its column while the specimen turns (a stripe) is taken out; each view is divided by its
    own level and bent towards ± ``limit``, so that a few views along a flat face do not outweigh
    all the others; the ends of the detector fade out.
    """  # fmt: skip
    from scipy import fft

    small = binned(values, bin_)
    columns = small.shape[-1]
    # Wider, what lies beyond the ends of the detector would reach into the specimen and shift it
    coarse = min(coarse, columns / 24)
    pad = min(columns - 1, int(3 * coarse) + 4)
    padded = np.pad(small, ((0, 0), (0, 0), (pad, pad)), mode="reflect")
    length = fft.next_fast_len(padded.shape[-1], real=True)
    padded = np.pad(padded, ((0, 0), (0, 0), (0, length - padded.shape[-1])), mode="edge")
    k = fft.rfftfreq(length)
    band = np.exp(-2 * (np.pi * k * fine) ** 2) - np.exp(-2 * (np.pi * k * coarse) ** 2)
    spectrum = fft.rfft(padded, axis=-1)
    spectrum *= band.astype(np.float32)
    bands = fft.irfft(spectrum, length, axis=-1)[..., pad : pad + columns]
    bands = without_stripes(bands)
    if np.ptp(angles_rad) > FULL_TURN:
        # Nothing but what is round about the axis keeps its mean over a turn
        bands = bands - bands.mean(axis=1, keepdims=True)
    bands = limited(bands, limit)
    return Views(
        (bands * faded(columns)).astype(np.float32), np.asarray(angles_rad, np.float64), heights,
        bin_, firmness(bands), coarse,
    )  # fmt: skip


def faded(columns: int) -> Floats:
    """Weights that rise at both ends: a hard end would leave a ring of its own in every slice."""
    width = max(2, columns // 24)
    edge = np.ones(columns, np.float32)
    edge[:width] = np.sin(0.5 * np.pi * (np.arange(width) + 0.5) / width) ** 2
    return edge * edge[::-1]


def without_stripes(bands: Floats, blocks: int = 7) -> Floats:
    """Views without what stays at its column: the median over blocks of views of the blocks'
    means (the specimen passes, a stripe stays), and of that only what is narrow (what is wide
    may be the specimen's own core)."""
    blocks = min(blocks, bands.shape[1])
    level = 3 * np.abs(bands).mean(axis=2, keepdims=True) + np.float32(1e-12)
    clipped = np.clip(bands, -level, level)
    means = np.stack([block.mean(axis=1) for block in np.array_split(clipped, blocks, axis=1)])
    stripes = np.median(means, axis=0)
    at = np.arange(-8, 9)
    kernel = np.exp(-0.5 * (at / 2.5) ** 2)
    kernel /= kernel.sum()
    wide = np.stack([np.convolve(np.pad(s, 8, mode="edge"), kernel, "valid") for s in stripes])
    return bands - (stripes - wide).astype(np.float32)[:, None, :]


def limited(bands: Floats, limit: float) -> Floats:
    """Each view in units of its mean modulus, bent towards ± ``limit``."""
    level = np.abs(bands).mean(axis=2, keepdims=True) * np.float32(limit) + np.float32(1e-12)
    return np.float32(limit) * np.tanh(bands / level)


def firmness(bands: Floats) -> Doubles:
    """What neighbouring views share, for each row: 1 without noise, towards 0 with nothing else."""
    power = np.mean(bands**2, axis=(1, 2), dtype=np.float64) + 1e-12
    shared = np.mean(bands[:, 1:] * bands[:, :-1], axis=(1, 2), dtype=np.float64) / power
    return np.clip(shared, 0.02, 1.0)
