"""Specimens of no family: inside their cylinder, of many looks, seen by the beam."""

from __future__ import annotations

import numpy as np

from simulators import World, simulate
from simulators.specimens import Specimen
from simulators.training.mixed_specimens import mixed

FAMILIES = ("foam", "seed", "woven_composite")


def drawn(seed: int, radius: float = 40.0) -> Specimen:
    return mixed(FAMILIES, radius, 2.0, np.random.default_rng(seed))


def test_they_lie_inside_the_cylinder_and_every_body_has_a_material() -> None:
    for seed in range(20):
        specimen = drawn(seed)
        assert specimen.shapes.farthest().max() <= 1.02 * 40.0
        assert specimen.shapes.material.max() < len(specimen.materials) == len(specimen.labels)
        assert max(material.density for material in specimen.materials[1:]) == 1.0


def test_the_same_draws_make_the_same_and_others_another() -> None:
    first, again, other = drawn(1), drawn(1), drawn(2)
    np.testing.assert_array_equal(first.shapes.center, again.shapes.center)
    assert first.materials == again.materials
    assert first.shapes.center.shape != other.shapes.center.shape or not np.array_equal(
        first.shapes.center, other.shapes.center
    )


def test_a_scan_shows_the_specimen_that_is_given() -> None:
    world = World(columns=96, rows=1, projections=60, photons=None)
    specimen = mixed(FAMILIES, world.radius, world.height, np.random.default_rng(3))
    scan = simulate(world, specimen)
    assert scan.specimen.family == "mixed"
    truth = scan.truth(0)
    assert np.ptp(truth) > 0
    # What a view sees in all is what the slice holds
    np.testing.assert_allclose(scan.line_integrals(0).sum(1), truth.sum(), rtol=0.02)
    assert not np.allclose(truth, simulate(world).truth(0))
