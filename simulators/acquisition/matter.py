"""The specimen of a world in its place, and what its materials do to the beam."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from simulators.acquisition.deformation import Deformation
from simulators.acquisition.neutrons import neutron_attenuation_per_m
from simulators.faults.metal import grains, metal_for
from simulators.projector import path_lengths
from simulators.specimens import Specimen, make_specimen

if TYPE_CHECKING:
    from simulators.world import World

Array = NDArray[np.float64]


@dataclass(frozen=True, eq=False)
class Matter:
    """The specimen as it stands, the factor on its densities and its deformation (truth)."""

    specimen: Specimen
    densities: float  # factor on all densities
    deformation: Deformation
    world: World

    def attenuation(self, energy_kev: float | None = None) -> Array:
        """Attenuation of each material in 1/px at an energy (None: the world's)."""
        return self.attenuations(np.array([energy_kev or self.world.energy_kev]))[0]

    def attenuations(self, energies_kev: Array) -> Array:
        """The same at several energies, axes ``energy, material``."""
        per_m = _per_m(self.world, self.specimen, energies_kev)
        return self.densities * self.world.pixel_size_m * per_m

    def delta(self, energy_kev: float) -> Array:
        """Refractive index decrement of each material."""
        return self.densities * np.array([m.delta(energy_kev) for m in self.specimen.materials])


def matter(world: World, specimen: Specimen | None = None) -> Matter:
    """Make the specimen (or take the one given), put metal into it, deform it, enlarge it, put it
    into its place and find the factor on the densities that ``attenuation`` asks for."""
    seed = world.seed if world.specimen_seed is None else world.specimen_seed
    height = world.height
    if specimen is None:
        specimen = make_specimen(world.specimen, world.radius, height, seed)
    shapes = specimen.shapes
    if world.metal:
        metal = metal_for(specimen.materials, world.energy_kev)
        shapes = shapes + grains(world, len(specimen.materials))
        specimen = replace(specimen, materials=(*specimen.materials, metal),
                           labels=(*specimen.labels, "metal"))  # fmt: skip
    plain = replace(specimen, shapes=shapes)
    deformation = Deformation.drawn(seed, world.radius, height, world.deformation_px)
    if world.deformation_px:
        shapes = shapes.displaced(deformation)
    shapes = shapes.scaled(world.scale)
    if world.turned_deg:
        shapes = shapes.turned(rotation(world.turned_deg))
    shapes = shapes.moved([world.moved_x_px, world.moved_y_px, world.moved_z_px])
    factor = 1.0
    if world.attenuation is not None:
        # From the specimen before it is moved and deformed: steps and tiles share their densities.
        longest = _longest(world, plain) * world.scale
        factor = world.attenuation / longest if longest else 1.0
    return Matter(replace(specimen, shapes=shapes), factor, deformation, world)


def rotation(turned_deg: float) -> Array:
    """Matrix on ``(x, y, z)`` that turns about the axis, from x towards y."""
    c, s = np.cos(np.deg2rad(turned_deg)), np.sin(np.deg2rad(turned_deg))
    return np.array([[c, -s, 0.0], [s, c, 0.0], [0.0, 0.0, 1.0]])


def _per_m(world: World, specimen: Specimen, energies_kev: Array) -> Array:
    if world.probe == "neutron":
        one = [neutron_attenuation_per_m(m) for m in specimen.materials]
        return np.repeat([one], len(energies_kev), axis=0)
    return np.stack([m.attenuations_per_m(energies_kev) for m in specimen.materials], axis=1)


def _longest(world: World, specimen: Specimen) -> float:
    """Strongest absorption among rays through the middle, from two sides, at real densities."""
    energy = np.array([world.attenuation_kev or world.energy_kev])
    mu = _per_m(world, specimen, energy)[0] * world.pixel_size_m
    theta = np.array([0.0, np.pi / 2])
    u = np.repeat(np.linspace(-world.radius, world.radius, 201)[None], 2, axis=0)
    near = specimen.shapes.within(0.0, 0.0)
    lengths = path_lengths(near, len(specimen.materials), theta, u, np.zeros_like(u), fine=1)
    return float(np.tensordot(mu, lengths, axes=1).max())
