"""Several scans of one specimen: at several energies, and at several times while it deforms."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from metadata.errors import InputError
from simulators.simulated_scan import SimulatedScan, simulate
from simulators.world import World


def energies(world: World, energies_kev: Sequence[float]) -> list[SimulatedScan]:
    """Scans of one specimen with one detector at several photon energies, noise of their own.

    Densities are those that ``attenuation`` asks for at ``world.energy_kev``, so the scans differ
    as the materials' attenuation does. Each scan's ``fractions(row)`` is the truth for
    decomposition and ``attenuation_per_px()`` the basis.

    >>> low, high = energies(World("foam", columns=64, rows=1, projections=8), [10.0, 20.0])
    >>> bool(low.attenuation_per_px()[1] > 3 * high.attenuation_per_px()[1])
    True
    """
    if not len(energies_kev):
        raise InputError(
            "No energies were given, expected at least one in keV (with `tomoplan simulate scans "
            "energies`: --energies-kev 20,25)."
        )
    same = replace(_same_things(world), attenuation_kev=world.attenuation_kev or world.energy_kev)
    return [
        simulate(replace(same, energy_kev=float(energy), seed=world.seed + 1 + number))
        for number, energy in enumerate(energies_kev)
    ]


def time_steps(world: World, steps: int = 3) -> list[SimulatedScan]:
    """Scans of one specimen at rest and ever more deformed, up to ``world.deformation_px``.

    ``scan.displacement(z, y, x)`` of each is the truth: where the parts of the specimen at rest
    have gone. The labels move along.

    >>> rest, end = time_steps(World("foam", columns=64, rows=1, projections=8,
    ...                              deformation_px=2.0), steps=2)
    >>> rest.world.deformation_px, end.world.deformation_px
    (0.0, 2.0)
    """
    if steps < 2 or not world.deformation_px:
        raise InputError(
            f"{steps} steps with deformation_px {world.deformation_px:g} show no change; expected "
            f"two steps at least and a deformation above 0 (with `tomoplan simulate scans "
            f"time_steps`: --steps 2 --deformation-px 3)."
        )
    same = _same_things(world)
    return [
        simulate(replace(same, deformation_px=float(amount), seed=world.seed + 1 + number))
        for number, amount in enumerate(np.linspace(0, world.deformation_px, steps))
    ]


def _same_things(world: World) -> World:
    """The world with its specimen and detector fixed, whatever seed is put in."""
    return replace(
        world,
        specimen_seed=world.seed if world.specimen_seed is None else world.specimen_seed,
        detector_seed=world.seed if world.detector_seed is None else world.detector_seed,
        radius_px=world.radius,
        height_px=world.height + 2 * world.deformation_px,
    )
