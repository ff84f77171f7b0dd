"""How much projections jump sideways from one to the next, measured without a reference."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from toolbox.attenuation import attenuation_of
from toolbox.kinds import DataKind
from toolbox.values import Block

SEGMENTS = 16  # parts of the width whose measurements must agree
NARROWEST = 8  # columns of a part
GROUPS = 12  # of views, for the interval
STRETCH = 125  # neighbouring views looked at together …
STRETCHES = 4  # … at so many places of the turn
ROWS = 2
COLUMNS = 1024  # wider views are binned
SECOND_DIFFERENCE = 1.5  # variance of s[i] − (s[i−1] + s[i+1]) / 2 for independent s of variance 1


def jitter_level(sinogram: Block) -> tuple[float, float, float]:
    """RMS of the horizontal shifts between neighbouring views beyond the sample's own motion, in
    px, with its 95 % interval ``(rms, low, high)``.

    Each view is compared to the mean of its two neighbours, band by band of wavelengths, in 16
    parts of the width: a part's misfit along the slope of the grey values measures the shift and
    noise; the product of the measurements of two *different* parts measures only what they have
    in common, the shift of the whole frame. Still stripes cancel in the comparison. Bands whose
    wavelength is too short for the shifts found are left out. The sample's own motion leaves some
    0.05 px on an aligned scan, outside the interval. A slow drift is not seen, shifts above 1 % of
    the width are underestimated (at 2 % by a third or so), and where views are so far apart that
    neighbours have little in common the interval is wide. ``high`` is a quarter of the width where
    nothing can be told (under 8 views, or nothing in them).

    >>> from toolbox.kinds import GreyState
    >>> from toolbox.values import Geometry
    >>> still = np.repeat(np.sin(np.arange(64.0) / 5)[None, None], 20, axis=1).astype("float32")
    >>> block = Block(still, DataKind.SINOGRAM, GreyState.ATTENUATION,
    ...               Geometry(np.linspace(0, 3, 20), 1, 64), np.arange(1), np.arange(20))
    >>> jitter_level(block)
    (0.0, 0.0, 16.0)
    """
    chosen, joins, bin_width = _sample(sinogram)
    unknown = 0.0, 0.0, sinogram.values.shape[-1] / 4
    if chosen.shape[1] < 8 or chosen.shape[2] < 2 * NARROWEST:
        return unknown
    bands = slope_bands(chosen, joins)
    if not bands:
        return unknown
    level, at_least = 0.0, 0.0
    products = part_products(bands)
    for _ in range(6):
        usable = [b for b in bands if b.scale >= 1.5 * level] or bands[-1:]
        products = part_products(usable)
        at_least, level = level, float(np.sqrt(max(products.variance(), 0.0)))
        if level <= 1.05 * at_least:
            break
    variance, error = products.variance(), products.error()
    low, high = (np.sqrt(max(variance + k * error, 0.0)) for k in (-2, 2))
    rms = float(np.sqrt(max(variance, 0.0)))
    if not np.isfinite(rms + high):
        return unknown
    return bin_width * rms, bin_width * float(low), min(bin_width * float(high), unknown[2])


@dataclass(frozen=True, eq=False)
class SlopeBand:
    """Misfit along the slope and slope energy, axes ``view, part``, and the noise of each part.
    ``energy`` is free of noise but small where neighbours differ; ``blunt_energy`` holds both."""

    scale: float
    misfit: NDArray[np.float64]
    energy: NDArray[np.float64]
    blunt_energy: NDArray[np.float64]
    noise: NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class PartProducts:
    """Sums over pairs of different parts, one for each view."""

    shift: NDArray[np.float64]
    weight: NDArray[np.float64]

    def variance(self, left_out: NDArray[np.intp] | None = None) -> float:
        shift, weight = self.shift.sum(), self.weight.sum()
        if left_out is not None:
            shift, weight = shift - self.shift[left_out].sum(), weight - self.weight[left_out].sum()
        return float(shift / weight / SECOND_DIFFERENCE) if weight > 0 else float("nan")

    def error(self) -> float:
        """Standard error of the variance, by leaving out groups of views (jackknife)."""
        groups = np.array_split(np.arange(len(self.shift)), GROUPS)
        without = np.array([self.variance(g) for g in groups])
        return float(np.sqrt((GROUPS - 1) * np.var(without)))


def _sample(sinogram: Block) -> tuple[NDArray[np.float32], NDArray[np.bool_], int]:
    """Some rows and stretches of neighbouring views, ``row, view, col``, whether a view begins a
    stretch, and the binning of the columns."""
    values = sinogram.as_kind(DataKind.SINOGRAM).values
    count = values.shape[1]
    order = np.argsort(sinogram.geometry.angles_rad, kind="stable")
    begins = np.zeros(count, bool)
    begins[:1] = True
    if count > STRETCH * STRETCHES:
        firsts = np.linspace(0, count - STRETCH, STRETCHES).astype(int)
        order = np.concatenate([order[f : f + STRETCH] for f in firsts])
        begins = np.arange(len(order)) % STRETCH == 0
    rows = np.unique(np.linspace(0, max(len(values) - 1, 0), ROWS).astype(int))
    part = sinogram.as_kind(DataKind.SINOGRAM)
    part = part.with_values(values[rows][:, order])
    chosen = attenuation_of(part)
    bin_width = -(-chosen.shape[-1] // COLUMNS)
    if bin_width > 1:
        kept = chosen.shape[-1] // bin_width * bin_width
        chosen = chosen[..., :kept].reshape(*chosen.shape[:2], -1, bin_width).mean(axis=-1)
    if chosen.shape[-1] > 256:  # a length with small factors, for the transforms
        chosen = chosen[..., : chosen.shape[-1] // 32 * 32]
    return chosen, begins, bin_width


def slope_bands(values: NDArray[np.float32], begins: NDArray[np.bool_]) -> list[SlopeBand]:
    """Comparisons of neighbouring views, ``row, view, col``, in bands of wavelengths; ``begins``
    marks the first view of each stretch of neighbours."""
    columns = values.shape[-1]
    parts = max(min(SEGMENTS, columns // NARROWEST), 2)
    width = columns // parts
    values = values - np.median(values, axis=1, keepdims=True)
    spectrum = np.fft.rfft(np.concatenate([values, values[..., ::-1]], axis=-1), axis=-1)
    wave = (2 * np.pi * np.fft.rfftfreq(2 * columns)).astype(np.float32)
    inside = ~(begins[1:-1] | begins[2:])  # both neighbours belong to the same stretch

    def back(response: NDArray[Any]) -> NDArray[Any]:
        return np.fft.irfft(spectrum * response, axis=-1)[..., :columns]

    def by_part(field: NDArray[Any]) -> NDArray[np.float64]:
        kept = field[..., : parts * width].reshape(*field.shape[:2], parts, width)
        return kept.sum(axis=-1, dtype=np.float64).sum(axis=0)[inside]

    bands = []
    scale = 1.0
    while scale <= max(columns / 16, 2):
        window = np.exp(-0.5 * (scale * wave) ** 2) - np.exp(-2 * (scale * wave) ** 2)
        smooth, slope = back(window), back(np.complex64(1j) * wave * window)
        change = smooth[:, 1:-1] - (smooth[:, :-2] + smooth[:, 2:]) / 2
        before, after = slope[:, :-2], slope[:, 2:]
        mean = (before + after) / 2
        misfit = -by_part(mean * change)
        energy = by_part(before * after)  # of two views: their noise does not add to it
        noise = np.median(by_part(change**2), axis=0)
        if noise.max() > 0:
            noise = np.maximum(noise, 0.05 * noise.mean())  # no part, empty of sample, rules all
            bands.append(SlopeBand(scale, misfit, energy, by_part(mean**2), noise))
        scale *= 2
    return bands


def part_products(bands: list[SlopeBand]) -> PartProducts:
    """What different parts of the width have in common, all bands weighted by their noise."""
    misfit = np.sum([b.misfit / b.noise for b in bands], axis=0)
    energy = np.sum([b.energy / b.noise for b in bands], axis=0)
    return PartProducts(
        misfit.sum(axis=1) ** 2 - (misfit**2).sum(axis=1),
        energy.sum(axis=1) ** 2 - (energy**2).sum(axis=1),
    )
