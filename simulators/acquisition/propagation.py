"""From the wave behind the specimen to the intensity at the detector.

Axes are ``angle, row, col``; with ``rows=1`` the propagation is one-dimensional, across the
columns only. The wave is ``exp(−absorbed/2 + i phase)``.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from simulators.world import World

Array = NDArray[np.float32]

LARGEST_MARGIN = 256
OVERSAMPLING = 2  # the wave is known at this many points a pixel
PLANCK_LIGHT_KEV_M = 1.23984198e-9  # h c


def wavelength_m(energy_kev: float) -> float:
    """Wavelength of a photon.

    >>> round(wavelength_m(12.398), 13)
    1e-10
    """
    return PLANCK_LIGHT_KEV_M / energy_kev


def margin_px(world: World) -> int:
    """Rows and columns beyond the detector that send light into it: what the finest
    frequency kept, one period in two points, is bent by over the distance."""
    if world.propagation == "none":
        return 0
    if world.propagation == "tie":
        return 2
    bent = wavelength_m(world.energy_kev) * world.distance_m / world.pixel_size_m**2
    return int(np.ceil(bent * OVERSAMPLING / 2)) + 4


def fresnel(absorbed: Array, phase: Array, energy_kev: float, distance_m: float,
            sample_m: float) -> Array:  # fmt: skip
    """Intensity at a distance by Fresnel propagation of samples ``sample_m`` apart.

    The edges wrap round: the outermost ``λ z / (2 sample_m²)`` samples are spoilt.
    Reference: Paganin 2006, Coherent X-Ray Optics, ch. 1 (transfer function).
    """
    from scipy.fft import fft2, fftfreq, ifft2

    wave = np.exp(-0.5 * absorbed) * np.exp(1j * phase)
    across = fftfreq(wave.shape[-1], sample_m) ** 2
    along = fftfreq(wave.shape[-2], sample_m)[:, None] ** 2  # one row: zero
    turn = -np.pi * wavelength_m(energy_kev) * distance_m * (along + across)
    transfer = np.exp(1j * turn).astype(np.complex64)
    spread = fft2(wave.astype(np.complex64), overwrite_x=True)
    spread *= transfer
    wave = ifft2(spread, overwrite_x=True)
    return (wave.real**2 + wave.imag**2).astype(np.float32)


def transport_of_intensity(absorbed: Array, phase: Array, energy_kev: float, distance_m: float,
                           sample_m: float) -> Array:  # fmt: skip
    """Intensity at a short distance: ``I − z/k ∇·(I ∇φ)``, not below a fiftieth of ``I``.

    Reference: Teague 1983, J. Opt. Soc. Am. 73, 1434. Good while ``λ z`` is small against the
    square of the finest detail.
    """
    intensity = np.exp(-absorbed)
    factor = distance_m * wavelength_m(energy_kev) / (2 * np.pi * sample_m**2)
    change = np.zeros_like(intensity)
    for axis in (-1, -2):
        if intensity.shape[axis] == 1:
            continue
        flow = np.diff(phase, axis=axis) * _between(intensity, axis)
        inner = [slice(None)] * 3
        inner[axis] = slice(1, -1)
        change[tuple(inner)] += np.diff(flow, axis=axis)
    return np.maximum(intensity - np.float32(factor) * change, 0.02 * intensity)


def binned(fine: Array, factor: int) -> Array:
    """Means of ``factor × factor`` samples (across the columns only where there is one row)."""
    angles, rows, columns = fine.shape
    high = factor if rows > 1 else 1
    parts = fine.reshape(angles, rows // high, high, columns // factor, factor)
    return parts.mean(axis=(2, 4), dtype=np.float32)


def edge_enhancement(transmission: Array, severity: float) -> Array:
    """Bright and dark rims along the columns, in proportion to the bend of the attenuation: the
    look of fringes without a distance."""
    bend = np.gradient(np.gradient(np.log(transmission), axis=-1), axis=-1)
    return transmission * np.clip(1 + np.float32(12 * severity) * bend, 0.2, 3)


def _between(values: Array, axis: int) -> Array:
    first, last = [slice(None)] * 3, [slice(None)] * 3
    first[axis], last[axis] = slice(None, -1), slice(1, None)
    return 0.5 * (values[tuple(first)] + values[tuple(last)])
