"""Random worlds and their batches: the painted projector against the exact one, on the CPU."""

from __future__ import annotations

from dataclasses import replace

import numpy as np
import pytest

from metadata import InputError
from simulators import World, simulate
from simulators.batches import batches
from simulators.projector import labels, path_lengths
from simulators.rendered_projector import painted, rendered_lengths
from simulators.sampling import FAULTS, draw_world
from simulators.specimens import FAMILIES, make_specimen

WORLD = World("foam", columns=48, rows=1, projections=24, photons=1e5, center=22.7,
              jitter_px=0.5, rings=0.5, blur_px=0.5, blur_tails=0.1, seed=2)  # fmt: skip


@pytest.mark.parametrize("family", ["foam", "integrated_circuit", "short_fibre_composite"])
def test_painted_lengths_are_the_exact_ones_within_a_hundredth(family: str) -> None:
    specimen = make_specimen(family, 20.0, 1.0, seed=1)
    count = len(specimen.materials)
    theta = np.linspace(0, np.pi, 12, endpoint=False)
    u = np.repeat(np.arange(48.0)[None] - 23.1, 12, axis=0)
    exact = path_lengths(specimen.shapes, count, theta, u, np.zeros_like(u), fine=3)
    found = rendered_lengths(specimen.shapes, count, theta, u, 0.0, 48, fine=4).numpy()
    assert np.sqrt(((found - exact) ** 2).mean()) < 0.01 * exact.sum(axis=0).max()
    np.testing.assert_allclose(found.sum(axis=(1, 2)), exact.sum(axis=(1, 2)), rtol=0.03, atol=9)


def test_painted_materials_are_the_labels() -> None:
    for family in ("wood", "battery_electrode"):
        shapes = make_specimen(family, 20.0, 1.0, seed=1).shapes
        agree = painted(shapes, 0.0, 41).numpy() == labels(shapes, 0.0, 41)
        assert agree.mean() > 0.999


def test_a_painted_batch_is_the_scan_in_law() -> None:
    scan = simulate(WORLD)
    exact, drawn = (next(batches([WORLD], 1, "cpu", rendered=r)) for r in (False, True))
    np.testing.assert_allclose(exact.clean[0], scan.line_integrals(0), atol=1e-5)
    np.testing.assert_allclose(exact.truth[0], scan.truth(0), atol=1e-6)
    np.testing.assert_array_equal(drawn.labels[0], scan.labels(0))
    counts = scan.projections()[:, 0]
    for batch in (exact, drawn):
        assert batch.clean.numpy().std() == pytest.approx(exact.clean.numpy().std(), rel=0.01)
        off = batch.counts[0].numpy() - counts
        # Two draws of the noise, and what the grid is off by.
        assert np.abs(off).mean() < 3 * np.sqrt(2 * counts.mean() * 0.3)
        assert off.mean() == pytest.approx(0, abs=0.005 * float(counts.mean()))
        assert batch.flat[0].numpy().mean() == pytest.approx(scan.flats().mean(), rel=2e-3)


def test_the_same_world_gives_the_same_batch() -> None:
    first, second = (next(batches([WORLD], 1, "cpu")) for _ in range(2))
    assert bool((first.counts == second.counts).all())


def test_what_a_slice_cannot_show_is_projected_exactly() -> None:
    leaning = replace(WORLD, tilt_deg=2.0, height_px=8.0)
    batch = next(batches([leaning], 1, "cpu", rendered=True))
    np.testing.assert_allclose(batch.clean[0], simulate(leaning).line_integrals(0), atol=1e-5)


def test_worlds_of_different_sizes_do_not_mix() -> None:
    with pytest.raises(InputError, match="expected one size"):
        next(batches([WORLD, replace(WORLD, projections=10)], 2, "cpu"))


def test_drawn_worlds_are_believable_and_repeatable() -> None:
    first = [draw_world(np.random.default_rng(4), size=64) for _ in range(2)]
    assert first[0] == first[1]
    rng = np.random.default_rng(0)
    drawn = [draw_world(rng, size=64) for _ in range(150)]
    assert len({w.specimen for w in drawn}) > 8
    assert {w.specimen for w in drawn} <= set(FAMILIES)
    assert 0.15 < np.mean([w.rings > 0 for w in drawn]) < 0.45
    for number in range(6):
        counts = simulate(replace(drawn[number], projections=10)).projections()
        assert np.isfinite(counts).all()
        assert counts.std() > 100


def test_faults_that_are_not_asked_for_stay_away() -> None:
    world = draw_world(np.random.default_rng(1), size=64, faults=(), center=30.0)
    assert (world.rings, world.jitter_px, world.fringes, world.metal) == (0, 0, 0, False)
    assert world.center == 30.0
    with pytest.raises(InputError, match=r"no family 'cheese' and no fault 'gremlins'"):
        draw_world(np.random.default_rng(1), families=["cheese"], faults=["gremlins"])
    assert "rings" in FAULTS
