"""How materials attenuate thermal neutrons: another contrast than that of X-rays."""

from __future__ import annotations

from functools import lru_cache

from metadata.errors import InputError
from simulators.materials import Material

# Bound scattering plus absorption at 1.798 Å, barn per atom.
# V. F. Sears, Neutron scattering lengths and cross sections, Neutron News 3 (1992) 26.
CROSS_SECTIONS = {
    "H": 82.35, "Li": 71.9, "B": 772.2, "C": 5.554, "N": 13.41, "O": 4.232, "F": 4.028,
    "Na": 3.81, "Mg": 3.773, "Al": 1.734, "Si": 2.338, "P": 3.484, "S": 1.556, "Cl": 50.3,
    "Ar": 1.358, "K": 4.06, "Ca": 3.26, "Ti": 10.44, "V": 10.18, "Cr": 6.54, "Mn": 15.45,
    "Fe": 14.18, "Co": 42.78, "Ni": 22.99, "Cu": 11.81, "Zn": 5.241, "Zr": 6.645, "Mo": 8.19,
    "Ag": 68.29, "Sn": 5.518, "I": 9.96, "Ba": 4.48, "Ce": 3.57, "W": 22.9, "Pt": 22.01,
    "Au": 106.4, "Hg": 399.1, "Pb": 11.289,
}  # fmt: skip
AVOGADRO = 6.02214076e23


@lru_cache(maxsize=1024)
def neutron_attenuation_per_m(material: Material) -> float:
    """Attenuation in 1/m of a material for thermal neutrons (1.798 Å).

    >>> from simulators.materials import MATERIALS
    >>> round(neutron_attenuation_per_m(MATERIALS["water"]))
    565
    """
    import xraydb

    if not material.density:
        return 0.0
    atoms = xraydb.chemparse(material.formula)
    unknown = sorted(set(atoms) - set(CROSS_SECTIONS))
    if unknown:
        raise InputError(
            f"{material.name} holds {', '.join(unknown)}, for which no neutron cross-section is "
            f"tabulated here; expected elements of {', '.join(CROSS_SECTIONS)}."
        )
    grams_per_mole = sum(n * xraydb.atomic_mass(e) for e, n in atoms.items())
    barn = sum(n * CROSS_SECTIONS[e] for e, n in atoms.items())
    per_cm = material.density / grams_per_mole * AVOGADRO * barn * 1e-24
    return 100 * float(per_cm)
