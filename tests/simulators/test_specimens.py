"""Every family: inside its radius, at every height, seeded, alike however little is made."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest

from metadata import InputError
from simulators.projector import fractions, labels
from simulators.specimens import FAMILIES, make_specimen
from simulators.specimens.gallery import draw

NAMES = sorted(FAMILIES)
RADIUS = 40


@pytest.mark.parametrize("name", NAMES)
def test_a_specimen_fits_its_cylinder_at_every_height(name: str) -> None:
    specimen = make_specimen(name, RADIUS, 24, seed=2)
    for z in (-12.5, -12.0, 0.0, 7.3, 12.0, 12.5):
        image = labels(specimen.shapes, z, 2 * RADIUS + 9)
        y, x = np.indices(image.shape) - RADIUS - 4
        assert not image[np.hypot(x, y) > RADIUS + 0.01].any()
        assert (image > 0).sum() > (0.2 if name != "printed_lattice" else 0.01) * np.pi * RADIUS**2


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize(("radius", "height"), [(40.0, 6.0), (12.0, 40.0), (4.0, 1.0)])
def test_whatever_the_seed_and_the_size_nothing_stands_out(
    name: str, radius: float, height: float
) -> None:
    size = 2 * int(radius) + 9
    y, x = np.indices((size, size)) - (size - 1) / 2
    beyond = np.hypot(x, y) > radius + 0.01
    for seed in range(16):
        specimen = make_specimen(name, radius, height, seed)
        for z in (-height / 2, height / 2):
            image = labels(specimen.shapes, z, size)
            assert image.any(), seed
            assert not image[beyond].any(), seed


@pytest.mark.parametrize("name", NAMES)
def test_phases_have_names_materials_and_numbers(name: str) -> None:
    made = [make_specimen(name, RADIUS, 3 * RADIUS, seed=s) for s in range(3)]
    specimen = made[0]
    assert len(specimen.labels) == len(set(specimen.labels)) == len(specimen.materials)
    assert specimen.labels[0] == "outside"
    assert FAMILIES[name].en
    assert any("\u4e00" <= c <= "\u9fff" for c in FAMILIES[name].zh)
    used = set(np.concatenate([m.shapes.material for m in made]).tolist())
    assert used - {0} == set(range(1, len(specimen.labels)))
    attenuation = [m.attenuation_per_m(specimen.energy_kev) for m in specimen.materials]
    assert np.ptp(attenuation) > 1


@pytest.mark.parametrize("name", NAMES)
def test_the_seed_makes_the_specimen(name: str) -> None:
    first, again = (make_specimen(name, RADIUS, 4, seed=7) for _ in range(2))
    np.testing.assert_array_equal(first.shapes.axes, again.shapes.axes)
    np.testing.assert_array_equal(first.shapes.material, again.shapes.material)
    other = make_specimen(name, RADIUS, 4, seed=8)
    if name != "shepp_logan":
        assert (labels(first.shapes, 0.0, 81) != labels(other.shapes, 0.0, 81)).mean() > 0.002


@pytest.mark.parametrize("name", NAMES)
def test_only_what_touches_the_heights_is_made(name: str) -> None:
    specimen = make_specimen(name, RADIUS, 4, seed=1)
    assert len(specimen.shapes.within(-4.0, 4.0)) == len(specimen.shapes)
    assert len(specimen.shapes) < 3000


# Those whose parts are laid at random: a thin slab must not look other than a slice of a thick one.
@pytest.mark.parametrize(
    ("name", "phase"),
    [("foam", "gas cell"), ("rock", "matrix"), ("porous_rock", "pore"),
     ("concrete", "cement paste"), ("battery_electrode", "active particle"),
     ("short_fibre_composite", "fibre"), ("alloy", "aluminium"), ("trabecular_bone", "bone"),
     ("multilayer_capacitor", "void"), ("printed_lattice", "powder grain")],
)  # fmt: skip
def test_slices_are_alike_whatever_the_height(name: str, phase: str) -> None:
    def share(height: float, seeds: range) -> np.ndarray:
        found = []
        for seed in seeds:
            specimen = make_specimen(name, RADIUS, height, seed)
            parts = fractions(specimen.shapes, len(specimen.materials), 0.0, 2 * RADIUS + 1)
            found.append(parts[specimen.labels.index(phase)].sum() / (np.pi * RADIUS**2))
        return np.array(found)

    thin, thick = share(1, range(24)), share(RADIUS, range(24, 36))
    error = np.hypot(thin.std() / np.sqrt(len(thin)), thick.std() / np.sqrt(len(thick)))
    assert thin.mean() == pytest.approx(thick.mean(), abs=3.5 * error + 0.01)


@pytest.mark.parametrize("name", NAMES)
def test_very_small_and_odd_sizes_can_be_made(name: str) -> None:
    for radius, height in ((4.0, 1.0), (9.7, 80.3), (33.3, 0.1)):
        specimen = make_specimen(name, radius, height, seed=0)
        assert labels(specimen.shapes, 0.0, 2 * int(radius) + 3).any()


def test_the_phantom_keeps_its_greys() -> None:
    specimen = make_specimen("shepp_logan", 60, 1)
    image = np.array([m.density for m in specimen.materials])[labels(specimen.shapes, 0.0, 121)]
    outside, skull, brain, ventricle = image[2, 2], image[6, 60], image[90, 60], image[60, 72]
    np.testing.assert_allclose([skull, brain, ventricle], [1.0, 0.2, 0.0], atol=1e-9)
    assert outside < 0.01


def test_unknown_families_and_impossible_sizes_are_named() -> None:
    with pytest.raises(InputError, match=r"no specimen 'cheese'.*porous_rock"):
        make_specimen("cheese", 50, 1)
    with pytest.raises(InputError, match="radius of at least 4 px"):
        make_specimen("foam", 2, 1)


def test_the_gallery_is_drawn(tmp_path: Path) -> None:
    picture = draw(tmp_path / "gallery.png", size=40)
    assert picture.stat().st_size > 20_000


@pytest.mark.slow
@pytest.mark.parametrize("name", NAMES)
def test_a_whole_large_specimen_can_be_made(name: str) -> None:
    specimen = make_specimen(name, 1024, 2048, seed=0)
    held = sum(a.nbytes for a in (specimen.shapes.center, specimen.shapes.axes))
    assert held < 1e9
    assert labels(specimen.shapes, 100.0, 256).any()
