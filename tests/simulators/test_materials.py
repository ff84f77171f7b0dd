"""Attenuation and refraction against tabulated values."""

from __future__ import annotations

import subprocess
import sys

import pytest

from metadata import InputError
from simulators.materials import MATERIALS, Material


# mass attenuation with scattering, cm²/g: Hubbell & Seltzer, NISTIR 5632 (1995), table 3 and 4
@pytest.mark.parametrize(
    ("name", "energy_kev", "expected"),
    [("water", 10.0, 5.329), ("water", 20.0, 0.8096), ("aluminium", 30.0, 1.128),
     ("copper", 20.0, 33.79), ("gold", 60.0, 4.528)],
)  # fmt: skip
def test_attenuation_is_that_of_the_tables(name: str, energy_kev: float, expected: float) -> None:
    material = MATERIALS[name]
    found = material.attenuation_per_m(energy_kev) / material.density / 100
    assert found == pytest.approx(expected, rel=0.02)


def test_refraction_is_that_of_the_free_electrons_far_from_edges() -> None:
    # δ = r_e λ² n_e / 2π, n_e = 10 electrons a molecule of water, 18.015 g/mol
    wavelength, electrons = 12.39842e-10 / 20.0, 10 / 18.015 * 6.02214e29
    expected = 2.81794e-15 * wavelength**2 * electrons / (2 * 3.14159265)
    assert MATERIALS["water"].delta(20.0) == pytest.approx(expected, rel=0.01)


def test_every_material_absorbs_and_refracts() -> None:
    for material in MATERIALS.values():
        assert 0 < material.attenuation_per_m(25.0) < 1e6
        assert 0 < material.delta(25.0) < 1e-4
    assert Material("nothing", "H2O", 0.0).attenuation_per_m(25.0) == 0


def test_energies_outside_the_tables_are_refused() -> None:
    with pytest.raises(InputError, match="outside 1 to 400 keV"):
        MATERIALS["water"].attenuation_per_m(0.5)


def test_tables_are_loaded_when_asked_for() -> None:
    code = (
        "import sys, simulators, simulators.specimens, simulators.projector\n"
        "print([m for m in ('xraydb', 'numba', 'scipy', 'matplotlib') if m in sys.modules])"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
