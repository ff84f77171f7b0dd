"""Photon energies of the beam behind its filter, as a few energies with weights."""

from __future__ import annotations

from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from metadata.errors import InputError
from simulators.materials import MATERIALS

if TYPE_CHECKING:
    from simulators.world import World

Array = NDArray[np.float64]

LINES = 10  # energies that stand for a continuous spectrum
LOWEST_KEV, HIGHEST_KEV = 4.0, 300.0
INHERENT_UM = 500.0  # of aluminium: the window every white beam passes


def spectrum(world: World) -> tuple[Array, Array]:
    """Energies in keV and their parts of the photons (sum 1).

    One energy for ``mono``; else ``LINES`` of them, each standing for an equal part of the photons
    that pass the window of 0.5 mm aluminium and the filter.
    """
    if world.spectrum == "mono":
        return np.array([world.energy_kev]), np.ones(1)
    return _lines(world.spectrum, source_kev(world), world.filter, world.filter_mm)


def source_kev(world: World) -> float:
    """Critical energy of the magnet, or voltage of the tube."""
    if world.source_kev is not None:
        return world.source_kev
    return world.energy_kev * (2 if world.spectrum == "tube" else 1)


def mean_energy(world: World) -> float:
    """Mean photon energy, keV."""
    energies, weights = spectrum(world)
    return float(energies @ weights)


def bending_magnet(energy_kev: Array, critical_kev: float) -> Array:
    """Photons per unit of energy on the axis of a bending magnet, in any unit: ``y K²⅔(y/2)``.

    Reference: X-ray Data Booklet (2009), section 2.1: ``H₂(y) = y² K²_{2/3}(y/2)`` for 0.1 %
    bandwidth, ``y = E / E_c``.
    """
    from scipy.special import kv

    y = energy_kev / critical_kev
    return y * kv(2 / 3, y / 2) ** 2


def tube(energy_kev: Array, voltage_kev: float) -> Array:
    """Bremsstrahlung of a tube without characteristic lines, in any unit: ``E₀/E − 1``.

    Reference: Kramers 1923, Phil. Mag. 46, 836.
    """
    return np.maximum(voltage_kev / energy_kev - 1, 0)


@lru_cache(maxsize=64)
def _lines(kind: str, source: float, filter_name: str, filter_mm: float) -> tuple[Array, Array]:
    # Narrow steps, so that the quantiles below are good to a part in a thousand.
    highest = min(HIGHEST_KEV, source * (1 if kind == "tube" else 12))
    energies = np.geomspace(LOWEST_KEV, highest, 400)
    density = (tube if kind == "tube" else bending_magnet)(energies, source)
    window = MATERIALS["aluminium"].attenuations_per_m(energies)
    passed = density * np.exp(-INHERENT_UM * 1e-6 * window)
    if filter_name:
        passed *= np.exp(-filter_mm * 1e-3 * MATERIALS[filter_name].attenuations_per_m(energies))
    photons = passed * np.gradient(energies)
    if not photons.sum() > 1e-12 * (density * np.gradient(energies)).sum():
        raise InputError(
            f"{filter_mm:g} mm of {filter_name} let nothing of the spectrum through; expected a "
            f"thinner filter or a harder source (source_kev)."
        )
    part = np.cumsum(photons) / photons.sum()
    edges = np.searchsorted(part, np.arange(1, LINES) / LINES)
    groups = np.split(np.arange(len(energies)), edges)
    groups = [g for g in groups if photons[g].sum() > 0]
    weights = np.array([photons[g].sum() for g in groups])
    means = np.array([(photons[g] * energies[g]).sum() for g in groups]) / weights
    return means, weights / weights.sum()
